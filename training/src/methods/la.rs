//! Logit adjustment (Menon et al., ICLR 2021, Eq. 10): a class is not favoured merely for being frequent. It is the
//! classification part of every method here with τ > 0.

use tch::{Device, TchError, Tensor};

use super::ce::cross_entropy;
use super::{Loss, Method, Step};

/// Logit adjustment: CE(logits + τ·log prior, y); plain cross-entropy if τ is 0.
#[derive(Debug)]
pub struct LogitAdjustment {
    /// τ·log prior, [1, classes].
    offsets: Option<Tensor>,
}

impl LogitAdjustment {
    /// Takes the number of training images of each class; the authors' τ is 1.
    ///
    /// # Errors
    ///
    /// [`TchError`] if the device has no memory left.
    pub fn new(class_counts: &[u64], tau: f64, device: Device) -> Result<Self, TchError> {
        if tau == 0.0 {
            return Ok(Self { offsets: None });
        }
        let total = class_counts.iter().sum::<u64>() as f64;
        let offsets: Vec<f32> = class_counts
            .iter()
            .map(|&count| (tau * (count as f64 / total).ln()) as f32)
            .collect();
        let offsets = Tensor::f_from_slice(&offsets)?
            .f_unsqueeze(0)?
            .f_to_device(device)?;
        Ok(Self {
            offsets: Some(offsets),
        })
    }

    /// The loss of logits [B, classes], a scalar.
    pub(super) fn classification(
        &self,
        logits: &Tensor,
        labels: &Tensor,
    ) -> Result<Tensor, TchError> {
        match &self.offsets {
            Some(offsets) => cross_entropy(&logits.f_add(offsets)?, labels),
            None => cross_entropy(logits, labels),
        }
    }
}

impl Method for LogitAdjustment {
    fn loss(&self, step: &Step<'_>) -> Result<Loss, TchError> {
        let logits = step.network.logits(step.representation)?;
        let total = self.classification(&logits, step.labels)?;
        Ok(Loss {
            classification: total.f_detach()?,
            total,
            parts: Vec::new(),
            logits,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tau_is_the_power_of_the_prior() {
        // With logits of 0, only the prior is left; for τ = 2, (1/4)² to (3/4)², one in ten.
        let (logits, labels) = (
            Tensor::zeros([1, 2], (tch::Kind::Float, Device::Cpu)),
            [0i64],
        );
        let loss = |tau| {
            let adjustment = LogitAdjustment::new(&[10, 30], tau, Device::Cpu).unwrap();
            let loss = adjustment.classification(&logits, &Tensor::from_slice(&labels));
            loss.unwrap().double_value(&[])
        };
        for (tau, expected) in [(0.0, 2.0f64), (1.0, 4.0), (2.0, 10.0)] {
            assert!(
                (loss(tau) - expected.ln()).abs() < 1e-6,
                "{tau}: {}",
                loss(tau)
            );
        }
    }
}
