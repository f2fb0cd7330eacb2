//! Representation Norm Amplification (Shin & Chung, TMLR 2024, Sec. 5.2, Alg. 1).
//!
//! Auxiliary images never enter the loss. They share the batch normalisation statistics of the
//! forward pass, so that growing the norm of in-distribution representations shrinks theirs.

use tch::{Device, TchError, Tensor};

use super::ce::cross_entropy;
use super::{Loss, Method, Step};

/// CE(logits + τ·log prior, y) − λ·mean(log(1 + ‖h(f)‖₂)).
#[derive(Debug)]
pub struct Rna {
    /// τ·log prior, [1, classes]: logit adjustment (Menon et al. 2021), so that a class is not
    /// favoured merely for being frequent.
    adjustment: Tensor,
    lambda: f64,
}

impl Rna {
    /// From the number of training images of each class; the paper's τ is 1, its λ 0.5.
    ///
    /// # Errors
    ///
    /// [`TchError`] where the device has no memory left.
    pub fn new(
        class_counts: &[u64],
        tau: f64,
        lambda: f64,
        device: Device,
    ) -> Result<Self, TchError> {
        let total = class_counts.iter().sum::<u64>() as f64;
        let adjustment: Vec<f32> = class_counts
            .iter()
            .map(|&count| (tau * (count as f64 / total).ln()) as f32)
            .collect();
        let adjustment = Tensor::f_from_slice(&adjustment)?
            .f_unsqueeze(0)?
            .f_to_device(device)?;
        Ok(Self { adjustment, lambda })
    }
}

impl Method for Rna {
    fn loss(&self, step: &Step<'_>) -> Result<Loss, TchError> {
        let logits = step.network.logits(step.representation)?;
        let classification = cross_entropy(&logits.f_add(&self.adjustment)?, step.labels)?;
        let projection = step.network.project(step.representation)?;
        let norm = projection
            .f_norm_scalaropt_dim(2.0, [1].as_slice(), false)?
            .f_log1p()?
            .f_mean(tch::Kind::Float)?;
        let total = classification.f_sub(&norm.f_mul_scalar(self.lambda)?)?;
        Ok(Loss {
            total,
            classification: classification.f_detach()?,
            norm: Some(norm.f_detach()?),
            logits,
        })
    }
}
