//! The variants of RNA that its paper compares it to (Sec. 6.3.1, T3): attenuation of auxiliary norms, alone or
//! together with amplification of the others.
//!
//! Here auxiliary images do enter the loss. The paper finds both worse than RNA: a network can
//! attenuate by mapping auxiliary features into the null space of h, without switching them off.

use tch::TchError;

use super::rna::log_norm;
use super::{LogitAdjustment, Loss, Method, Step};

/// Attenuation, with or without amplification: CE(logits + τ·log prior, y) + λ·(mean over auxiliary images of
/// log(1 + ‖h(f)‖₂), and with amplification − mean over the others of log(1 + ‖h(f)‖₂)); τ = 1, λ = 0.5 as for RNA.
#[derive(Debug)]
pub struct Attenuation {
    adjustment: LogitAdjustment,
    lambda: f64,
    amplify: bool,
}

impl Attenuation {
    /// Takes the classification part, the weight of the other part, and whether that includes RNA's loss.
    #[must_use]
    pub fn new(adjustment: LogitAdjustment, lambda: f64, amplify: bool) -> Self {
        Self {
            adjustment,
            lambda,
            amplify,
        }
    }
}

impl Method for Attenuation {
    fn loss(&self, step: &Step<'_>) -> Result<Loss, TchError> {
        let logits = step.network.logits(step.representation)?;
        let classification = self.adjustment.classification(&logits, step.labels)?;
        let attenuated = log_norm(step.network, step.auxiliary)?;
        let mut parts = vec![("attenuation_loss", attenuated.f_detach()?)];
        let mut norms = attenuated;
        if self.amplify {
            let amplified = log_norm(step.network, step.representation)?;
            parts.push(("norm_loss", amplified.f_detach()?.f_neg()?));
            norms = norms.f_sub(&amplified)?;
        }
        Ok(Loss {
            total: classification.f_add(&norms.f_mul_scalar(self.lambda)?)?,
            classification: classification.f_detach()?,
            parts,
            logits,
        })
    }
}
