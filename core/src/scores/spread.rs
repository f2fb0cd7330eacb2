//! How vectors spread: covariance, and its principal directions.

use nalgebra::{DMatrix, SymmetricEigen};

/// How many rows are multiplied at once: enough for an efficient matrix product, at little memory.
const ROWS: usize = 512;

/// The mean `Σ d dᵀ / n` over `n` differences `d` of a vector and its centre, each of `size` numbers.
pub(super) fn covariance<'a>(
    size: usize,
    vectors: impl Iterator<Item = (&'a [f32], &'a Vec<f64>)>,
) -> DMatrix<f64> {
    let mut sum = DMatrix::zeros(size, size);
    let mut rows: Vec<f64> = Vec::with_capacity(ROWS * size);
    let mut count = 0usize;
    let mut multiply = |rows: &mut Vec<f64>| {
        let columns = DMatrix::from_column_slice(size, rows.len() / size, rows);
        sum.gemm(1.0, &columns, &columns.transpose(), 1.0);
        rows.clear();
    };
    for (vector, centre) in vectors {
        let pairs = vector.iter().zip(centre);
        rows.extend(pairs.map(|(x, centre)| f64::from(*x) - centre));
        count += 1;
        if rows.len() == ROWS * size {
            multiply(&mut rows);
        }
    }
    if !rows.is_empty() {
        multiply(&mut rows);
    }
    sum / count.max(1) as f64
}

/// An eigenvalue and its eigenvector of norm 1.
pub(super) type Direction = (f64, Vec<f64>);

/// The eigenvalues of a symmetric matrix with their eigenvectors, the largest first.
pub(super) fn directions(symmetric: DMatrix<f64>) -> Vec<Direction> {
    let eigen = SymmetricEigen::new(symmetric);
    let columns = eigen.eigenvectors.column_iter();
    let mut directions: Vec<Direction> = eigen
        .eigenvalues
        .iter()
        .zip(columns)
        .map(|(value, vector)| (*value, vector.iter().copied().collect()))
        .collect();
    directions.sort_by(|a, b| b.0.total_cmp(&a.0));
    directions
}

/// The directions whose eigenvalue is more than what rounding to f32 makes of zero.
///
/// If representations never differ in some direction (units that are always 0), their covariance is singular. What is
/// built from it leaves such directions out, as the pseudo-inverse does.
pub(super) fn significant(mut directions: Vec<Direction>) -> Vec<Direction> {
    let largest = directions.first().map_or(0.0, |(value, _)| *value);
    let rounding = f64::from(f32::EPSILON).powi(2) * directions.len() as f64;
    directions.retain(|(value, _)| *value > 0.0 && *value > largest * rounding);
    directions
}
