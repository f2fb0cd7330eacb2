//! Where the network is trained.

use normgate_core::runtime::Device;
use tch::Cuda;

use crate::error::TrainError;

/// The device as libtorch has it, if it is there. Never another one instead.
///
/// # Errors
///
/// [`TrainError::Device`] where a GPU was asked for that libtorch does not see.
pub fn open(device: Device) -> Result<tch::Device, TrainError> {
    let Device::Cuda(number) = device else {
        return Ok(tch::Device::Cpu);
    };
    let number = usize::from(number);
    let count = usize::try_from(Cuda::device_count()).unwrap_or(0);
    if count == 0 {
        return Err(TrainError::Device(
            "--device cuda: libtorch sees no CUDA device here. It needs an NVIDIA driver, and \
             the CUDA libraries: run `scripts/fetch-libtorch --cuda` and build the trainer \
             again. Without a GPU, leave the option out to train on the CPU"
                .into(),
        ));
    }
    if number >= count {
        return Err(TrainError::Device(format!(
            "--device cuda:{number}: there are {count} CUDA devices here, numbered from 0"
        )));
    }
    // Every step has the same shapes, so that trying cuDNN's algorithms once on each is soon made up for.
    Cuda::cudnn_set_benchmark(true);
    Ok(tch::Device::Cuda(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_gpu_is_an_error_and_not_the_cpu() {
        let beyond = u16::try_from(Cuda::device_count()).unwrap();
        let opened = open(Device::Cuda(beyond));
        assert!(matches!(opened, Err(TrainError::Device(_))));
    }
}
