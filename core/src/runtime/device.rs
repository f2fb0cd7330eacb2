//! What runs a model: the processor, or a graphics card.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use ort::ep::{CUDA, ExecutionProvider, cuda};
use ort::session::builder::SessionBuilder;

use super::RuntimeError;

/// What runs a model. Written as `cpu`, `cuda` or `cuda:N`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Device {
    /// The processor.
    #[default]
    Cpu,
    /// The NVIDIA card of this number, from 0.
    Cuda(u16),
}

impl Device {
    /// The execution provider that runs models there, as ONNX Runtime names it.
    pub fn provider(self) -> &'static str {
        match self {
            Self::Cpu => "CPUExecutionProvider",
            Self::Cuda(_) => "CUDAExecutionProvider",
        }
    }

    /// Checks that a library can use the device, as far as that shows before a model is loaded, and loads the CUDA
    /// libraries that are beside it.
    pub(super) fn prepare(self, library: &Path) -> Result<(), RuntimeError> {
        let Self::Cuda(_) = self else {
            return Ok(());
        };
        if !CUDA::is_available().unwrap_or(false) {
            return Err(RuntimeError::NoCuda {
                library: library.into(),
            });
        }
        let folder = library.parent().unwrap_or(Path::new("."));
        // If they are not beside it, the system's loader may know where they are.
        let beside = |name: &str| folder.join(name).is_file().then_some(folder);
        let cudnn = beside(CUDNN);
        cuda::preload_dylibs(beside("libcudart.so.13"), cudnn)
            .map_err(|error| error.to_string())
            .and_then(|()| preload_what_is_asked_for_by_name(folder, cudnn.is_some()))
            .map_err(|reason| RuntimeError::CudaLibraries { reason })
    }

    /// Makes a session run here, completely or not at all: leaving part of it to the processor silently is an error.
    pub(super) fn configure(self, builder: SessionBuilder) -> ort::Result<SessionBuilder> {
        let Self::Cuda(number) = self else {
            return Ok(builder);
        };
        let provider = CUDA::default()
            .with_device_id(number.into())
            // Keeps scores as calibrated: TensorFloat-32 would round each factor to 11 bits.
            .with_tf32(false)
            // An exhaustive search, the default, would try every algorithm again for each size of batch. Even without it,
            // a convolution is planned anew whenever the size of the batch changes, by the source of ONNX Runtime 1.31
            // (conv.cc keeps one plan): nobody has measured what that costs here. bench/gpu.sh has a cell without it.
            .with_conv_algorithm_search(cuda::ConvAlgorithmSearch::Heuristic)
            .build()
            .error_on_failure();
        let builder = builder
            .with_execution_providers([provider])?
            .with_disable_cpu_fallback()?;
        Ok(builder)
    }
}

const CUDNN: &str = "libcudnn.so.9";

/// Loads what other libraries look for by name only when they need it, when they would look in vain or too late: cuDNN,
/// without which the first convolution fails, and what compiles cuDNN's plans at run time.
fn preload_what_is_asked_for_by_name(folder: &Path, has_cudnn: bool) -> Result<(), String> {
    let load = |path: PathBuf| ort::util::preload_dylib(path).map_err(|error| error.to_string());
    if !has_cudnn {
        load(CUDNN.into())?;
    }
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    let builtins = files.map(|file| file.path()).filter(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("libnvrtc-builtins.so.13")
    });
    builtins.into_iter().try_for_each(load)
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(number) => write!(f, "cuda:{number}"),
        }
    }
}

/// The error for a text that does not name a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected cpu, cuda, or cuda:N with the number of a card, from 0")]
pub struct NoDevice;

impl FromStr for Device {
    type Err = NoDevice;

    fn from_str(text: &str) -> Result<Self, NoDevice> {
        match text {
            "cpu" => Ok(Self::Cpu),
            "cuda" => Ok(Self::Cuda(0)),
            _ => {
                let number = text.strip_prefix("cuda:").ok_or(NoDevice)?;
                number.parse().map(Self::Cuda).map_err(|_| NoDevice)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_read_from_what_it_is_written_as() {
        for (text, device) in [
            ("cpu", Device::Cpu),
            ("cuda:0", Device::Cuda(0)),
            ("cuda:3", Device::Cuda(3)),
        ] {
            assert_eq!(text.parse(), Ok(device));
            assert_eq!(device.to_string(), text);
        }
        assert_eq!("cuda".parse(), Ok(Device::Cuda(0)));
        for text in ["", "gpu", "CUDA", "cuda:", "cuda:-1", "cuda:x", "cpu:0"] {
            assert_eq!(text.parse::<Device>(), Err(NoDevice), "{text}");
        }
    }
}
