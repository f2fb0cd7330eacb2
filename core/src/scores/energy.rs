//! Energy: Liu, Wang, Owens & Li, "Energy-based Out-of-distribution Detection", NeurIPS 2020,
//! Eq. 4, at temperature 1.

use super::softmax::log_sum_exp;
use super::{Score, ScoreKind};

/// The free energy, `-log Σ_k exp(z_k)`, of the logits rather than of probabilities.
#[derive(Clone, Copy, Debug)]
pub struct Energy;

impl Score for Energy {
    fn kind(&self) -> ScoreKind {
        ScoreKind::Energy
    }

    fn score(&self, logits: &[f32], _representation: &[f32]) -> f32 {
        -log_sum_exp(logits) as f32
    }
}
