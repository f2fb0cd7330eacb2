//! Outlier Exposure (Hendrycks, Mazeika & Dietterich, ICLR 2019, Eq. 1 with the loss of Sec. 4.1): auxiliary images
//! should be any class with equal probability. With τ = 1 it is the RNA paper's LA+OE (Sec. 4, E.3).
//!
//! The authors take 256 auxiliary images to every 128; here `--aux-batch-size` sets how many, as for all methods.

use tch::{Kind, TchError, Tensor};

use super::{LogitAdjustment, Loss, Method, Step};

/// Outlier Exposure: CE(logits + τ·log prior, y) + λ·mean over auxiliary images of (log Σₖ exp zₖ − mean of zₖ), the
/// cross-entropy from the uniform distribution; λ = 0.5.
#[derive(Debug)]
pub struct OutlierExposure {
    adjustment: LogitAdjustment,
    lambda: f64,
}

impl OutlierExposure {
    /// Takes the classification part and the weight of the other part.
    #[must_use]
    pub fn new(adjustment: LogitAdjustment, lambda: f64) -> Self {
        Self { adjustment, lambda }
    }
}

impl Method for OutlierExposure {
    fn loss(&self, step: &Step<'_>) -> Result<Loss, TchError> {
        let logits = step.network.logits(step.representation)?;
        let classification = self.adjustment.classification(&logits, step.labels)?;
        let outlier = from_uniform(&step.network.logits(step.auxiliary)?)?;
        Ok(Loss {
            total: classification.f_add(&outlier.f_mul_scalar(self.lambda)?)?,
            classification: classification.f_detach()?,
            parts: vec![("outlier_loss", outlier.f_detach()?)],
            logits,
        })
    }
}

/// The mean over a batch of the cross-entropy from the uniform distribution to softmax(logits).
fn from_uniform(logits: &Tensor) -> Result<Tensor, TchError> {
    let mean = logits.f_mean_dim([1].as_slice(), false, Kind::Float)?;
    logits
        .f_logsumexp([1], false)?
        .f_sub(&mean)?
        .f_mean(Kind::Float)
}
