//! What the words of a report mean, for readers who see them for the first time.

use std::iter;

use crate::evaluate::figures::Figures;

const FIGURES: [&str; 5] = [
    "Mean norm, Active: the L2 norm of an image's representation, which is what the network's last layer reads, and \
     the share of its values that are above zero; means over the images.",
    "ECE: expected calibration error, how far the confidence is from the accuracy, on average over 15 intervals.",
    "AUROC: how often an OOD image scores above an ID image, both drawn at random; 50 % is chance.",
    "AUPR: the area under the curve of precision over recall in looking for OOD images; chance is their share.",
    "FPR95: how many of one kind are judged wrongly if 95 % of the other are judged right.",
];

/// A line for each word, also for the scores that were measured. Larger scores always mean: more OOD.
pub(super) fn of(figures: &Figures) -> Vec<String> {
    let measured = figures.mean.iter().map(|it| it.score);
    let others = measured.filter(|score| *score != figures.served_score);
    let scores = iter::once(figures.served_score).chain(others);
    let scores = scores.map(|score| format!("{}: {}.", score.title(), score.summary()));
    let larger = "Scores: the larger, the more OOD; RN is therefore minus the norm.".to_owned();
    let figures = FIGURES.into_iter().map(String::from);
    iter::once(larger).chain(scores).chain(figures).collect()
}
