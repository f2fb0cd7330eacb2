//! Max-logit: Hendrycks, Basart, Mazeika et al., "Scaling Out-of-Distribution Detection for
//! Real-World Settings", ICML 2022, Sec. 3.

use super::Score;
use super::softmax::maximum;

/// Minus the largest logit, `-max_k z_k`.
#[derive(Clone, Copy, Debug)]
pub struct MaxLogit;

impl Score for MaxLogit {
    fn name(&self) -> &'static str {
        "max_logit"
    }

    fn score(&self, logits: &[f32], _representation: &[f32]) -> f32 {
        -maximum(logits)
    }
}
