//! fDBD: Liu & Qin, "Fast Decision Boundary based Out-of-Distribution Detector", ICML 2024: the
//! regularised average distance (`regDistDB`), as in the authors' code (litianliu/fDBD-OOD).

use serde::{Deserialize, Serialize};

use super::fit::{FitData, FitError};
use super::fitted::Learned;
use super::floats::Floats;
use super::linear::Linear;
use super::softmax::maximum;
use super::vectors::{minus, norm, squared_distance};
use super::{Score, ScoreKind};

/// Minus the mean distance to the decision boundaries between the predicted class p and the others,
/// `|z_p − z_c| / ‖w_p − w_c‖`, divided by the distance to the mean of the training images. At most 0.
///
/// It learns the mean of the training images, and keeps the distances between the classes' weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fdbd {
    /// `size` values.
    mean: Floats,
    /// `classes · classes`: `‖w_p − w_c‖`.
    distances: Floats,
}

impl Fdbd {
    pub(super) fn fit(data: &FitData<'_>) -> Result<Self, FitError> {
        let layer = Linear::of(data.last_layer(ScoreKind::Fdbd)?);
        let rows = || layer.rows();
        let to_all = |p| rows().map(move |c| squared_distance(p, c).sqrt());
        let distances: Vec<f32> = rows().flat_map(to_all).collect();
        Ok(Self {
            mean: data.mean().into_iter().collect(),
            distances: distances.into(),
        })
    }
}

impl Score for Fdbd {
    fn kind(&self) -> ScoreKind {
        ScoreKind::Fdbd
    }

    fn score(&self, logits: &[f32], representation: &[f32]) -> f32 {
        let largest = maximum(logits);
        let Some(predicted) = logits.iter().position(|z| *z == largest) else {
            return f32::NAN;
        };
        let distances = self.distances.iter().skip(predicted * logits.len());
        // The predicted class itself, and any class with the same weights, have no boundary.
        let boundaries = logits.iter().zip(distances).filter(|(_, d)| **d > 0.0);
        let to_each = boundaries.map(|(z, d)| f64::from(largest - z) / f64::from(*d));
        let others = (logits.len() - 1) as f64;
        let mean = to_each.sum::<f64>() / others;
        let from_mean = norm(minus(representation, &self.mean));
        // Not `max`, which would replace a norm that is NaN.
        let divisor = if from_mean < f64::from(f32::MIN_POSITIVE) {
            f64::from(f32::MIN_POSITIVE)
        } else {
            from_mean
        };
        -(mean / divisor) as f32
    }
}

impl Learned for Fdbd {
    fn fits(&self, classes: usize, size: usize) -> bool {
        self.mean.len() == size && self.distances.len() == classes.saturating_mul(classes)
    }
}
