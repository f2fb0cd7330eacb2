//! What can stop a benchmark.

use std::io;
use std::path::PathBuf;

use normgate_core::calibration::CalibrationError;
use normgate_core::manifest::ManifestError;
use normgate_core::model::ModelError;
use normgate_core::onnx::GraphError;
use normgate_core::preprocess::{DecodeError, PreprocessError};
use normgate_core::runtime::{RuntimeError, SessionError};
use normgate_evaluation::EvaluationError;
use normgate_evaluation::quantize::QuantizeError;

/// Why the benchmark stopped. Single requests that fail are counted instead.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BenchError {
    /// The command line makes no sense.
    #[error("{0}")]
    Options(String),
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A report or a list of peers could not be read or written as JSON.
    #[error("{} is not {wanted}: {source}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// What it should be.
        wanted: &'static str,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// A server did not start, or stopped by itself.
    #[error("{name} {what}{}", quoted(.log))]
    Server {
        /// The server.
        name: String,
        /// What it did.
        what: String,
        /// The end of what it printed.
        log: String,
    },
    /// The load generator failed.
    #[error("the load generator failed: {0}")]
    Load(io::Error),
    /// An image could not be made.
    #[error("{}: {source}", path.display())]
    Picture {
        /// The photo that it is made of.
        path: PathBuf,
        /// What is wrong with it.
        source: image::ImageError,
    },
    /// An image could not be written as a JPEG.
    #[error(transparent)]
    Jpeg(#[from] jpeg_encoder::EncodingError),
    /// A model could not be built.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// A model's manifest is invalid.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// A model file could not be read or written.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A model could not be calibrated.
    #[error(transparent)]
    Calibration(#[from] CalibrationError),
    /// ONNX Runtime could not be loaded.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// ONNX Runtime could not run a model.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// A model could not be quantised.
    #[error(transparent)]
    Quantize(#[from] QuantizeError),
    /// An image could not be decoded.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// An image could not be brought to the model's size.
    #[error(transparent)]
    Preprocess(#[from] PreprocessError),
    /// A model could not be run over the images that it is calibrated on.
    #[error(transparent)]
    Evaluation(#[from] EvaluationError),
    /// A measuring thread panicked.
    #[error("a measuring thread panicked")]
    Panicked,
}

impl BenchError {
    /// For `map_err` on a file's errors.
    pub fn file(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }
}

fn quoted(log: &str) -> String {
    match log.trim() {
        "" => String::new(),
        log => format!("; it said:\n{log}"),
    }
}
