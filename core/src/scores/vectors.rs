//! Sums over long vectors of f32, written so that the compiler keeps several of them in one register.

const LANES: usize = 16;

/// `Σ a_i b_i`
pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
    sum(a, b, |a, b| a * b)
}

/// `Σ (a_i − b_i)²`
pub(super) fn squared_distance(a: &[f32], b: &[f32]) -> f32 {
    sum(a, b, |a, b| (a - b) * (a - b))
}

fn sum(a: &[f32], b: &[f32], term: impl Fn(f32, f32) -> f32) -> f32 {
    let (a_chunks, a_rest) = a.as_chunks::<LANES>();
    let (b_chunks, b_rest) = b.as_chunks::<LANES>();
    let mut sums = [0.0f32; LANES];
    for (a, b) in a_chunks.iter().zip(b_chunks) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += term(*a, *b);
        }
    }
    let rest = a_rest.iter().zip(b_rest).map(|(a, b)| term(*a, *b));
    sums.iter().sum::<f32>() + rest.sum::<f32>()
}

/// The L2 norm, in f64, where no square of an f32 overflows, and no small entry is lost beside a large one.
pub(super) fn norm(values: impl IntoIterator<Item = f32>) -> f64 {
    let squares = values.into_iter().map(|value| f64::from(value).powi(2));
    squares.sum::<f64>().sqrt()
}

/// The vector scaled to norm 1; zeros stay zeros.
pub(super) fn normalised(values: &[f32]) -> Vec<f32> {
    let norm = norm(values.iter().copied()).max(f64::MIN_POSITIVE);
    values
        .iter()
        .map(|value| (f64::from(*value) / norm) as f32)
        .collect()
}

/// The vector less another of the same length.
pub(super) fn minus(values: &[f32], centre: &[f32]) -> Vec<f32> {
    values
        .iter()
        .zip(centre)
        .map(|(value, centre)| value - centre)
        .collect()
}
