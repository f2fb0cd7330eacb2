//! What can go wrong in reproducing a table.

use std::path::PathBuf;

use normgate_evaluation::EvaluationError;
use thiserror::Error;

use crate::checkpoint::CheckpointError;
use crate::error::TrainError;
use crate::export::ExportError;

/// Why a run could not be made, or a table could not be written.
#[derive(Debug, Error)]
pub enum ReproduceError {
    /// The trainer does not know an option of the run.
    #[error("this trainer cannot do it: {0}")]
    Unknown(String),
    /// Image sets are missing.
    #[error("it needs {0}")]
    MissingSets(String),
    /// A folder of this name holds what another command made.
    #[error(
        "{} was made by another command ({found}); this one would be: {wanted}. Remove it, or name \
         another folder", path.display()
    )]
    OtherOptions {
        /// The run's folder or its record.
        path: PathBuf,
        /// The command that made it.
        found: String,
        /// The command asked for.
        wanted: String,
    },
    /// Training failed.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// The checkpoint could not be read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The checkpoint did not become a model.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// The model file could not be written.
    #[error(transparent)]
    Model(#[from] normgate_core::model::ModelError),
    /// The model could not be calibrated or evaluated.
    #[error(transparent)]
    Evaluation(#[from] EvaluationError),
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file of the results does not follow its format.
    #[error("{}: {source}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// What is wrong and where.
        source: serde_json::Error,
    },
    /// Options that do not go together.
    #[error("{0}")]
    Options(String),
}
