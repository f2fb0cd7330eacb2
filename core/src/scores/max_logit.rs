//! Max-logit: Hendrycks, Basart, Mazeika et al., "Scaling Out-of-Distribution Detection for
//! Real-World Settings", ICML 2022, Sec. 3.

use super::softmax::maximum;
use super::{Score, ScoreKind};

/// Minus the largest logit, `-max_k z_k`.
#[derive(Clone, Copy, Debug)]
pub struct MaxLogit;

impl Score for MaxLogit {
    fn kind(&self) -> ScoreKind {
        ScoreKind::MaxLogit
    }

    fn score(&self, logits: &[f32], _representation: &[f32]) -> f32 {
        -maximum(logits)
    }
}
