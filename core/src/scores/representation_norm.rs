//! RN: Shin & Chung, "Representation Norm Amplification for Out-of-Distribution Detection in
//! Long-Tail Learning", TMLR 2024, Eq. 4.

use super::vectors::norm;
use super::{Score, ScoreKind};

/// Minus the L2 norm of the penultimate representation, `-‖f(x)‖₂`.
///
/// Training with RNA makes the norm large on ID images and nearly 0 on OOD images. The score is at most 0.
#[derive(Clone, Copy, Debug)]
pub struct RepresentationNorm;

impl Score for RepresentationNorm {
    fn kind(&self) -> ScoreKind {
        ScoreKind::RepresentationNorm
    }

    fn score(&self, _logits: &[f32], representation: &[f32]) -> f32 {
        -norm(representation.iter().copied()) as f32
    }
}
