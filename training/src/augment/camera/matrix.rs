//! Small dense matrices: an operation that is linear along an axis of an image is a matrix, and a chain of such
//! operations is their product.

/// A matrix, stored row by row.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Matrix {
    rows: usize,
    columns: usize,
    values: Vec<f32>,
}

impl Matrix {
    /// The matrix with `value(row, column)` at each place.
    pub(super) fn new(rows: usize, columns: usize, value: impl Fn(usize, usize) -> f32) -> Self {
        let places = (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column)));
        Matrix {
            rows,
            columns,
            values: places.map(|(row, column)| value(row, column)).collect(),
        }
    }

    pub(super) fn zeros(rows: usize, columns: usize) -> Self {
        Matrix {
            rows,
            columns,
            values: vec![0.0; rows * columns],
        }
    }

    pub(super) fn row_mut(&mut self, row: usize) -> &mut [f32] {
        &mut self.values[row * self.columns..(row + 1) * self.columns]
    }

    #[cfg(test)]
    pub(super) fn values(&self) -> &[f32] {
        &self.values
    }

    fn transposed(&self) -> Matrix {
        Matrix::new(self.columns, self.rows, |row, column| {
            self.values[column * self.columns + row]
        })
    }

    /// This matrix after `first`: their product `self · first`.
    pub(super) fn after(&self, first: &Matrix) -> Matrix {
        debug_assert_eq!(self.columns, first.rows);
        let mut product = Matrix::zeros(self.rows, first.columns);
        multiply(
            &self.values,
            &first.values,
            first.columns,
            &mut product.values,
        );
        product
    }

    /// Applies a square matrix down the columns and along the rows of each square plane:
    /// `M · plane · Mᵀ`.
    pub(super) fn apply(&self, planes: &mut [f32]) {
        let side = self.rows;
        debug_assert_eq!(side, self.columns);
        let transposed = self.transposed();
        let mut halfway = vec![0.0; side * side];
        for plane in planes.chunks_exact_mut(side * side) {
            multiply(&self.values, plane, side, &mut halfway);
            multiply(&halfway, &transposed.values, side, plane);
        }
    }
}

/// Computes `product = a · b`, where `columns` is the number of columns of `b`. Rows of `b` are added up sixteen
/// columns at a time, which a compiler turns into vector instructions.
fn multiply(a: &[f32], b: &[f32], columns: usize, product: &mut [f32]) {
    const WIDE: usize = 16;
    let inner = b.len() / columns.max(1);
    let rows = a.chunks_exact(inner.max(1));
    for (weights, out) in rows.zip(product.chunks_exact_mut(columns.max(1))) {
        let mut start = 0;
        let (blocks, rest) = out.as_chunks_mut::<WIDE>();
        for block in blocks {
            let mut sums = [0.0; WIDE];
            for (&weight, row) in weights.iter().zip(b.chunks_exact(columns)) {
                for (sum, value) in sums.iter_mut().zip(&row[start..start + WIDE]) {
                    *sum += weight * value;
                }
            }
            *block = sums;
            start += WIDE;
        }
        for (offset, value) in rest.iter_mut().enumerate() {
            let column = b.iter().skip(start + offset).step_by(columns);
            *value = weights
                .iter()
                .zip(column)
                .map(|(weight, value)| weight * value)
                .sum();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_of_any_width_are_right() {
        for (rows, inner, columns) in [(1, 1, 1), (2, 3, 4), (5, 7, 16), (3, 2, 35)] {
            let a = Matrix::new(rows, inner, |row, column| (row * 3 + column) as f32);
            let b = Matrix::new(inner, columns, |row, column| (row as f32) - column as f32);
            let product = a.after(&b);
            let expected = Matrix::new(rows, columns, |row, column| {
                (0..inner)
                    .map(|k| a.values[row * inner + k] * b.values[k * columns + column])
                    .sum()
            });
            assert_eq!(product, expected);
        }
    }

    #[test]
    fn both_axes_of_every_plane_are_changed() {
        // Exchanges the first and the last line.
        let swap = Matrix::new(3, 3, |row, column| f32::from(row + column == 2));
        let mut planes: Vec<f32> = (1..=18).map(|n| n as f32).collect();
        swap.apply(&mut planes);
        let expected = [
            9, 8, 7, 6, 5, 4, 3, 2, 1, 18, 17, 16, 15, 14, 13, 12, 11, 10,
        ];
        assert_eq!(planes, expected.map(|n: u8| f32::from(n)));
    }
}
