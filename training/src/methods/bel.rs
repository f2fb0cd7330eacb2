//! Balanced energy regularisation (Choi, Jeong & Choi, CVPR 2023, Eq. 4 to 8): EnergyOE that presses harder on
//! auxiliary images that look like a frequent class.
//!
//! The prior P of the classes among the auxiliary images is counted with the classifier that training starts from
//! (`--init`); so did the authors, whose code has the result. They tune for 20 epochs, with 256 auxiliary images to
//! every 128. As in their code, the weights are normalised within the batch, and gradients flow through them unless
//! the balance is fixed: through these gradients, a network learns to classify auxiliary images by the weights of the
//! classes (`docs/results/README.md`).

use tch::{Device, Kind, TchError, Tensor};

use super::energy_oe::{energy, too_high, with_energies};
use super::{Hyperparameters, LogitAdjustment, Loss, Method, Step};

/// Balanced energies: CE + λ·(mean max(0, E(x) − m_in)² + Σ Z(x)·max(0, m_out − E(x) + α·Z(x))² / Σ Z(x)), the second
/// over auxiliary images, with Z(x) = Σₖ softmaxₖ·P(k)^γ / Σₖ P(k)^γ and E = −log Σₖ exp zₖ; λ = 0.1, m_in = −23,
/// m_out = −5, α = 10 (CIFAR-100: −27, −5, 100), γ = 0.75.
#[derive(Debug)]
pub struct BalancedEnergy {
    adjustment: LogitAdjustment,
    lambda: f64,
    energy_in: f64,
    energy_out: f64,
    alpha: f64,
    /// P(k)^γ / Σₖ P(k)^γ, [classes].
    weights: Tensor,
    fixed: bool,
}

impl BalancedEnergy {
    /// Takes the classification part, the weight of the other part, its hyperparameters, and the prior of the classes
    /// among the auxiliary images.
    ///
    /// # Errors
    ///
    /// [`TchError`] if the device has no memory left.
    pub fn new(
        adjustment: LogitAdjustment,
        lambda: f64,
        more: &Hyperparameters,
        prior: &[f64],
        device: Device,
    ) -> Result<Self, TchError> {
        let powers: Vec<f64> = prior.iter().map(|share| share.powf(more.gamma)).collect();
        let sum: f64 = powers.iter().sum();
        let weights: Vec<f32> = powers.iter().map(|power| (power / sum) as f32).collect();
        Ok(Self {
            adjustment,
            lambda,
            energy_in: more.energy_in,
            energy_out: more.energy_out,
            alpha: more.alpha,
            weights: Tensor::f_from_slice(&weights)?.f_to_device(device)?,
            fixed: more.fixed_balance,
        })
    }
}

impl Method for BalancedEnergy {
    fn loss(&self, step: &Step<'_>) -> Result<Loss, TchError> {
        let logits = step.network.logits(step.representation)?;
        let classification = self.adjustment.classification(&logits, step.labels)?;
        let inside = too_high(&energy(&logits)?, self.energy_in)?;
        let auxiliary = step.network.logits(step.auxiliary)?;
        let mut weights = auxiliary
            .f_softmax(1, Kind::Float)?
            .f_matmul(&self.weights)?;
        if self.fixed {
            weights = weights.f_detach()?;
        }
        let outside = weights
            .f_mul_scalar(self.alpha)?
            .f_sub(&energy(&auxiliary)?)?
            .f_add_scalar(self.energy_out)?
            .f_relu()?
            .f_square()?
            .f_mul(&weights)?
            .f_sum(Kind::Float)?
            .f_div(&weights.f_sum(Kind::Float)?)?;
        with_energies(classification, [inside, outside], self.lambda, logits)
    }
}
