//! Relative Mahalanobis: Ren, Fort, Liu, Roy, Padhy & Lakshminarayanan, "A Simple Fix to Mahalanobis
//! Distance for Improving Near-OOD Detection", ICML workshop UDL 2021, as in OpenOOD
//! (`rmds`).

use serde::{Deserialize, Serialize};

use super::fit::{FitData, FitError};
use super::fitted::Learned;
use super::mahalanobis::Mahalanobis;
use super::spread::covariance;
use super::vectors::dot;
use super::whitening::Whitening;
use super::{Score, ScoreKind};

/// `min_c MD_c(x) − MD_0(x)`: the Mahalanobis distance to the nearest class, less the one to all training images as a
/// single Gaussian, so that directions that do not tell classes apart weigh little.
///
/// It learns what [`Mahalanobis`] does, and the mean and covariance of all images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RelativeMahalanobis {
    classes: Mahalanobis,
    all: Whitening,
}

impl RelativeMahalanobis {
    pub(super) fn fit(data: &FitData<'_>) -> Result<Self, FitError> {
        let score = ScoreKind::RelativeMahalanobis;
        let mean = data.mean();
        let around = data.features().map(|x| (x, &mean));
        let all = Whitening::of(covariance(data.size(), around), &mean);
        Ok(Self {
            classes: Mahalanobis::fit_as(score, data)?,
            all: all.ok_or(FitError::Degenerate { score })?,
        })
    }
}

impl Score for RelativeMahalanobis {
    fn kind(&self) -> ScoreKind {
        ScoreKind::RelativeMahalanobis
    }

    fn score(&self, logits: &[f32], representation: &[f32]) -> f32 {
        let from_all = self.all.apply(representation);
        self.classes.score(logits, representation) - dot(&from_all, &from_all)
    }
}

impl Learned for RelativeMahalanobis {
    fn fits(&self, classes: usize, size: usize) -> bool {
        self.classes.fits(classes, size) && self.all.fits(size)
    }
}
