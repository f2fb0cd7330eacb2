//! What can stop a run.

use std::path::PathBuf;

use normgate_evaluation::datasets::DatasetError;
use tch::TchError;
use thiserror::Error;

use crate::checkpoint::CheckpointError;
use crate::models::ModelError;

/// Why training could not start or continue.
#[derive(Debug, Error)]
pub enum TrainError {
    /// An image set could not be read or does not fit.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// An image file could not be read during training.
    #[error(
        "{0}. Once the file is repaired, --resume continues, if the run has a checkpoint; without the file it \
         would be another run: start it anew with another --out"
    )]
    Image(#[source] DatasetError),
    /// The image sets are fine, but not for this run.
    #[error("{0}")]
    Data(String),
    /// Options that contradict each other or the data.
    #[error("{0}")]
    Options(String),
    /// The device asked for is not there.
    #[error("{0}")]
    Device(String),
    /// A checkpoint could not be written or read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The network could not be built or run.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// libtorch failed.
    #[error("libtorch: {0}")]
    Torch(#[from] TchError),
    /// A file of the run folder could not be written or read.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The loss became infinite or not a number.
    #[error(
        "the loss is no longer a number in epoch {epoch}: training has diverged. \
         Start anew with a smaller --lr, or, if it was bf16, with --precision fp32"
    )]
    Diverged {
        /// The epoch, from 1.
        epoch: usize,
    },
    /// The system starts no thread for preparing batches.
    #[error("no thread can be started for preparing batches: {0}. Give fewer --loaders")]
    Thread(#[source] std::io::Error),
    /// A thread that prepares batches ended early.
    #[error("a thread that prepares batches stopped unexpectedly")]
    LoaderStopped,
}
