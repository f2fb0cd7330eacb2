//! ASH: Djurisic, Bozanic, Ashok & Liu, "Extremely Simple Activation Shaping for Out-of-Distribution
//! Detection", ICLR 2023, Alg. 3 (ASH-S).

use serde::{Deserialize, Serialize};

use super::fit::{FitData, FitError};
use super::fitted::Learned;
use super::linear::Linear;
use super::softmax::log_sum_exp;
use super::{Score, ScoreKind};

/// The share of activations that is removed, as the authors chose it for ResNet-50; for CIFAR they take 0.95.
const REMOVED: f64 = 0.9;

/// The energy of the logits from shaped activations: the smallest 90 % become 0, and the others are multiplied by
/// `exp(s₁ / s₂)`, with the sums s₁ and s₂ of the activations before and after.
///
/// For activations from 0 up, as they are after a ReLU. It learns nothing, but keeps the last layer, which is read
/// from the model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ash {
    layer: Linear,
}

impl Ash {
    pub(super) fn fit(data: &FitData<'_>) -> Result<Self, FitError> {
        data.check_activations(ScoreKind::Ash)?;
        let layer = Linear::of(data.last_layer(ScoreKind::Ash)?);
        Ok(Self { layer })
    }
}

/// The largest activations: all but the `removed` share of them, and at least one.
///
/// Returns their indices, and the sum of all activations over the sum of these; 1 if both sums are 0.
pub(super) fn largest(x: &[f32], removed: f64) -> (Vec<usize>, f64) {
    let kept = x.len() - (x.len() as f64 * removed).round_ties_even() as usize;
    let kept = kept.max(1);
    let mut order: Vec<usize> = (0..x.len()).collect();
    if kept < x.len() {
        order.select_nth_unstable_by(kept, |a, b| x[*b].total_cmp(&x[*a]));
        order.truncate(kept);
    }
    let all: f64 = x.iter().copied().map(f64::from).sum();
    let theirs: f64 = order.iter().map(|index| f64::from(x[*index])).sum();
    let ratio = match all == 0.0 && theirs == 0.0 {
        true => 1.0,
        false => all / theirs,
    };
    (order, ratio)
}

impl Score for Ash {
    fn kind(&self) -> ScoreKind {
        ScoreKind::Ash
    }

    fn score(&self, _logits: &[f32], representation: &[f32]) -> f32 {
        let (kept, ratio) = largest(representation, REMOVED);
        let mut shaped = vec![0.0; representation.len()];
        for index in kept {
            shaped[index] = (f64::from(representation[index]) * ratio.exp()) as f32;
        }
        // Removed activations count only in the ratio, so a NaN among them shows only there.
        let energy = -log_sum_exp(&self.layer.logits(&shaped));
        (if ratio.is_nan() { ratio } else { energy }) as f32
    }
}

impl Learned for Ash {
    fn fits(&self, classes: usize, size: usize) -> bool {
        self.layer.fits(classes, size)
    }
}
