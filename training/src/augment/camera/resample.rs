//! Resampling along one axis, as image programs do it: to another size and back, with one of the usual filters. Every
//! photo that was ever resized carries such a filter's signature.

use rand::RngExt;
use rand_pcg::Pcg64Mcg;

use super::matrix::Matrix;

/// A resampling filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Filter {
    Box,
    Triangle,
    /// Cubic convolution with a = -0.5 (Catmull-Rom), as in Pillow.
    Cubic,
    Lanczos3,
}

impl Filter {
    const ALL: [Filter; 4] = [
        Filter::Box,
        Filter::Triangle,
        Filter::Cubic,
        Filter::Lanczos3,
    ];

    pub(super) fn draw(random: &mut Pcg64Mcg) -> Filter {
        Filter::ALL[random.random_range(0..Filter::ALL.len())]
    }

    fn support(self) -> f32 {
        match self {
            Filter::Box => 0.5,
            Filter::Triangle => 1.0,
            Filter::Cubic => 2.0,
            Filter::Lanczos3 => 3.0,
        }
    }

    fn weight(self, x: f32) -> f32 {
        let distance = x.abs();
        match self {
            // Half open, so that a sample on the border counts once.
            Filter::Box => f32::from(x > -0.5 && x <= 0.5),
            Filter::Triangle => (1.0 - distance).max(0.0),
            Filter::Cubic if distance < 1.0 => (1.5 * distance - 2.5) * distance * distance + 1.0,
            Filter::Cubic if distance < 2.0 => {
                ((-0.5 * distance + 2.5) * distance - 4.0) * distance + 2.0
            }
            Filter::Lanczos3 if distance < 3.0 => sinc(x) * sinc(x / 3.0),
            _ => 0.0,
        }
    }
}

fn sinc(x: f32) -> f32 {
    match x * std::f32::consts::PI {
        0.0 => 1.0,
        angle => angle.sin() / angle,
    }
}

/// The matrix that resamples `from` samples to `to`, antialiased: to reduce, the filter is widened. At the borders
/// the weights inside are scaled to a sum of 1, as in Pillow.
pub(super) fn resampling(from: usize, to: usize, filter: Filter) -> Matrix {
    let step = from as f32 / to as f32;
    let widened = step.max(1.0);
    let support = filter.support() * widened;
    let mut matrix = Matrix::zeros(to, from);
    for row in 0..to {
        let centre = (row as f32 + 0.5) * step;
        let first = (centre - support + 0.5).max(0.0) as usize;
        let end = ((centre + support + 0.5) as usize).min(from);
        let weights = &mut matrix.row_mut(row)[first..end];
        for (i, weight) in weights.iter_mut().enumerate() {
            *weight = filter.weight(((first + i) as f32 + 0.5 - centre) / widened);
        }
        let sum: f32 = weights.iter().sum();
        weights.iter_mut().for_each(|weight| *weight /= sum);
    }
    matrix
}

/// Resamples to `through` samples and back, with a filter each way.
pub(super) fn round_trip(side: usize, through: usize, there: Filter, back: Filter) -> Matrix {
    resampling(through, side, back).after(&resampling(side, through, there))
}

#[cfg(test)]
mod tests {
    use super::super::super::reference::{distance, figures};
    use super::*;

    #[test]
    fn the_matrices_are_pillows() {
        let filters = [
            ("box", Filter::Box),
            ("triangle", Filter::Triangle),
            ("cubic", Filter::Cubic),
            ("lanczos3", Filter::Lanczos3),
        ];
        for (name, filter) in filters {
            for to in [5, 7, 12] {
                let expected = figures(&format!("{name}_7_to_{to}"));
                let distance = distance(resampling(7, to, filter).values(), &expected);
                assert!(distance < 1e-5, "{name} to {to}: {distance}");
            }
        }
    }

    #[test]
    fn there_and_back_at_the_same_size_changes_nothing() {
        for filter in Filter::ALL {
            let matrix = round_trip(9, 9, filter, filter);
            let unit = Matrix::new(9, 9, |row, column| f32::from(row == column));
            assert!(
                distance(matrix.values(), unit.values()) < 1e-6,
                "{filter:?}"
            );
        }
    }
}
