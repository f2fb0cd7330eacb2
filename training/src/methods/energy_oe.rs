//! Energy-bounded learning, "EnergyOE" in the RNA paper (Liu et al., NeurIPS 2020, Eq. 8 and 9): in-distribution
//! energies should be below one margin, auxiliary ones above another.
//!
//! The authors tune a trained classifier with it, for 10 epochs, with 256 auxiliary images to every 128. So does the
//! RNA paper (on CIFAR10-LT, its T2 and T17 have the same row); here that is `--init RUN`.

use tch::{Kind, TchError, Tensor};

use super::{Hyperparameters, LogitAdjustment, Loss, Method, Step};

/// Energy-bounded learning: CE + λ·(mean max(0, E(x) − m_in)² + mean over auxiliary images max(0, m_out − E(x))²),
/// where E = −log Σₖ exp zₖ; λ = 0.1, m_in = −23 (CIFAR-100: −27), m_out = −5.
#[derive(Debug)]
pub struct EnergyOutlierExposure {
    adjustment: LogitAdjustment,
    lambda: f64,
    energy_in: f64,
    energy_out: f64,
}

impl EnergyOutlierExposure {
    /// Takes the classification part, the weight of the other part, and its margins.
    #[must_use]
    pub fn new(adjustment: LogitAdjustment, lambda: f64, more: &Hyperparameters) -> Self {
        Self {
            adjustment,
            lambda,
            energy_in: more.energy_in,
            energy_out: more.energy_out,
        }
    }
}

impl Method for EnergyOutlierExposure {
    fn loss(&self, step: &Step<'_>) -> Result<Loss, TchError> {
        let logits = step.network.logits(step.representation)?;
        let classification = self.adjustment.classification(&logits, step.labels)?;
        let inside = too_high(&energy(&logits)?, self.energy_in)?;
        let outside = energy(&step.network.logits(step.auxiliary)?)?
            .f_neg()?
            .f_add_scalar(self.energy_out)?
            .f_relu()?
            .f_square()?
            .f_mean(Kind::Float)?;
        with_energies(classification, [inside, outside], self.lambda, logits)
    }
}

/// Classification + λ·(both energy losses), with each energy loss as a part for the history.
pub(super) fn with_energies(
    classification: Tensor,
    [inside, outside]: [Tensor; 2],
    lambda: f64,
    logits: Tensor,
) -> Result<Loss, TchError> {
    let energies = inside.f_add(&outside)?;
    Ok(Loss {
        total: classification.f_add(&energies.f_mul_scalar(lambda)?)?,
        classification: classification.f_detach()?,
        parts: vec![
            ("energy_in_loss", inside.f_detach()?),
            ("energy_out_loss", outside.f_detach()?),
        ],
        logits,
    })
}

/// E(x) = −log Σₖ exp zₖ, [B].
pub(super) fn energy(logits: &Tensor) -> Result<Tensor, TchError> {
    logits.f_logsumexp([1], false)?.f_neg()
}

/// The mean of max(0, E(x) − margin)².
pub(super) fn too_high(energies: &Tensor, margin: f64) -> Result<Tensor, TchError> {
    energies
        .f_sub_scalar(margin)?
        .f_relu()?
        .f_square()?
        .f_mean(Kind::Float)
}
