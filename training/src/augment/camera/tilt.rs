//! Sharpness as a tilt of the spectrum: between two cameras (or resamplers) the amplitude differs by a gain that
//! grows about exponentially with frequency, while what is shown is the same.

use std::f32::consts::PI;

use super::matrix::Matrix;

/// The matrix that multiplies the cosine component k of `side` samples (DCT-II, that is: with
/// mirrored borders) by `exp(tilt·f + 4·bend·(f² − f))`, `f = k / (side − 1)` from 0 to 1.
///
/// A positive tilt sharpens, a negative one blurs; a bend lifts or lowers the middle frequencies.
/// The mean does not change.
pub(super) fn tilting(side: usize, tilt: f32, bend: f32) -> Matrix {
    let last = side.saturating_sub(1).max(1) as f32;
    let gains: Vec<f32> = (0..side)
        .map(|k| k as f32 / last)
        .map(|f| (tilt * f + 4.0 * bend * (f * f - f)).exp())
        .collect();
    // The product of two cosines is half the sum of the cosines of difference and sum, so the
    // matrix is an even kernel laid over the samples and over their mirror image.
    let period = 2 * side;
    let cosines: Vec<f32> = (0..period)
        .map(|n| (PI * n as f32 / side as f32).cos())
        .collect();
    let kernel: Vec<f32> = (0..period)
        .map(|distance| {
            let waves = gains.iter().enumerate().skip(1);
            let sum: f32 = waves
                .map(|(k, gain)| gain * cosines[k * distance % period])
                .sum();
            (0.5 * gains.first().unwrap_or(&0.0) + sum) / side as f32
        })
        .collect();
    Matrix::new(side, side, |row, column| {
        kernel[row.abs_diff(column)] + kernel[row + column + 1]
    })
}

#[cfg(test)]
mod tests {
    use super::super::super::reference::{distance, figures, planes};
    use super::*;

    #[test]
    fn the_gains_are_those_of_a_cosine_transform_there_and_back() {
        for (tilt, bend, name) in [(0.75, -0.3, "tilt_0.75_-0.3"), (-1.0, 0.2, "tilt_-1_0.2")] {
            let mut plane = planes(12)[..144].to_vec();
            tilting(12, tilt, bend).apply(&mut plane);
            let distance = distance(&plane, &figures(name));
            assert!(distance < 1e-5, "{name}: {distance}");
        }
    }

    #[test]
    fn no_tilt_changes_nothing() {
        let unit = Matrix::new(32, 32, |row, column| f32::from(row == column));
        let matrix = tilting(32, 0.0, 0.0);
        assert!(distance(matrix.values(), unit.values()) < 1e-5);
    }

    #[test]
    fn a_plain_plane_stays_as_it_is() {
        let mut plane = vec![0.4; 32 * 32];
        tilting(32, 1.0, -0.4).apply(&mut plane);
        assert!(plane.iter().all(|value| (value - 0.4).abs() < 1e-5));
    }
}
