//! The names of the scores.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Score;

/// The scores there are, in the order in which reports show them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)] // The table below says what each is.
pub enum ScoreKind {
    RepresentationNorm,
    Msp,
    Energy,
    MaxLogit,
    Gen,
    Mahalanobis,
    RelativeMahalanobis,
    Vim,
    Knn,
    Fdbd,
    React,
    Ash,
    Scale,
    Nnguide,
    Nci,
    Fusion,
}

use ScoreKind::*;

/// Kind, name in manifests and replies, name in tables, and what it is.
const TABLE: [(ScoreKind, &str, &str, &str); 16] = [
    (
        RepresentationNorm,
        "representation_norm",
        "RN",
        "minus the norm of the representation",
    ),
    (Msp, "msp", "MSP", "minus the largest softmax probability"),
    (
        Energy,
        "energy",
        "energy",
        "minus the log-sum-exp of the logits",
    ),
    (
        MaxLogit,
        "max_logit",
        "max-logit",
        "minus the largest logit",
    ),
    (Gen, "gen", "GEN", "generalised entropy of the softmax"),
    (
        Mahalanobis,
        "mahalanobis",
        "Mahalanobis",
        "distance to the nearest class mean, in units of the classes' spread",
    ),
    (
        RelativeMahalanobis,
        "relative_mahalanobis",
        "rel-Mahalanobis",
        "the same, less the distance to the mean of all",
    ),
    (
        Vim,
        "vim",
        "ViM",
        "what the principal directions leave of the representation, against the energy",
    ),
    (
        Knn,
        "knn",
        "KNN",
        "distance to the k-th nearest training image",
    ),
    (
        Fdbd,
        "fdbd",
        "fDBD",
        "minus the mean distance to the decision boundaries",
    ),
    (
        React,
        "react",
        "ReAct",
        "energy with the activations clipped",
    ),
    (
        Ash,
        "ash",
        "ASH",
        "energy with the small activations removed and the others scaled",
    ),
    (
        Scale,
        "scale",
        "SCALE",
        "energy with all activations scaled",
    ),
    (
        Nnguide,
        "nnguide",
        "NNGuide",
        "energy, guided by the nearest training images",
    ),
    (
        Nci,
        "nci",
        "NCI",
        "minus the closeness to the weights of the predicted class",
    ),
    (
        Fusion,
        "fusion",
        "fusion",
        "RN and energy, each in standard deviations, added up",
    ),
];

impl ScoreKind {
    /// Every score, in the order in which reports show them.
    pub const ALL: [Self; TABLE.len()] = {
        let mut all = [RepresentationNorm; TABLE.len()];
        let mut index = 0;
        while index < TABLE.len() {
            all[index] = TABLE[index].0;
            index += 1;
        }
        all
    };

    /// The score, where it needs nothing but the model's output; `None` of one that is fitted.
    pub fn unfitted(self) -> Option<Arc<dyn Score>> {
        Some(match self {
            Self::RepresentationNorm => Arc::new(super::RepresentationNorm),
            Self::Msp => Arc::new(super::Msp),
            Self::Energy => Arc::new(super::Energy),
            Self::MaxLogit => Arc::new(super::MaxLogit),
            Self::Gen => Arc::new(super::Gen),
            _ => return None,
        })
    }

    /// Whether it must be fitted to training images before it can be computed.
    pub fn is_fitted(self) -> bool {
        self.unfitted().is_none()
    }

    /// The name, as it is written in manifests and replies.
    pub fn name(self) -> &'static str {
        TABLE[self as usize].1
    }

    /// The name in tables and plots.
    pub fn title(self) -> &'static str {
        TABLE[self as usize].2
    }

    /// What the score is, in a few words.
    pub fn summary(self) -> &'static str {
        TABLE[self as usize].3
    }
}

impl fmt::Display for ScoreKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}
