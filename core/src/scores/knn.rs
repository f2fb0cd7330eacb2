//! KNN: Sun, Ming, Zhu & Li, "Out-of-Distribution Detection with Deep Nearest Neighbors", ICML 2022,
//! Alg. 1.

use serde::{Deserialize, Serialize};

use super::bank;
use super::fit::{FitData, FitError};
use super::fitted::Learned;
use super::floats::Floats;
use super::vectors::{normalised, squared_distance};
use super::{Score, ScoreKind};

/// The distance between the representation and the k-th nearest one of the training images, both with norm 1. In
/// 0..=2.
///
/// It remembers representations of training images, evenly from each class (`bank`). k is one in a thousand of them,
/// as the authors' 50 is of CIFAR's 50,000, and their 1,000 nearly is of ImageNet's 1.28 million. In a small set, the
/// 50th neighbour of an image of a rare class would be of another class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Knn {
    k: usize,
    /// `images · size` values, each image's with norm 1.
    bank: Floats,
}

/// The number of remembered images for each neighbour that counts.
const IMAGES_A_NEIGHBOUR: usize = 1000;

impl Knn {
    pub(super) fn fit(data: &FitData<'_>) -> Result<Self, FitError> {
        let features: Vec<&[f32]> = data.features().collect();
        let chosen = bank::choose(data.labels(), data.classes(), data.size());
        let rows = chosen.iter().flat_map(|index| normalised(features[*index]));
        let bank: Vec<f32> = rows.collect();
        Ok(Self {
            k: (chosen.len() / IMAGES_A_NEIGHBOUR).max(1),
            bank: bank.into(),
        })
    }
}

impl Score for Knn {
    fn kind(&self) -> ScoreKind {
        ScoreKind::Knn
    }

    fn score(&self, _logits: &[f32], representation: &[f32]) -> f32 {
        let x = normalised(representation);
        let rows = self.bank.chunks_exact(x.len().max(1));
        let mut distances: Vec<f32> = rows.map(|row| squared_distance(&x, row)).collect();
        match self.k.checked_sub(1).filter(|nth| *nth < distances.len()) {
            Some(nth) => distances
                .select_nth_unstable_by(nth, f32::total_cmp)
                .1
                .sqrt(),
            None => f32::NAN,
        }
    }
}

impl Learned for Knn {
    fn fits(&self, _classes: usize, size: usize) -> bool {
        let images = self.bank.len() / size;
        self.bank.len().is_multiple_of(size) && (1..=images).contains(&self.k)
    }
}
