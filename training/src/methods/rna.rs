//! Representation Norm Amplification (Shin & Chung, TMLR 2024, Sec. 5.2, Alg. 1).
//!
//! Auxiliary images never enter the loss. They share the batch normalisation statistics of the
//! forward pass, so that growing the norm of in-distribution representations shrinks theirs.

use tch::{Kind, TchError, Tensor};

use super::{LogitAdjustment, Loss, Method, Step};
use crate::models::Network;

/// RNA: CE(logits + τ·log prior, y) − λ·mean(log(1 + ‖h(f)‖₂)).
///
/// h is the network's projection: the paper's two layers, one linear layer, or f itself (T15).
#[derive(Debug)]
pub struct Rna {
    adjustment: LogitAdjustment,
    lambda: f64,
}

impl Rna {
    /// Takes the classification part and λ; in the paper, τ is 1 and λ 0.5.
    #[must_use]
    pub fn new(adjustment: LogitAdjustment, lambda: f64) -> Self {
        Self { adjustment, lambda }
    }
}

impl Method for Rna {
    fn loss(&self, step: &Step<'_>) -> Result<Loss, TchError> {
        let logits = step.network.logits(step.representation)?;
        let classification = self.adjustment.classification(&logits, step.labels)?;
        let norm = log_norm(step.network, step.representation)?;
        let total = classification.f_sub(&norm.f_mul_scalar(self.lambda)?)?;
        Ok(Loss {
            total,
            classification: classification.f_detach()?,
            parts: vec![("norm_loss", norm.f_detach()?.f_neg()?)],
            logits,
        })
    }
}

/// The mean over a batch of log(1 + ‖h(f)‖₂).
pub(super) fn log_norm(network: &Network, representation: &Tensor) -> Result<Tensor, TchError> {
    network
        .project(representation)?
        .f_norm_scalaropt_dim(2.0, [1].as_slice(), false)?
        .f_log1p()?
        .f_mean(Kind::Float)
}
