//! SCALE: Xu, Chen, Franchi & Yao, "Scaling for Training Time and Post-hoc Out-of-distribution
//! Detection Enhancement", ICLR 2024: the factor exp(Q / Q_p), as in the authors' code in OpenOOD.

use serde::{Deserialize, Serialize};

use super::ash::largest;
use super::fit::{FitData, FitError};
use super::fitted::Learned;
use super::floats::Floats;
use super::softmax::log_sum_exp;
use super::{Score, ScoreKind};

/// The share of activations that counts as small: the authors' 85th percentile.
const SMALL: f64 = 0.85;

/// The energy of the logits from activations multiplied by `exp(r)`, where r is the sum of all activations over the
/// sum of the largest 15 %. The layer is linear, so these logits are `exp(r) (z − b) + b`.
///
/// For activations from 0 up, as they are after a ReLU. It learns nothing, but keeps the last layer's bias, which is
/// read from the model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scale {
    bias: Floats,
}

impl Scale {
    pub(super) fn fit(data: &FitData<'_>) -> Result<Self, FitError> {
        data.check_activations(ScoreKind::Scale)?;
        let bias = data.last_layer(ScoreKind::Scale)?.bias.clone();
        Ok(Self { bias: bias.into() })
    }
}

impl Score for Scale {
    fn kind(&self) -> ScoreKind {
        ScoreKind::Scale
    }

    fn score(&self, logits: &[f32], representation: &[f32]) -> f32 {
        let factor = largest(representation, SMALL).1.exp();
        let pairs = logits.iter().zip(self.bias.iter());
        let scaled = |(z, b): (&f32, &f32)| {
            let (z, b) = (f64::from(*z), f64::from(*b));
            (factor * (z - b) + b) as f32
        };
        let scaled: Vec<f32> = pairs.map(scaled).collect();
        -log_sum_exp(&scaled) as f32
    }
}

impl Learned for Scale {
    fn fits(&self, classes: usize, _size: usize) -> bool {
        self.bias.len() == classes
    }
}
