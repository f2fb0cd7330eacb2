//! Cross-entropy and nothing else: the baseline.

use tch::{Reduction, TchError, Tensor};

use super::{Loss, Method, Step};

/// Plain cross-entropy.
#[derive(Debug)]
pub struct CrossEntropy;

impl Method for CrossEntropy {
    fn loss(&self, step: &Step<'_>) -> Result<Loss, TchError> {
        let logits = step.network.logits(step.representation)?;
        let total = cross_entropy(&logits, step.labels)?;
        Ok(Loss {
            classification: total.f_detach()?,
            total,
            parts: Vec::new(),
            logits,
        })
    }
}

/// The mean over a batch of −log softmax(logits) at the label.
pub(super) fn cross_entropy(logits: &Tensor, labels: &Tensor) -> Result<Tensor, TchError> {
    logits.f_cross_entropy_loss(labels, None::<Tensor>, Reduction::Mean, -100, 0.0)
}
