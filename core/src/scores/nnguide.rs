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

/// The most neighbours that guide: the authors' number.
const NEIGHBOURS: usize = 10;

/// Minus `S(x) · G(x)`, where S is minus the energy of the logits, and the guidance G is the mean of the k largest
/// `S(x_i) cos(x, x_i)` over the training images. So confidence counts only near training images that the model is
/// confident of.
///
/// It remembers representations of training images, evenly from each class (`bank`), each with norm 1 and multiplied
/// by its S. k is 10, or as many images as are remembered of a class if those are fewer: further neighbours would be
/// of other classes, and guide astray. (The authors remember 1 % of ImageNet's images, some 13 of each class.)
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Nnguide {
    /// k; files from before 2026-12 do not say it.
    #[serde(default = "usual")]
    neighbours: usize,
    /// `images · size`
    bank: Floats,
}

fn usual() -> usize {
    NEIGHBOURS
}

impl Nnguide {
    pub(super) fn fit(data: &FitData<'_>) -> Result<Self, FitError> {
        let outputs: Vec<_> = data.images().collect();
        let chosen = bank::choose(data.labels(), data.classes(), data.size());
        let confidences = outputs.iter().map(|(_, logits, _)| log_sum_exp(logits));
        if confidences.sum::<f64>() <= 0.0 {
            // Confident images would count as those far from everything.
            let score = ScoreKind::Nnguide;
            return Err(FitError::NoPositiveConfidence { score });
        }
        let labels = data.labels();
        let mut kept = vec![0usize; data.classes()];
        for class in chosen.iter().filter_map(|index| labels.get(*index)) {
            if let Some(count) = kept.get_mut(*class) {
                *count += 1;
            }
        }
        let most = kept.into_iter().max().unwrap_or(1);
        let weighted = chosen.iter().flat_map(|index| {
            let (_, logits, representation) = outputs[*index];
            let confidence = log_sum_exp(logits) as f32;
            let x = normalised(representation);
            x.into_iter().map(move |value| value * confidence)
        });
        let bank: Vec<f32> = weighted.collect();
        Ok(Self {
            neighbours: most.clamp(1, NEIGHBOURS),
            bank: bank.into(),
        })
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
        let count = guides.len().min(self.neighbours);
        if count < guides.len() {
            guides.select_nth_unstable_by(count, |a, b| b.total_cmp(a));
        }
        let sum: f64 = guides.iter().take(count).copied().map(f64::from).sum();
        (-log_sum_exp(logits) * sum / count as f64) as f32
    }
}

impl Learned for Nnguide {
    fn fits(&self, _classes: usize, size: usize) -> bool {
        self.neighbours > 0 && !self.bank.is_empty() && self.bank.len().is_multiple_of(size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::onnx::LastLayerError;

    /// Two values and two classes, whose images lie on an axis each; all have the same logits.
    fn fit(images_a_class: usize, logit: f32) -> Result<Nnguide, FitError> {
        let labels: Vec<usize> = (0..2 * images_a_class).map(|image| image % 2).collect();
        let axis = |label: &usize| [[1.0, 0.0], [0.0, 1.0]][*label];
        let x: Vec<f32> = labels.iter().flat_map(axis).collect();
        let logits = vec![logit; 2 * labels.len()];
        let none = Err(LastLayerError::Weights);
        Nnguide::fit(&FitData::new((2, 2), &labels, &logits, &x, none)?)
    }

    #[test]
    fn no_more_neighbours_guide_than_are_kept_of_a_class() {
        for (images, neighbours) in [(1, 1), (4, 4), (10, 10), (50, 10)] {
            assert_eq!(fit(images, 1.0).unwrap().neighbours, neighbours);
        }
        // An image of a class of one is like that one, and not half like the other's.
        let confidence = (2.0_f64).ln() + 1.0;
        let score = fit(1, 1.0).unwrap().score(&[1.0, 1.0], &[3.0, 0.0]);
        assert!((f64::from(score) + confidence * confidence).abs() < 1e-5);
    }

    #[test]
    fn a_model_that_is_confident_of_nothing_is_refused() {
        let score = ScoreKind::Nnguide;
        assert_eq!(fit(3, -1.0), Err(FitError::NoPositiveConfidence { score }));
    }

    #[test]
    fn files_that_do_not_say_how_many_neighbours_guide_mean_ten() {
        let json = serde_json::to_value(fit(2, 1.0).unwrap()).unwrap();
        let mut older = json.clone();
        older.as_object_mut().unwrap().remove("neighbours");
        let older: Nnguide = serde_json::from_value(older).unwrap();
        assert_eq!(older.neighbours, NEIGHBOURS);
    }
}
