//! `history.json`: what each epoch came to, for the training curves.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::checkpoint::write_atomically;
use crate::error::TrainError;

/// The file's name within a run folder.
pub const FILE_NAME: &str = "history.json";

/// Sums over the steps of an epoch so far.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Totals {
    /// Sums of the quantities of [`Epoch`], in the order of its fields from `loss` on.
    pub sums: [f64; 6],
    /// Seconds spent.
    pub seconds: f64,
}

/// An epoch in figures; what a method does not have is left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// 1, 2, ….
    pub epoch: usize,
    /// What was minimised.
    pub loss: f64,
    /// Its classification part (with RNA: the logit-adjusted cross-entropy), in nats.
    pub classification_loss: f64,
    /// RNA's part before weighting: minus the mean of log(1 + ‖h(f)‖₂).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub norm_loss: Option<f64>,
    /// Share of the training images classified right, 0 to 1, in train mode and without logit
    /// adjustment.
    pub accuracy: f64,
    /// Mean norm of the in-distribution representations, in train mode.
    pub id_norm: f64,
    /// Mean norm of the auxiliary representations, in train mode.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub auxiliary_norm: Option<f64>,
    /// The learning rate.
    pub learning_rate: f64,
    /// Images trained on per second, auxiliary ones included.
    pub images_per_second: f64,
    /// Seconds the epoch took.
    pub seconds: f64,
}

impl Epoch {
    /// The means of `totals` over `steps` steps of `images` images each.
    #[must_use]
    pub fn from_totals(
        epoch: usize,
        totals: &Totals,
        steps: usize,
        images: usize,
        has_auxiliary: bool,
        learning_rate: f64,
    ) -> Self {
        let [
            loss,
            classification_loss,
            norm_loss,
            accuracy,
            id_norm,
            auxiliary_norm,
        ] = totals.sums.map(|sum| sum / steps as f64);
        Self {
            epoch,
            loss,
            classification_loss,
            norm_loss: has_auxiliary.then_some(norm_loss),
            accuracy,
            id_norm,
            auxiliary_norm: has_auxiliary.then_some(auxiliary_norm),
            learning_rate,
            images_per_second: (steps * images) as f64 / totals.seconds.max(1e-9),
            seconds: totals.seconds,
        }
    }
}

/// Reads the first `epochs` epochs of a run's history; a run that is resumed repeats those after.
///
/// # Errors
///
/// [`TrainError::File`] where the file is missing, unreadable or too short.
pub fn load(run: &Path, epochs: usize) -> Result<Vec<Epoch>, TrainError> {
    if epochs == 0 {
        return Ok(Vec::new());
    }
    let path = run.join(FILE_NAME);
    let file = |source| TrainError::File {
        path: path.clone(),
        source,
    };
    let bytes = std::fs::read(&path).map_err(file)?;
    let mut history: Vec<Epoch> =
        serde_json::from_slice(&bytes).map_err(|error| file(error.into()))?;
    if history.len() < epochs {
        let reason = format!("holds {} epochs, the checkpoint {epochs}", history.len());
        return Err(file(std::io::Error::other(reason)));
    }
    history.truncate(epochs);
    Ok(history)
}

/// Writes a run's history.
///
/// # Errors
///
/// [`TrainError::File`] where the file cannot be written.
pub fn save(run: &Path, history: &[Epoch]) -> Result<(), TrainError> {
    let path = run.join(FILE_NAME);
    let file = |source| TrainError::File {
        path: path.clone(),
        source,
    };
    let json = serde_json::to_vec_pretty(history).map_err(|error| file(error.into()))?;
    write_atomically(&path, &json).map_err(file)
}
