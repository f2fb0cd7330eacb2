//! ECE: Guo, Pleiss, Sun & Weinberger, "On Calibration of Modern Neural Networks", ICML 2017,
//! Eq. 3; first Naeini, Cooper & Hauskrecht, AAAI 2015.

/// Expected calibration error, 0 to 1: the mean gap between accuracy and mean confidence over `bins` (15 is usual)
/// intervals `(i/bins, (i+1)/bins]` of confidence, weighted by their number of images.
///
/// `confidence` holds the probability of the predicted class, 0 to 1. NaN if there are no images or no bins, the
/// lists have different lengths, or a confidence is outside 0..=1.
pub fn ece(confidence: &[f32], correct: &[bool], bins: usize) -> f64 {
    if confidence.len() != correct.len() || bins == 0 {
        return f64::NAN;
    }
    // The sum of correct answers minus confidences in each bin: the gap times the number of images.
    let mut gaps = vec![0.0_f64; bins];
    for (&confidence, &correct) in confidence.iter().zip(correct) {
        let confidence = f64::from(confidence);
        if !(0.0..=1.0).contains(&confidence) {
            return f64::NAN;
        }
        let bin = (confidence * bins as f64).ceil() as usize;
        gaps[bin.saturating_sub(1).min(bins - 1)] += f64::from(u8::from(correct)) - confidence;
    }
    gaps.iter().map(|gap| gap.abs()).sum::<f64>() / confidence.len() as f64
}
