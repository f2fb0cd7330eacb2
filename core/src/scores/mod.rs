//! OOD scores: one number from a model's output, **larger = more OOD**.
//!
//! One file each, all behind [`Score`]; [`ScoreKind`] names the one that a manifest asks for. A
//! score of an output that holds NaN is NaN, never a plausible number.

mod energy;
mod max_logit;
mod msp;
mod representation_norm;
mod softmax;

#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use energy::Energy;
pub use max_logit::MaxLogit;
pub use msp::Msp;
pub use representation_norm::RepresentationNorm;
pub use softmax::softmax;

/// A rule that turns a model's output for one image into one number, larger = more OOD.
pub trait Score: Send + Sync {
    /// The score's name in manifests, replies and reports; the same as [`ScoreKind`]'s.
    fn name(&self) -> &'static str;

    /// The score of one image from its logits (one a class) and its penultimate representation.
    ///
    /// Pure. NaN where an input that the score uses holds NaN; infinite or NaN where that input
    /// is empty or infinite.
    fn score(&self, logits: &[f32], representation: &[f32]) -> f32;
}

/// The scores there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScoreKind {
    /// [`RepresentationNorm`]: minus the L2 norm of the representation.
    RepresentationNorm,
    /// [`Msp`]: minus the maximum softmax probability.
    Msp,
    /// [`Energy`]: minus the log-sum-exp of the logits.
    Energy,
    /// [`MaxLogit`]: minus the largest logit.
    MaxLogit,
}

impl ScoreKind {
    /// Every score, in the order in which reports show them.
    pub const ALL: [Self; 4] = [
        Self::RepresentationNorm,
        Self::Msp,
        Self::Energy,
        Self::MaxLogit,
    ];

    /// The score itself.
    pub fn score(self) -> &'static dyn Score {
        match self {
            Self::RepresentationNorm => &RepresentationNorm,
            Self::Msp => &Msp,
            Self::Energy => &Energy,
            Self::MaxLogit => &MaxLogit,
        }
    }

    /// The name, as it is written in manifests and on the command line.
    pub fn name(self) -> &'static str {
        self.score().name()
    }
}

impl fmt::Display for ScoreKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

/// The name of a score that does not exist.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no score {0:?}: choose representation_norm, msp, energy or max_logit")]
pub struct UnknownScore(String);

impl FromStr for ScoreKind {
    type Err = UnknownScore;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name() == name)
            .ok_or_else(|| UnknownScore(name.to_owned()))
    }
}
