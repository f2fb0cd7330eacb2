//! The names of the scores.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Score;

/// The scores there are, in the order in which reports show them.
///
/// Below, x is the penultimate representation, z the logits, p the softmax of z, W and b the last layer, and c the
/// predicted class. *Fitted* scores learn from training images first ([`Fitted`](super::Fitted)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScoreKind {
    /// `-‖x‖₂`, at most 0: Shin & Chung, "Representation Norm Amplification for Out-of-Distribution Detection in
    /// Long-Tail Learning", TMLR 2024, Eq. 4.
    RepresentationNorm,
    /// `-max p`, from -1 to -1/K for K classes: Hendrycks & Gimpel, ICLR 2017. Computed in f32, it is -1 for every
    /// image whose largest logit is some 17 or more above the others.
    Msp,
    /// `-log Σ exp(z)`: Liu et al., "Energy-based Out-of-distribution Detection", NeurIPS 2020, Eq. 4.
    Energy,
    /// `-max z`: Hendrycks et al., ICML 2022.
    MaxLogit,
    /// `Σ p^0.1 (1 − p)^0.1` over the 100 largest p, from 0 up: Liu, Lochman & Zach, CVPR 2023.
    Gen,
    /// The squared distance to the nearest class mean, in units of the spread within classes, from 0 up: Lee et al.,
    /// NeurIPS 2018. Learns the class means and their common covariance.
    Mahalanobis,
    /// [`Mahalanobis`](Self::Mahalanobis) less the same distance to all images as one Gaussian: Ren et al., 2021.
    RelativeMahalanobis,
    /// `α ‖P⊥ (x − o)‖ − log Σ exp(z)`, what the principal directions leave of x, plus the energy: Wang et al.,
    /// CVPR 2022. Learns these directions, the origin o and α; needs the last layer.
    Vim,
    /// The distance from x to the k-th nearest training image, both with norm 1, in 0..=2: Sun et al., ICML 2022.
    /// Remembers representations of training images.
    Knn,
    /// Minus the mean distance to the decision boundaries of c, over the distance to the mean of the training images;
    /// at most 0: Liu & Qin, ICML 2024. Learns that mean; needs the last layer.
    Fdbd,
    /// The energy of the logits `W min(x, clip) + b`: Sun, Guo & Li, NeurIPS 2021. Learns the clip, the 90th
    /// percentile of the activations; needs the last layer.
    React,
    /// The energy of the logits if the smallest 90 % of x become 0 and the others are scaled up: Djurisic et al.,
    /// ICLR 2023 (ASH-S). For activations from 0 up; keeps the last layer and learns nothing else.
    Ash,
    /// The energy of the logits if x is scaled by how much of it its largest 15 % make up: Xu et al., ICLR 2024. For
    /// activations from 0 up; keeps the last layer's bias and learns nothing else.
    Scale,
    /// Minus the confidence (of the energy) times the guidance of the 10 nearest training images: Park, Jung & Teoh,
    /// ICCV 2023. Remembers representations of training images.
    Nnguide,
    /// Minus how closely x, seen from the mean of the training images, points to the weights of c, with a little of
    /// its norm: Liu & Qin, CVPR 2025. Learns that mean; needs the last layer.
    Nci,
    /// [`RepresentationNorm`](Self::RepresentationNorm) and [`Energy`](Self::Energy), each in standard deviations
    /// from its mean, added up: Normgate's own (docs/scores.md). Learns these means and deviations.
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
        "mahalanobis, less the distance to the mean of all images",
    ),
    (
        Vim,
        "vim",
        "ViM",
        "what lies outside the representation's principal directions, plus the energy",
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
        "rn and energy, each in standard deviations, added up",
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

    /// The score, if it needs nothing but the model's output; `None` for one that is fitted.
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
