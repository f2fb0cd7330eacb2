//! Outlier Exposure with Confidence Control (Papadopoulos et al., Neurocomputing 2021, Eq. 4): auxiliary images
//! towards equal probabilities in total variation, and the confidence in the others towards the classifier's
//! accuracy.
//!
//! The authors tune a trained classifier with it, 15 epochs on CIFAR-10 (`--init RUN`, whose training accuracy is
//! then A_tr; the number in their code is the test accuracy), with 256 auxiliary images to every 128. The paper
//! squares the difference of the mean confidence from A_tr; their code, for which λ₁ and λ₂ were chosen, sums squared
//! differences over the batch, and so does this.

use tch::{Kind, TchError, Tensor};

use super::{Hyperparameters, LogitAdjustment, Loss, Method, Step};

/// OECC: CE + λ₁·Σ (maxₖ pₖ(x) − A_tr)² + λ·Σ over auxiliary images and classes |pₖ(x) − 1/K|, where p = softmax(z)
/// and the sums are over the batch; λ₁ = 0.07, λ = 0.05.
#[derive(Debug)]
pub struct ConfidenceControl {
    adjustment: LogitAdjustment,
    lambda: f64,
    confidence_weight: f64,
    training_accuracy: f64,
}

impl ConfidenceControl {
    /// Takes the classification part, the weight of the loss on auxiliary images, and the other hyperparameters.
    #[must_use]
    pub fn new(adjustment: LogitAdjustment, lambda: f64, more: &Hyperparameters) -> Self {
        Self {
            adjustment,
            lambda,
            confidence_weight: more.confidence_weight,
            training_accuracy: more.training_accuracy,
        }
    }
}

impl Method for ConfidenceControl {
    fn loss(&self, step: &Step<'_>) -> Result<Loss, TchError> {
        let logits = step.network.logits(step.representation)?;
        let classification = self.adjustment.classification(&logits, step.labels)?;
        let (most, _) = logits.f_softmax(1, Kind::Float)?.f_max_dim(1, false)?;
        let confidence = most
            .f_sub_scalar(self.training_accuracy)?
            .f_square()?
            .f_sum(Kind::Float)?;
        let auxiliary = step.network.logits(step.auxiliary)?;
        let outlier = from_uniform(&auxiliary)?;
        let total = classification
            .f_add(&confidence.f_mul_scalar(self.confidence_weight)?)?
            .f_add(&outlier.f_mul_scalar(self.lambda)?)?;
        Ok(Loss {
            total,
            classification: classification.f_detach()?,
            parts: vec![
                ("confidence_loss", confidence.f_detach()?),
                ("outlier_loss", outlier.f_detach()?),
            ],
            logits,
        })
    }
}

/// Σ |pₖ(x) − 1/K| over all images and classes.
fn from_uniform(logits: &Tensor) -> Result<Tensor, TchError> {
    let classes = logits.size()[1] as f64;
    logits
        .f_softmax(1, Kind::Float)?
        .f_sub_scalar(1.0 / classes)?
        .f_abs()?
        .f_sum(Kind::Float)
}
