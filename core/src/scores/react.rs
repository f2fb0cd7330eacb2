//! ReAct: Sun, Guo & Li, "ReAct: Out-of-distribution Detection With Rectified Activations", NeurIPS
//! 2021: ReAct(x; c) = min(x, c), before the energy.

use serde::{Deserialize, Serialize};

use super::fit::{FitData, FitError};
use super::fitted::Learned;
use super::linear::Linear;
use super::softmax::log_sum_exp;
use super::{Score, ScoreKind};

/// The share of the training images' activations that is not clipped: the authors' 90th percentile, which
/// they take of ID images that were not trained on.
const UNCLIPPED: f64 = 0.9;

/// The energy of the logits from clipped activations, `−log Σ_k exp(W min(x, c) + b)_k`: OOD images often have a few
/// activations that are far too large.
///
/// It learns c, the 90th percentile of all activations of the training images, and keeps the last layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct React {
    layer: Linear,
    clip: f32,
}

impl React {
    pub(super) fn fit(data: &FitData<'_>) -> Result<Self, FitError> {
        let layer = Linear::of(data.last_layer(ScoreKind::React)?);
        let clip = quantile(data.activations().to_vec(), UNCLIPPED);
        Ok(Self { layer, clip })
    }
}

/// The quantile, with linear interpolation between the two nearest values, as in NumPy. The values must be finite,
/// and there must be at least one.
fn quantile(mut values: Vec<f32>, share: f64) -> f32 {
    let position = share * (values.len() - 1) as f64;
    let (_, below, above) =
        values.select_nth_unstable_by(position.floor() as usize, f32::total_cmp);
    let next = above.iter().copied().min_by(f32::total_cmp);
    let below = f64::from(*below);
    let step = next.map_or(0.0, |next| f64::from(next) - below);
    (below + step * position.fract()) as f32
}

impl Score for React {
    fn kind(&self) -> ScoreKind {
        ScoreKind::React
    }

    fn score(&self, _logits: &[f32], representation: &[f32]) -> f32 {
        // Not `min`, which would replace an activation that is NaN by the clip.
        let clip = |x: &f32| if *x > self.clip { self.clip } else { *x };
        let clipped: Vec<f32> = representation.iter().map(clip).collect();
        -log_sum_exp(&self.layer.logits(&clipped)) as f32
    }
}

impl Learned for React {
    fn fits(&self, classes: usize, size: usize) -> bool {
        self.layer.fits(classes, size) && self.clip.is_finite()
    }
}

#[cfg(test)]
mod tests {
    use super::quantile;

    #[test]
    fn quantiles_lie_between_values_as_numpy_has_them() {
        let values = || vec![4.0, 1.0, 3.0, 2.0];
        assert_eq!(quantile(values(), 0.0), 1.0);
        assert_eq!(quantile(values(), 0.5), 2.5);
        assert_eq!(quantile(values(), 0.9), 3.7);
        assert_eq!(quantile(values(), 1.0), 4.0);
        assert_eq!(quantile(vec![7.0], 0.9), 7.0);
    }
}
