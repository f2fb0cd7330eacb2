//! ECE: Guo, Pleiss, Sun & Weinberger, "On Calibration of Modern Neural Networks", ICML 2017,
//! Eq. 3; first Naeini, Cooper & Hauskrecht, AAAI 2015.

/// Expected calibration error, 0 to 1: over `bins` (15 is usual) intervals `(i/bins, (i+1)/bins]`
/// of confidence, the mean, by number of images, of the gap between accuracy and mean confidence.
///
/// `confidence` holds the probability of the predicted class, 0 to 1. NaN for no images, no bins,
/// lists of different lengths, or a confidence outside 0..=1.
pub fn ece(confidence: &[f32], correct: &[bool], bins: usize) -> f64 {
    if confidence.len() != correct.len() || bins == 0 {
        return f64::NAN;
    }
    // Of each bin: right answers minus confidence, summed, is the gap times its images.
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
