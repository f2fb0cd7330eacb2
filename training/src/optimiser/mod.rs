//! Optimisers, which turn gradients into steps. They are our own because their state must be in checkpoints.

mod adam;
mod sgd;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use tch::{TchError, Tensor, no_grad};

/// Which optimiser.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum OptimiserKind {
    /// Adam, which RNA's authors use for CIFAR
    #[default]
    Adam,
    /// SGD with Nesterov momentum 0.9, which they use for ImageNet
    Sgd,
}

impl OptimiserKind {
    /// What it keeps of each parameter, as prefixes of the parameter's name in a checkpoint.
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
pub struct Optimiser {
    weight_decay: f64,
    states: Vec<State>,
    /// How many steps were taken.
    pub steps: u64,
}

/// What is kept of one parameter, in its memory layout.
#[derive(Debug)]
enum State {
    Adam([Tensor; 2]),
    Sgd([Tensor; 1]),
}

impl Optimiser {
    /// An optimiser before its first step, for parameters in this order.
    ///
    /// # Errors
    ///
    /// [`TchError`] if memory is lacking.
    pub fn new<'a>(
        kind: OptimiserKind,
        parameters: impl Iterator<Item = &'a Tensor>,
        weight_decay: f64,
    ) -> Result<Self, TchError> {
        let state = |parameter: &Tensor| {
            let parameter = parameter.f_detach()?;
            let zeros = || parameter.f_zeros_like();
            Ok(match kind {
                OptimiserKind::Adam => State::Adam([zeros()?, zeros()?]),
                OptimiserKind::Sgd => State::Sgd([zeros()?]),
            })
        };
        Ok(Self {
            weight_decay,
            states: parameters.map(state).collect::<Result<_, TchError>>()?,
            steps: 0,
        })
    }

    /// Takes one step with learning rate `rate`. Weight decay is added to the gradient (L2), not decoupled. The
    /// gradients are used up: what they hold afterwards means nothing.
    ///
    /// # Errors
    ///
    /// [`TchError`] if shapes do not fit or memory is lacking.
    pub fn step<'a>(
        &mut self,
        parameters: impl Iterator<Item = &'a Tensor>,
        gradients: &mut [Tensor],
        rate: f64,
    ) -> Result<(), TchError> {
        self.steps += 1;
        no_grad(|| {
            let states = gradients.iter_mut().zip(&mut self.states);
            for (parameter, (gradient, state)) in parameters.zip(states) {
                let mut parameter = parameter.shallow_clone();
                if self.weight_decay != 0.0 {
                    let decay = parameter.f_mul_scalar(self.weight_decay)?;
                    // It also returns the tensor that it changes.
                    let _ = gradient.f_add_(&decay)?;
                }
                match state {
                    State::Adam(kept) => {
                        adam::step(kept, &mut parameter, gradient, self.steps, rate)?;
                    }
                    State::Sgd(kept) => sgd::step(kept, &mut parameter, gradient, rate)?,
                }
            }
            Ok(())
        })
    }

    /// What it keeps of each parameter, in the order of [`OptimiserKind::state_names`].
    pub fn state(&self) -> impl Iterator<Item = &[Tensor]> {
        self.states.iter().map(|state| match state {
            State::Adam(kept) => &kept[..],
            State::Sgd(kept) => kept,
        })
    }
}
