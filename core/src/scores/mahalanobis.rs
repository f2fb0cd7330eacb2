//! Mahalanobis: Lee, Lee, Lee & Shin, "A Simple Unified Framework for Detecting Out-of-Distribution
//! Samples and Adversarial Attacks", NeurIPS 2018, Eq. 1 and 2, on the penultimate representation
//! alone and without the perturbation of the input, as later work compares it.

use serde::{Deserialize, Serialize};

use super::fit::{FitData, FitError};
use super::fitted::Learned;
use super::floats::Floats;
use super::softmax::maximum;
use super::spread::covariance;
use super::vectors::squared_distance;
use super::whitening::Whitening;
use super::{Score, ScoreKind};

/// The squared distance to the nearest class mean, `min_c (x − μ_c)ᵀ Σ⁻¹ (x − μ_c)`, in units of the spread around
/// the class means, which all classes share. From 0 up.
///
/// It learns the class means μ_c and the covariance `Σ = Σ_i (x_i − μ_{y_i})(x_i − μ_{y_i})ᵀ / n`. If that is
/// singular, its pseudo-inverse is used, as in the authors' code.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mahalanobis {
    within: Whitening,
    /// `classes · rank`: the class means after the whitening.
    means: Floats,
}

impl Mahalanobis {
    pub(super) fn fit(data: &FitData<'_>) -> Result<Self, FitError> {
        Self::fit_as(ScoreKind::Mahalanobis, data)
    }

    /// Fits it as a part of the given score, which errors then name.
    pub(super) fn fit_as(score: ScoreKind, data: &FitData<'_>) -> Result<Self, FitError> {
        let means = data.class_means(score)?;
        let around = data.images().map(|(label, _, x)| (x, &means[label]));
        let covariance = covariance(data.size(), around);
        let within = Whitening::of(covariance, &data.mean());
        let within = within.ok_or(FitError::Degenerate { score })?;
        let whitened = |mean: &Vec<f64>| {
            let mean: Vec<f32> = mean.iter().map(|value| *value as f32).collect();
            within.apply(&mean)
        };
        let means: Vec<f32> = means.iter().flat_map(whitened).collect();
        Ok(Self {
            means: means.into(),
            within,
        })
    }
}

impl Score for Mahalanobis {
    fn kind(&self) -> ScoreKind {
        ScoreKind::Mahalanobis
    }

    fn score(&self, _logits: &[f32], representation: &[f32]) -> f32 {
        let x = self.within.apply(representation);
        let means = self.means.chunks_exact(self.within.rank().max(1));
        // As the maximum of the negatives, which keeps NaN.
        let closeness: Vec<f32> = means.map(|mean| -squared_distance(&x, mean)).collect();
        -maximum(&closeness)
    }
}

impl Learned for Mahalanobis {
    fn fits(&self, classes: usize, size: usize) -> bool {
        self.within.fits(size) && self.means.len() == classes.saturating_mul(self.within.rank())
    }
}
