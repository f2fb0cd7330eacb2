//! Training methods: a file each. A method turns what the network made of a batch into a loss.

mod ce;
mod rna;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use tch::{TchError, Tensor};

use crate::models::Network;

pub use ce::CrossEntropy;
pub use rna::Rna;

/// What a method sees of one step.
#[derive(Debug)]
pub struct Step<'a> {
    /// The network, for its heads.
    pub network: &'a Network,
    /// Representations of the in-distribution half, `[B, D]`, float32.
    pub representation: &'a Tensor,
    /// Their classes, `[B]`, int64.
    pub labels: &'a Tensor,
}

/// A loss and what it is made of.
#[derive(Debug)]
pub struct Loss {
    /// What is minimised, a scalar.
    pub total: Tensor,
    /// Its classification part, a scalar.
    pub classification: Tensor,
    /// The mean of log(1 + ‖h(f)‖), a scalar, where the method has one.
    pub norm: Option<Tensor>,
    /// The logits `[B, classes]`, unadjusted: what is predicted from.
    pub logits: Tensor,
}

/// A way of training.
pub trait Method: Send {
    /// The loss of one step.
    ///
    /// # Errors
    ///
    /// [`TchError`] where shapes do not fit or memory is lacking.
    fn loss(&self, step: &Step<'_>) -> Result<Loss, TchError>;
}

/// The methods by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum MethodKind {
    /// Plain cross-entropy on the in-distribution images alone: the baseline.
    Ce,
    /// Representation Norm Amplification, with auxiliary out-of-distribution images.
    Rna,
}

impl MethodKind {
    /// Whether auxiliary images take part in each step.
    #[must_use]
    pub fn uses_auxiliary(self) -> bool {
        self == MethodKind::Rna
    }

    /// Whether the network needs a projection head.
    #[must_use]
    pub fn uses_projection(self) -> bool {
        self == MethodKind::Rna
    }
}

impl std::fmt::Display for MethodKind {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            MethodKind::Ce => "ce",
            MethodKind::Rna => "rna",
        })
    }
}
