//! Where the network is trained.

use std::str::FromStr;

use tch::{Cuda, Device};

use crate::error::TrainError;

/// `cpu`, `cuda` (the first GPU) or `cuda:N`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceChoice {
    /// The processor.
    Cpu,
    /// The GPU of this number.
    Cuda(usize),
}

impl DeviceChoice {
    /// The device, if it is there. Never another one instead.
    ///
    /// # Errors
    ///
    /// [`TrainError::Device`] where a GPU was asked for that libtorch does not see.
    pub fn open(self) -> Result<Device, TrainError> {
        let DeviceChoice::Cuda(number) = self else {
            return Ok(Device::Cpu);
        };
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
        Ok(Device::Cuda(number))
    }
}

impl FromStr for DeviceChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || format!("`{text}` is not a device: write cpu, cuda or cuda:N");
        match text {
            "cpu" => Ok(DeviceChoice::Cpu),
            "cuda" => Ok(DeviceChoice::Cuda(0)),
            _ => {
                let number = text.strip_prefix("cuda:").ok_or_else(wrong)?;
                Ok(DeviceChoice::Cuda(number.parse().map_err(|_| wrong())?))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_read_as_pytorch_writes_them() {
        assert_eq!("cpu".parse(), Ok(DeviceChoice::Cpu));
        assert_eq!("cuda".parse(), Ok(DeviceChoice::Cuda(0)));
        assert_eq!("cuda:3".parse(), Ok(DeviceChoice::Cuda(3)));
        for wrong in ["", "gpu", "cuda:", "cuda:-1", "cuda:x", "CPU"] {
            assert!(wrong.parse::<DeviceChoice>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_missing_gpu_is_an_error_and_not_the_cpu() {
        let beyond = usize::try_from(Cuda::device_count()).unwrap();
        assert!(matches!(
            DeviceChoice::Cuda(beyond).open(),
            Err(TrainError::Device(_))
        ));
    }
}
