//! MSP: Hendrycks & Gimpel, "A Baseline for Detecting Misclassified and Out-of-Distribution
//! Examples in Neural Networks", ICLR 2017, Sec. 2.

use super::softmax::{maximum, sum_of_exp};
use super::{Score, ScoreKind};

/// Minus the maximum softmax probability, `-max_k p_k`. From -1 to -1/K for K classes.
#[derive(Clone, Copy, Debug)]
pub struct Msp;

impl Score for Msp {
    fn kind(&self) -> ScoreKind {
        ScoreKind::Msp
    }

    fn score(&self, logits: &[f32], _representation: &[f32]) -> f32 {
        // The largest logit's own term is exp(0) = 1.
        -1.0 / sum_of_exp(logits, f64::from(maximum(logits))) as f32
    }
}
