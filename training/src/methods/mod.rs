//! Training methods, with a file for each. A method turns what the network made of a batch into a loss.
//!
//! Every step forwards all of its images at once, auxiliary ones included, so that batch normalisation has the
//! statistics of both; so do the authors of every method here, on each of their GPUs. What else sets a method apart
//! is in the table of [`MethodKind::traits`].
//!
//! If a paper and its authors' code differ, the code is followed, since the published figures come from it, and the
//! method's file says so. Augmentation is that of the run, for all methods alike; so are optimiser and schedule,
//! except when a trained network is tuned.

mod attenuation;
mod bel;
mod ce;
mod energy_oe;
mod hyperparameters;
mod kind;
mod la;
mod oe;
mod oecc;
mod pascl;
mod rna;
mod rna_oe;

use tch::{Device, TchError, Tensor};

use crate::config::Recipe;
use crate::models::Network;

pub use attenuation::Attenuation;
pub use bel::BalancedEnergy;
pub use ce::CrossEntropy;
pub use energy_oe::EnergyOutlierExposure;
pub use hyperparameters::Hyperparameters;
pub use kind::{Auxiliary, MethodKind, Traits};
pub use la::LogitAdjustment;
pub use oe::OutlierExposure;
pub use oecc::ConfidenceControl;
pub use pascl::Pascl;
pub use rna::Rna;
pub use rna_oe::RnaWithOutlierExposure;

/// What a method sees of one step.
#[derive(Debug)]
pub struct Step<'a> {
    /// The network, for its heads.
    pub network: &'a Network,
    /// Representations of the in-distribution images, `[B, D]`, float32. For a method that takes two views of each:
    /// all of the first, then all of the second.
    pub representation: &'a Tensor,
    /// Representations of the auxiliary images, `[A, D]`, float32; A is 0 if there are none.
    pub auxiliary: &'a Tensor,
    /// The classes of the in-distribution images, `[B]`, int64.
    pub labels: &'a Tensor,
}

/// A loss and what it is made of.
#[derive(Debug)]
pub struct Loss {
    /// What is minimised, a scalar.
    pub total: Tensor,
    /// Its classification part, a scalar.
    pub classification: Tensor,
    /// Its other parts, scalars before they are weighted, with their names in `history.json`; the same ones in every
    /// step.
    pub parts: Vec<(&'static str, Tensor)>,
    /// The logits `[B, classes]`, unadjusted: predictions are made from these.
    pub logits: Tensor,
}

/// A way of training.
pub trait Method: Send {
    /// The loss of one step.
    ///
    /// # Errors
    ///
    /// [`TchError`] if shapes do not fit or memory is lacking.
    fn loss(&self, step: &Step<'_>) -> Result<Loss, TchError>;
}

/// The method that a recipe names, for classes of these sizes.
///
/// # Errors
///
/// [`TchError`] if the device has no memory left.
pub fn method(
    recipe: &Recipe,
    class_counts: &[u64],
    device: Device,
) -> Result<Box<dyn Method>, TchError> {
    let (tau, lambda, more) = (recipe.tau, recipe.lambda, &recipe.hyperparameters);
    let adjustment = LogitAdjustment::new(class_counts, tau, device)?;
    Ok(match recipe.method {
        MethodKind::Ce => Box::new(CrossEntropy),
        MethodKind::La | MethodKind::PasclFt | MethodKind::BelFt => Box::new(adjustment),
        MethodKind::Oe | MethodKind::LaOe => Box::new(OutlierExposure::new(adjustment, lambda)),
        MethodKind::EnergyOe => Box::new(EnergyOutlierExposure::new(adjustment, lambda, more)),
        MethodKind::Oecc => Box::new(ConfidenceControl::new(adjustment, lambda, more)),
        MethodKind::Bel => {
            let prior = more.auxiliary_prior(class_counts);
            Box::new(BalancedEnergy::new(
                adjustment, lambda, more, &prior, device,
            )?)
        }
        MethodKind::Pascl => {
            let outliers = OutlierExposure::new(adjustment, lambda);
            Box::new(Pascl::new(outliers, more, class_counts, device)?)
        }
        MethodKind::Rna => Box::new(Rna::new(adjustment, lambda)),
        MethodKind::Attenuation => Box::new(Attenuation::new(adjustment, lambda, false)),
        MethodKind::RnaOe => {
            let outliers = OutlierExposure::new(adjustment, lambda);
            Box::new(RnaWithOutlierExposure::new(outliers, lambda))
        }
        MethodKind::RnaAttenuation => Box::new(Attenuation::new(adjustment, lambda, true)),
    })
}
