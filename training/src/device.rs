//! The device that trains the network.

use normgate_core::runtime::Device;
use tch::Cuda;

use crate::error::TrainError;

/// libtorch's device for the one that was asked for, if it is there; never another one instead.
///
/// # Errors
///
/// [`TrainError::Device`] if libtorch does not see the GPU that was asked for.
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
    // Every step has the same shapes, so trying cuDNN's algorithms once for each soon pays off.
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
