use super::{Histogram, Scale};

/// How many ranges are tried for each end, as parts of the whole one.
const STEPS: usize = 100;
/// If there are two ends, how often each is chosen, given the other's last choice.
const ROUNDS: usize = 2;

/// The range with the smallest mean squared difference between the values and their levels.
pub(super) fn range(histogram: &Histogram) -> (f64, f64) {
    let (whole_low, whole_high) = (f64::from(histogram.low), f64::from(histogram.high));
    let (mut low, mut high) = (whole_low, whole_high);
    for _ in 0..ROUNDS {
        high = best(whole_high, |high| error(histogram, low, high));
        low = best(whole_low, |low| error(histogram, low, high));
    }
    (low, high)
}

/// The part of `whole` with the smallest error; the largest of several equal ones.
fn best(whole: f64, error: impl Fn(f64) -> f64) -> f64 {
    if whole == 0.0 {
        return whole;
    }
    let mut best = (f64::INFINITY, whole);
    for step in (1..=STEPS).rev() {
        let part = whole * step as f64 / STEPS as f64;
        let error = error(part);
        if error < best.0 {
            best = (error, part);
        }
    }
    best.1
}

/// Sum of squared differences, with each value taken to be the middle of its bin.
pub(super) fn error(histogram: &Histogram, low: f64, high: f64) -> f64 {
    let Scale { scale, zero_point } = Scale::spanning(low, high);
    let (scale, zero) = (f64::from(scale), f64::from(zero_point));
    let bins = histogram.counts.iter().enumerate();
    bins.filter(|(_, count)| **count > 0)
        .map(|(bin, count)| {
            let value = histogram.centre(bin);
            let level = (value / scale + zero).round().clamp(0.0, 255.0);
            let difference = (level - zero) * scale - value;
            *count as f64 * difference * difference
        })
        .sum()
}
