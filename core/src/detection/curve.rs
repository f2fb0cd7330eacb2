//! How many images of each side are flagged as the threshold falls.

use super::DetectionError;

/// Images flagged at one threshold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Point {
    pub(super) id: usize,
    pub(super) ood: usize,
}

/// One point for each distinct score, with falling thresholds, from nothing flagged to everything.
pub(super) struct Curve {
    pub(super) points: Vec<Point>,
}

impl Curve {
    pub(super) fn new(id: &[f32], ood: &[f32]) -> Result<Self, DetectionError> {
        let id = falling(id, "in-distribution")?;
        let ood = falling(ood, "out-of-distribution")?;
        let mut at = Point::default();
        let mut points = vec![at];
        while let Some(threshold) = larger(id.get(at.id), ood.get(at.ood)) {
            at.id += count_at_or_above(&id[at.id..], threshold);
            at.ood += count_at_or_above(&ood[at.ood..], threshold);
            points.push(at);
        }
        Ok(Self { points })
    }

    /// Neighbouring points.
    pub(super) fn steps(&self) -> impl Iterator<Item = (Point, Point)> {
        self.points.windows(2).map(|pair| (pair[0], pair[1]))
    }
}

fn falling(scores: &[f32], side: &'static str) -> Result<Vec<f32>, DetectionError> {
    if scores.is_empty() {
        return Err(DetectionError::Empty { side });
    }
    if let Some(index) = scores.iter().position(|score| score.is_nan()) {
        return Err(DetectionError::NotANumber { side, index });
    }
    let mut falling = scores.to_vec();
    falling.sort_unstable_by(|a, b| b.total_cmp(a));
    Ok(falling)
}

fn larger(a: Option<&f32>, b: Option<&f32>) -> Option<f32> {
    a.into_iter().chain(b).copied().reduce(f32::max)
}

fn count_at_or_above(falling: &[f32], threshold: f32) -> usize {
    falling
        .iter()
        .take_while(|&&score| score >= threshold)
        .count()
}
