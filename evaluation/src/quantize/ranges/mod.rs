//! From the values that were seen to the range that 256 levels are spread over: a smaller range has
//! finer steps, and cuts off what is beyond it.

mod entropy;
mod mse;
mod percentile;
#[cfg(test)]
mod tests;

use clap::ValueEnum;

use super::histogram::Histogram;

/// How the range of a value is chosen from what was seen of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum RangeMethod {
    /// From the smallest to the largest value seen
    Minmax,
    /// All but the outermost values, a share set by --percentile
    Percentile,
    /// The range that loses the least information (Kullback–Leibler divergence), as TensorRT does
    Entropy,
    /// The range with the smallest mean squared error from rounding and clipping
    #[default]
    Mse,
}

impl RangeMethod {
    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Minmax => "minmax",
            Self::Percentile => "percentile",
            Self::Entropy => "entropy",
            Self::Mse => "mse",
        }
    }

    /// The range for the values in `histogram`, as scale and zero point. Only that method uses `percentile`.
    pub(crate) fn choose(self, histogram: &Histogram, percentile: f64) -> Scale {
        let (low, high) = match self {
            Self::Minmax => (f64::from(histogram.low), f64::from(histogram.high)),
            Self::Percentile => percentile::range(histogram, percentile),
            Self::Entropy => entropy::range(histogram),
            Self::Mse => mse::range(histogram),
        };
        Scale::spanning(low, high)
    }
}

/// How real numbers become the levels 0 to 255: `real = (level − zero_point) · scale`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    /// The real difference of two neighbouring levels, above 0.
    pub scale: f32,
    /// The level of the real number 0.
    pub zero_point: u8,
}

/// No real network has smaller steps; smaller ones would make scales of biases vanish.
pub(super) const SMALLEST: f32 = 1e-12;

impl Scale {
    /// All levels over the range from `low` (at most 0) to `high` (at least 0).
    pub fn spanning(low: f64, high: f64) -> Self {
        let scale = (((high - low) / 255.0) as f32).max(SMALLEST);
        let zero_point = (-low / f64::from(scale)).round().clamp(0.0, 255.0) as u8;
        Self { scale, zero_point }
    }
}
