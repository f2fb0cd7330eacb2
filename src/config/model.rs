//! Which model, and which ONNX Runtime runs it.

use std::path::PathBuf;

use normgate_evaluation::workbench::RuntimeArgs;

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

    #[allow(missing_docs)]
    #[command(flatten)]
    pub runtime: RuntimeArgs,
}
