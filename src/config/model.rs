//! Which model, and which ONNX Runtime runs it.

use std::path::PathBuf;

/// The model file and the library that runs it.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Model")]
pub struct ModelConfig {
    /// The model to serve: an ONNX file that carries its labels, preprocessing and calibration.
    /// `normgate inspect MODEL` shows what a file holds.
    #[arg(
        long,
        env = "NORMGATE_MODEL",
        value_name = "FILE",
        default_value = "models/cifar10-lt.onnx"
    )]
    pub model: PathBuf,

    /// ONNX Runtime's shared library, 1.24 or later. Default: ORT_DYLIB_PATH, then beside this
    /// program, then .runtime/, where `make runtime` puts it.
    #[arg(long, env = "NORMGATE_ONNXRUNTIME", value_name = "FILE")]
    pub onnxruntime: Option<PathBuf>,
}
