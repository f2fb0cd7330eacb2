//! Which model, and which ONNX Runtime runs it.

use std::path::PathBuf;

use normgate_core::runtime::{Device, Runtime, RuntimeError};

/// The model that comes with Normgate, seen from the folder in which README's commands are typed.
pub const DEFAULT_MODEL: &str = "models/cifar10-lt.onnx";

/// The model file and the library that runs it.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Model")]
pub struct ModelConfig {
    /// The model: an ONNX file that carries its labels, preprocessing and calibration.
    /// `normgate inspect MODEL` shows what a file holds.
    #[arg(
        long,
        env = "NORMGATE_MODEL",
        value_name = "FILE",
        default_value = DEFAULT_MODEL
    )]
    pub model: PathBuf,

    /// ONNX Runtime's shared library, 1.24 or later [default: ORT_DYLIB_PATH, else the one beside
    /// this program, else the one in .runtime/, where `make runtime` puts it]
    #[arg(long, env = "NORMGATE_ONNXRUNTIME", value_name = "FILE")]
    pub onnxruntime: Option<PathBuf>,

    /// What runs the model: cpu, cuda, or cuda:N for one of several cards. If CUDA cannot be used,
    /// Normgate refuses to start: it never falls back to the CPU silently. It needs a library with
    /// CUDA in it (`scripts/fetch-onnxruntime --cuda`). Nobody has run it on a GPU so far.
    #[arg(
        long,
        env = "NORMGATE_DEVICE",
        value_name = "DEVICE",
        default_value = "cpu"
    )]
    pub device: Device,
}

impl ModelConfig {
    /// The ONNX Runtime asked for, on the device asked for.
    ///
    /// # Errors
    /// As those of [`Runtime::load`] and [`Runtime::on`].
    pub fn runtime(&self) -> Result<Runtime, RuntimeError> {
        Runtime::load(self.onnxruntime.as_deref())?.on(self.device)
    }
}
