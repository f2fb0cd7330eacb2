//! GEN: Liu, Lochman & Zach, "GEN: Pushing the Limits of Softmax-Based Out-of-Distribution
//! Detection", CVPR 2023, Sec. 3: the generalised entropy, truncated to the M largest probabilities,
//! as in the authors' code (XixiLiu95/GEN).

use super::softmax::maximum;
use super::{Score, ScoreKind};

/// γ, as the authors set it for every model.
const GAMMA: f64 = 0.1;
/// M, the number of largest probabilities that count, as the authors set it for ImageNet's 1,000 classes. With fewer
/// classes, all count.
const LARGEST: usize = 100;

/// The generalised entropy of the softmax, `Σ_j p_j^γ (1 − p_j)^γ` over the 100 largest
/// probabilities, γ = 0.1. From 0 up.
///
/// With so small a power it sees whether the improbable classes are improbable or impossible, while MSP looks only at
/// the most probable one.
#[derive(Clone, Copy, Debug)]
pub struct Gen;

impl Score for Gen {
    fn kind(&self) -> ScoreKind {
        ScoreKind::Gen
    }

    fn score(&self, logits: &[f32], _representation: &[f32]) -> f32 {
        let largest = f64::from(maximum(logits));
        let exp = |&z: &f32| (f64::from(z) - largest).exp();
        let mut terms: Vec<f64> = logits.iter().map(exp).collect();
        terms.sort_unstable_by(|a, b| b.total_cmp(a));
        let Some((first, others)) = terms.split_first() else {
            return f32::NAN;
        };
        // For a probability near 1, the difference from 1 is known only from the others.
        let missing: f64 = others.iter().sum();
        let sum = first + missing;
        let entropy = |p: f64, rest: f64| (p * rest).powf(GAMMA);
        let of_others = others.iter().take(LARGEST - 1).map(|term| {
            let p = term / sum;
            entropy(p, 1.0 - p)
        });
        (entropy(first / sum, missing / sum) + of_others.sum::<f64>()) as f32
    }
}
