//! RNA and Outlier Exposure together. Not in the paper, whose auxiliary images never enter RNA's loss.
//!
//! OE asks for equal probabilities, which a network can give to auxiliary images at any norm, and RNA
//! for large norms of the others: neither asks for the opposite of what the other does, as attenuation
//! beside amplification would (`attenuation.rs`).

use tch::TchError;

use super::rna::log_norm;
use super::{Loss, Method, OutlierExposure, Step};

/// RNA with Outlier Exposure: CE(logits + τ·log prior, y) + λ·(mean over auxiliary images of (log Σₖ exp zₖ − mean of
/// zₖ) − mean over the others of log(1 + ‖h(f)‖₂)); τ = 1, λ = 0.5, as both have by themselves.
#[derive(Debug)]
pub struct RnaWithOutlierExposure {
    outliers: OutlierExposure,
    lambda: f64,
}

impl RnaWithOutlierExposure {
    /// Takes Outlier Exposure, which includes the classification part, and the weight of RNA's loss.
    #[must_use]
    pub fn new(outliers: OutlierExposure, lambda: f64) -> Self {
        Self { outliers, lambda }
    }
}

impl Method for RnaWithOutlierExposure {
    fn loss(&self, step: &Step<'_>) -> Result<Loss, TchError> {
        let mut loss = self.outliers.loss(step)?;
        let norm = log_norm(step.network, step.representation)?;
        loss.total = loss.total.f_sub(&norm.f_mul_scalar(self.lambda)?)?;
        loss.parts.push(("norm_loss", norm.f_detach()?.f_neg()?));
        Ok(loss)
    }
}
