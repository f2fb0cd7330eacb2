use nalgebra::DMatrix;
use serde::{Deserialize, Serialize};

use super::floats::Floats;
use super::spread::{directions, significant};
use super::vectors::{dot, minus};

/// A linear map after which a covariance is the identity, so that the Mahalanobis distance becomes the Euclidean one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Whitening {
    /// `size` values that are subtracted first, which keeps the numbers small.
    centre: Floats,
    /// `rank · size`: the principal directions, each divided by the spread along it.
    rows: Floats,
}

impl Whitening {
    /// The whitening of a covariance; `None` if nothing spreads. Directions without spread are left out, as by the
    /// pseudo-inverse.
    pub(super) fn of(covariance: DMatrix<f64>, centre: &[f64]) -> Option<Self> {
        let directions = significant(directions(covariance));
        let scaled = |(value, vector): &(f64, Vec<f64>)| {
            let spread = value.sqrt();
            vector.iter().map(move |v| v / spread).collect::<Vec<_>>()
        };
        let rows: Floats = directions.iter().flat_map(scaled).collect();
        let centre = centre.iter().copied().collect();
        (!rows.is_empty()).then_some(Self { centre, rows })
    }

    /// The number of directions that are kept.
    pub(super) fn rank(&self) -> usize {
        self.rows.len() / self.centre.len().max(1)
    }

    /// The representation in those directions: `rank` values.
    pub(super) fn apply(&self, x: &[f32]) -> Vec<f32> {
        let from_centre = minus(x, &self.centre);
        let rows = self.rows.chunks_exact(self.centre.len().max(1));
        rows.map(|row| dot(row, &from_centre)).collect()
    }

    /// Whether it takes representations of this length.
    pub(super) fn fits(&self, size: usize) -> bool {
        self.centre.len() == size && self.rank() > 0 && self.rows.len() == self.rank() * size
    }
}
