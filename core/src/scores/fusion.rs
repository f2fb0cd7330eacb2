//! Fusion: Normgate's own score, from two kinds of evidence that fail in different places.
//!
//! On far OOD images the representation norm is ahead of scores of the logits, on near ones it is behind (Shin &
//! Chung, TMLR 2024, Table 11, where near means the other CIFAR and Tiny ImageNet). `docs/scores.md` says what else
//! was tried.

use serde::{Deserialize, Serialize};

use super::fit::{FitData, FitError};
use super::fitted::Learned;
use super::{Energy, RepresentationNorm, Score, ScoreKind};

/// The representation-norm score and the energy of the logits, each in standard deviations from its mean, added up
/// with equal weights.
///
/// Scores are added rather than p-values, so that an image far beyond all others in one of them stays far.
///
/// It learns the mean and standard deviation of both scores over the training images. All classes count equally,
/// since most of a long-tailed set is its few large classes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fusion {
    norm: Standard,
    energy: Standard,
}

/// Scores that differ by less than this share of their mean differ only by rounding: a norm of 1 in f32 by 1e-7.
const ROUNDING: f64 = 1e-5;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Standard {
    mean: f64,
    deviation: f64,
}

impl Standard {
    /// The mean and deviation of scores, each with its weight; `None` if they differ only by rounding.
    fn of(scores: &[(f64, f64)]) -> Option<Self> {
        let total: f64 = scores.iter().map(|(_, weight)| weight).sum();
        let mean = scores.iter().map(|(s, weight)| s * weight).sum::<f64>() / total;
        let squares = scores.iter().map(|(s, weight)| weight * (s - mean).powi(2));
        let deviation = (squares.sum::<f64>() / total).sqrt();
        let standard = Self { mean, deviation };
        let differs = deviation > ROUNDING * mean.abs();
        (standard.is_valid() && differs).then_some(standard)
    }

    fn at(&self, score: f32) -> f64 {
        (f64::from(score) - self.mean) / self.deviation
    }

    fn is_valid(&self) -> bool {
        self.mean.is_finite() && self.deviation.is_finite() && self.deviation > 0.0
    }
}

impl Fusion {
    pub(super) fn fit(data: &FitData<'_>) -> Result<Self, FitError> {
        let score = ScoreKind::Fusion;
        let mut counts = vec![0u32; data.classes()];
        data.labels().iter().for_each(|label| counts[*label] += 1);
        let standard = |of: &dyn Score, error: FitError| {
            let weighted = data.images().map(|(label, z, x)| {
                let weight = 1.0 / f64::from(counts[label]);
                (f64::from(of.score(z, x)), weight)
            });
            Standard::of(&weighted.collect::<Vec<_>>()).ok_or(error)
        };
        Ok(Self {
            norm: standard(&RepresentationNorm, FitError::ConstantNorm { score })?,
            energy: standard(&Energy, FitError::Degenerate { score })?,
        })
    }
}

impl Score for Fusion {
    fn kind(&self) -> ScoreKind {
        ScoreKind::Fusion
    }

    fn score(&self, logits: &[f32], representation: &[f32]) -> f32 {
        let norm = RepresentationNorm.score(logits, representation);
        let energy = Energy.score(logits, representation);
        (self.norm.at(norm) + self.energy.at(energy)) as f32
    }
}

impl Learned for Fusion {
    fn fits(&self, _classes: usize, _size: usize) -> bool {
        self.norm.is_valid() && self.energy.is_valid()
    }
}
