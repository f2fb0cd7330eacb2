//! What the scores of logits have in common.

/// The class probabilities of one image, `exp(z_k) / Σ exp(z_j)`, computed so that no logit overflows. Empty for no
/// logits; all NaN if a logit is NaN or plus infinity.
pub fn softmax(logits: &[f32]) -> Vec<f32> {
    let largest = f64::from(maximum(logits));
    let sum = sum_of_exp(logits, largest);
    logits
        .iter()
        .map(|&z| ((f64::from(z) - largest).exp() / sum) as f32)
        .collect()
}

/// The largest value: NaN if there is one (unlike `f32::max`, which drops it), minus infinity if there are no values.
pub(super) fn maximum(values: &[f32]) -> f32 {
    let larger = |most: f32, value: f32| {
        if value > most || value.is_nan() {
            value
        } else {
            most
        }
    };
    values.iter().copied().fold(f32::NEG_INFINITY, larger)
}

/// `log Σ exp(z)`.
pub(super) fn log_sum_exp(logits: &[f32]) -> f64 {
    let largest = f64::from(maximum(logits));
    largest + sum_of_exp(logits, largest).ln()
}

/// `Σ exp(z - shift)`.
pub(super) fn sum_of_exp(logits: &[f32], shift: f64) -> f64 {
    logits.iter().map(|&z| (f64::from(z) - shift).exp()).sum()
}
