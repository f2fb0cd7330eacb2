//! Which order statistic a share of n asks for.

/// `⌈(n+1)·tpr⌉`, from 1: the rank of the conformal threshold. Above n if n is too small.
pub(super) fn conformal_rank(n: usize, tpr: f64) -> usize {
    ceil((n as f64 + 1.0) * tpr).max(1)
}

/// `⌈n·share⌉`, at least 1: how many of n make up a share.
pub(crate) fn share_rank(n: usize, share: f64) -> usize {
    ceil(n as f64 * share).max(1)
}

/// The smallest n whose conformal rank is not above n, `⌈tpr / (1 - tpr)⌉`: 19 for 0.95.
pub(super) fn samples_needed(tpr: f64) -> usize {
    ceil(tpr / (1.0 - tpr)).max(1)
}

/// Rounds up, unless only a floating-point error separates `x` from a whole number: 0.07 · 100 is 7.000000000000001
/// and means 7.
fn ceil(x: f64) -> usize {
    let nearest = x.round();
    let tolerance = 1e-12 * nearest.max(1.0);
    if (x - nearest).abs() <= tolerance {
        nearest as usize
    } else {
        x.ceil() as usize
    }
}
