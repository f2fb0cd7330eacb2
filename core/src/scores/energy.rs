//! Energy: Liu, Wang, Owens & Li, "Energy-based Out-of-distribution Detection", NeurIPS 2020,
//! Eq. 4, at temperature 1.

use super::Score;
use super::softmax::{maximum, sum_of_exp};

/// The free energy, `-log Σ_k exp(z_k)`: of logits, not of probabilities.
#[derive(Clone, Copy, Debug)]
pub struct Energy;

impl Score for Energy {
    fn name(&self) -> &'static str {
        "energy"
    }

    fn score(&self, logits: &[f32], _representation: &[f32]) -> f32 {
        let largest = f64::from(maximum(logits));
        -(largest + sum_of_exp(logits, largest).ln()) as f32
    }
}
