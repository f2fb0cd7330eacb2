//! Whether scores are those that a calibration was made from.

use super::{Calibration, thinning};

/// How far apart the scores that two machines compute may be, as a share of the scores' own spread. In the shipped
/// model, AVX2 and AVX-512 differ by 2e-7; 3,000 other images of the same kind by 0.03; ten others among them by
/// 0.002.
const TOLERANCE: f64 = 1e-3;

impl Calibration {
    /// Whether the calibration was made from these scores, in any order, apart from what another machine computes
    /// differently. It compares averages: a single image may fall on the other side of a rounding step.
    pub fn was_made_from(&self, scores: &[f32]) -> bool {
        if scores.len() != self.count || self.scores.is_empty() {
            return false;
        }
        let mut sorted = scores.to_vec();
        sorted.sort_unstable_by(f32::total_cmp);
        let given = thinning::thin_to(self.scores.len(), &sorted);
        let middle = self.scores[self.scores.len() / 2];
        let between = |a: f32, b: f32| (f64::from(a) - f64::from(b)).abs();
        let spread: f64 = self
            .scores
            .iter()
            .map(|&score| between(score, middle))
            .sum();
        let pairs = self.scores.iter().zip(given);
        let apart: f64 = pairs.map(|(&score, given)| between(score, given)).sum();
        apart <= TOLERANCE * spread
    }
}
