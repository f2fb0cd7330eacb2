//! RN: Shin & Chung, "Representation Norm Amplification for Out-of-Distribution Detection in
//! Long-Tail Learning", TMLR 2024, Eq. 4.

use super::Score;

/// Minus the L2 norm of the penultimate representation, `-‖f(x)‖₂`.
///
/// Training with RNA makes the norm large on ID images and near nothing on OOD ones. At most 0.
#[derive(Clone, Copy, Debug)]
pub struct RepresentationNorm;

impl Score for RepresentationNorm {
    fn name(&self) -> &'static str {
        "representation_norm"
    }

    fn score(&self, _logits: &[f32], representation: &[f32]) -> f32 {
        // In f64 the square of no f32 overflows, and no small entry is lost beside a large one.
        let squares: f64 = representation.iter().map(|&x| f64::from(x).powi(2)).sum();
        -squares.sqrt() as f32
    }
}
