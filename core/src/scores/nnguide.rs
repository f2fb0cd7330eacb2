//! NNGuide: Park, Jung & Teoh, "Nearest Neighbor Guidance for Out-of-Distribution Detection", ICCV
//! 2023: confidence times guidance, as in the authors' code (roomo7time/nnguide).

use serde::{Deserialize, Serialize};

use super::bank;
use super::fit::{FitData, FitError};
use super::fitted::Learned;
use super::floats::Floats;
use super::softmax::log_sum_exp;
use super::vectors::{dot, normalised};
use super::{Score, ScoreKind};

/// How many neighbours guide, as the authors chose.
const NEIGHBOURS: usize = 10;

/// Minus `S(x) · G(x)`, where S is minus the energy of the logits, and the guidance G is the mean of the 10 largest
/// `S(x_i) cos(x, x_i)` over the training images. So confidence counts only near training images that the model is
/// confident of.
///
/// It remembers representations of training images, evenly from each class (`bank`), each with norm 1 and multiplied
/// by its S.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Nnguide {
    /// `images · size`
    bank: Floats,
}

impl Nnguide {
    pub(super) fn fit(data: &FitData<'_>) -> Result<Self, FitError> {
        let outputs: Vec<_> = data.images().collect();
        let chosen = bank::choose(data.labels(), data.classes(), data.size());
        let weighted = chosen.iter().flat_map(|index| {
            let (_, logits, representation) = outputs[*index];
            let confidence = log_sum_exp(logits) as f32;
            let x = normalised(representation);
            x.into_iter().map(move |value| value * confidence)
        });
        let bank: Vec<f32> = weighted.collect();
        Ok(Self { bank: bank.into() })
    }
}

impl Score for Nnguide {
    fn kind(&self) -> ScoreKind {
        ScoreKind::Nnguide
    }

    fn score(&self, logits: &[f32], representation: &[f32]) -> f32 {
        let x = normalised(representation);
        let rows = self.bank.chunks_exact(x.len().max(1));
        let mut guides: Vec<f32> = rows.map(|row| dot(&x, row)).collect();
        let count = guides.len().min(NEIGHBOURS);
        if count < guides.len() {
            guides.select_nth_unstable_by(count, |a, b| b.total_cmp(a));
        }
        let sum: f64 = guides.iter().take(count).copied().map(f64::from).sum();
        (-log_sum_exp(logits) * sum / count as f64) as f32
    }
}

impl Learned for Nnguide {
    fn fits(&self, _classes: usize, size: usize) -> bool {
        !self.bank.is_empty() && self.bank.len().is_multiple_of(size)
    }
}
