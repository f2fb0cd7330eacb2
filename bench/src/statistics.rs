//! Medians and spreads over rounds.

use serde::{Deserialize, Serialize};

/// A figure measured in several rounds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// The median; of an even number of rounds, the mean of the two in the middle.
    pub median: f64,
    /// The smallest.
    pub low: f64,
    /// The largest.
    pub high: f64,
}

impl Spread {
    /// The spread of these values; `None` if there are none.
    pub fn of(values: &[f64]) -> Option<Self> {
        let mut sorted = values.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        let (low, high) = (*sorted.first()?, *sorted.last()?);
        let middle = sorted.len() / 2;
        let median = match sorted.len() % 2 {
            0 => (sorted[middle - 1] + sorted[middle]) / 2.0,
            _ => sorted[middle],
        };
        Some(Self { median, low, high })
    }

    /// Half the distance from the smallest to the largest, as a share of the median.
    pub fn relative(&self) -> f64 {
        match self.median == 0.0 {
            true => 0.0,
            false => (self.high - self.low) / 2.0 / self.median,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_lies_between_the_two_in_the_middle() {
        let spread = Spread::of(&[4.0, 1.0, 2.0, 9.0]).unwrap();
        assert_eq!((spread.median, spread.low, spread.high), (3.0, 1.0, 9.0));
        assert_eq!(Spread::of(&[5.0, 1.0, 2.0]).unwrap().median, 2.0);
    }

    #[test]
    fn the_spread_is_half_the_range_beside_the_median() {
        let spread = Spread::of(&[95.0, 100.0, 105.0]).unwrap();
        assert!((spread.relative() - 0.05).abs() < 1e-12);
    }

    #[test]
    fn of_no_rounds_there_is_no_median() {
        assert_eq!(Spread::of(&[]), None);
    }
}
