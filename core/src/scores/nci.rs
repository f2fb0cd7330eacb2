//! NCI: Liu & Qin, "Detecting Out-of-Distribution Through the Lens of Neural Collapse", CVPR 2025: `pScore` with the
//! filter of the norm, as in the authors' code in OpenOOD.

use serde::{Deserialize, Serialize};

use super::fit::{FitData, FitError};
use super::fitted::Learned;
use super::floats::Floats;
use super::linear::Linear;
use super::softmax::maximum;
use super::vectors::{dot, minus, norm};
use super::{Score, ScoreKind};

/// The weight of the norm: the default of the authors' code, which they tune for each model between
/// 1e-4 and 0.1 on OOD images.
const ALPHA: f64 = 1e-4;

/// Minus `w_p · (x − μ) / ‖x − μ‖ + α ‖x‖₁`: how closely the representation, seen from the mean μ of the training
/// images, points to the weights of the predicted class p, and how large it is. α = 1e-4.
///
/// It learns the mean of the training images, and keeps the last layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Nci {
    /// `size` values.
    mean: Floats,
    layer: Linear,
}

impl Nci {
    pub(super) fn fit(data: &FitData<'_>) -> Result<Self, FitError> {
        Ok(Self {
            mean: data.mean().into_iter().collect(),
            layer: Linear::of(data.last_layer(ScoreKind::Nci)?),
        })
    }
}

impl Score for Nci {
    fn kind(&self) -> ScoreKind {
        ScoreKind::Nci
    }

    fn score(&self, logits: &[f32], representation: &[f32]) -> f32 {
        let largest = maximum(logits);
        let predicted = logits.iter().position(|z| *z == largest);
        let Some(weights) = predicted.and_then(|class| self.layer.rows().nth(class)) else {
            return f32::NAN;
        };
        let from_mean = minus(representation, &self.mean);
        let along = f64::from(dot(weights, &from_mean));
        // A difference of zero points nowhere; a norm that is NaN stays NaN.
        let closeness = match norm(from_mean) {
            0.0 => 0.0,
            norm => along / norm,
        };
        let size: f64 = representation.iter().map(|x| f64::from(x.abs())).sum();
        -(closeness + ALPHA * size) as f32
    }
}

impl Learned for Nci {
    fn fits(&self, classes: usize, size: usize) -> bool {
        self.mean.len() == size && self.layer.fits(classes, size)
    }
}
