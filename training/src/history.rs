//! `history.json`: the figures of each epoch, for the training curves.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::checkpoint::write_atomically;
use crate::error::TrainError;

/// The file's name within a run folder.
pub const FILE_NAME: &str = "history.json";

/// Sums over the steps of an epoch so far.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Totals {
    /// The method's names for the parts of its loss.
    #[serde(default)]
    pub parts: Vec<String>,
    /// Sums of the loss, its classification part, the method's other parts, the accuracy, and the
    /// norms of in-distribution and auxiliary representations.
    pub sums: Vec<f64>,
    /// Seconds that these steps took.
    pub seconds: f64,
}

impl Totals {
    /// Adds further sums of the same quantities.
    pub fn add(&mut self, sums: &[f64]) {
        self.sums.resize(sums.len(), 0.0);
        for (total, sum) in self.sums.iter_mut().zip(sums) {
            *total += sum;
        }
    }
}

/// An epoch in figures; what a method does not have is left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// Its number: 1, 2, ….
    pub epoch: usize,
    /// What was minimised.
    pub loss: f64,
    /// Its classification part (cross-entropy, logit-adjusted if the method does so), in nats.
    pub classification_loss: f64,
    /// The method's other parts before weighting, under the names that it gives them: with RNA
    /// `norm_loss`, minus the mean of log(1 + ‖h(f)‖₂).
    #[serde(flatten)]
    pub parts: BTreeMap<String, f64>,
    /// Share of the training images classified correctly, 0 to 1, in train mode and without logit adjustment.
    pub accuracy: f64,
    /// Mean norm of the in-distribution representations, in train mode.
    pub id_norm: f64,
    /// Mean norm of the auxiliary representations, in train mode.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub auxiliary_norm: Option<f64>,
    /// Mean representation norm of each monitored set after the epoch, in evaluation mode.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub monitored_norms: BTreeMap<String, f64>,
    /// The learning rate.
    pub learning_rate: f64,
    /// Images trained on per second, auxiliary ones included.
    pub images_per_second: f64,
    /// Seconds that its steps took, including the wait for images, but not monitoring and checkpoints.
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
        let mean = |place: usize| {
            let sum = totals.sums.get(place).copied();
            sum.unwrap_or(f64::NAN) / steps as f64
        };
        let after = 2 + totals.parts.len();
        let part = |(index, name): (usize, &String)| (name.clone(), mean(2 + index));
        Self {
            epoch,
            loss: mean(0),
            classification_loss: mean(1),
            parts: totals.parts.iter().enumerate().map(part).collect(),
            accuracy: mean(after),
            id_norm: mean(after + 1),
            auxiliary_norm: has_auxiliary.then(|| mean(after + 2)),
            monitored_norms: BTreeMap::new(),
            learning_rate,
            images_per_second: (steps * images) as f64 / totals.seconds.max(1e-9),
            seconds: totals.seconds,
        }
    }
}

/// Reads the first `epochs` epochs of a run's history; a run that is resumed repeats the later ones.
///
/// # Errors
///
/// [`TrainError::File`] if the file is missing, unreadable or too short.
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
        let reason = format!(
            "holds {} epochs, but the checkpoint {epochs}",
            history.len()
        );
        return Err(file(std::io::Error::other(reason)));
    }
    history.truncate(epochs);
    Ok(history)
}

/// Writes a run's history.
///
/// # Errors
///
/// [`TrainError::File`] if the file cannot be written.
pub fn save(run: &Path, history: &[Epoch]) -> Result<(), TrainError> {
    let path = run.join(FILE_NAME);
    let file = |source| TrainError::File {
        path: path.clone(),
        source,
    };
    let json = serde_json::to_vec_pretty(history).map_err(|error| file(error.into()))?;
    write_atomically(&path, &json).map_err(file)
}
