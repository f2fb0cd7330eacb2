//! What turns gradients into steps. Our own, because their state must travel in checkpoints.

mod adam;
mod sgd;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use tch::{TchError, Tensor};

pub use adam::Adam;
pub use sgd::Sgd;

/// Which optimiser.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum OptimiserKind {
    /// Adam, as RNA's authors have it for CIFAR
    #[default]
    Adam,
    /// SGD with Nesterov momentum 0.9, as they have it for ImageNet
    Sgd,
}

impl OptimiserKind {
    /// What it keeps of each parameter: what stands before the parameter's name in a checkpoint.
    #[must_use]
    pub fn state_names(self) -> &'static [&'static str] {
        match self {
            OptimiserKind::Adam => &["adam.first.", "adam.second."],
            OptimiserKind::Sgd => &["sgd.momentum."],
        }
    }
}

/// An optimiser with its state.
#[derive(Debug)]
pub enum Optimiser {
    /// See [`Adam`].
    Adam(Adam),
    /// See [`Sgd`].
    Sgd(Sgd),
}

impl Optimiser {
    /// Before the first step, for parameters in this order.
    ///
    /// # Errors
    ///
    /// [`TchError`] where the memory is lacking.
    pub fn new<'a>(
        kind: OptimiserKind,
        parameters: impl Iterator<Item = &'a Tensor>,
        weight_decay: f64,
    ) -> Result<Self, TchError> {
        Ok(match kind {
            OptimiserKind::Adam => Self::Adam(Adam::new(parameters, weight_decay)?),
            OptimiserKind::Sgd => Self::Sgd(Sgd::new(parameters, weight_decay)?),
        })
    }

    /// One step with learning rate `rate`. The gradients are used up: what they hold afterwards
    /// means nothing.
    ///
    /// # Errors
    ///
    /// [`TchError`] where shapes do not fit or memory is lacking.
    pub fn step<'a>(
        &mut self,
        parameters: impl Iterator<Item = &'a Tensor>,
        gradients: &mut [Tensor],
        rate: f64,
    ) -> Result<(), TchError> {
        match self {
            Self::Adam(adam) => adam.step(parameters, gradients, rate),
            Self::Sgd(sgd) => sgd.step(parameters, gradients, rate),
        }
    }

    /// How many steps were taken.
    pub fn steps_mut(&mut self) -> &mut u64 {
        match self {
            Self::Adam(adam) => &mut adam.steps,
            Self::Sgd(sgd) => &mut sgd.steps,
        }
    }

    /// How many steps were taken.
    #[must_use]
    pub fn steps(&self) -> u64 {
        match self {
            Self::Adam(adam) => adam.steps,
            Self::Sgd(sgd) => sgd.steps,
        }
    }

    /// What it keeps of each parameter, in the order of [`OptimiserKind::state_names`].
    #[must_use]
    pub fn state(&self) -> Vec<Vec<&Tensor>> {
        match self {
            Self::Adam(adam) => {
                let moments = adam.moments().iter();
                moments.map(|m| vec![&m.first, &m.second]).collect()
            }
            Self::Sgd(sgd) => sgd.momenta().iter().map(|m| vec![m]).collect(),
        }
    }
}
