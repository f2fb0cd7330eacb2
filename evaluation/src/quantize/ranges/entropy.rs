use super::Histogram;

/// How many ranges are tried, as parts of the whole one.
const STEPS: usize = 128;
/// Levels that the values are rounded to.
const LEVELS: usize = 256;
/// Stands for a count of 0, whose logarithm does not exist.
const TRACE: f64 = 1e-4;

/// The range in which the rounded values are distributed most like the values themselves, in the manner of TensorRT
/// ("8-bit inference with TensorRT", Migacz, 2017): values outside the range count at its ends in the one
/// distribution, and are missing from the other. Zeros do not count: they are a level of every range, and after a
/// ReLU they are half of all values.
pub(super) fn range(histogram: &Histogram) -> (f64, f64) {
    let (low, high) = (f64::from(histogram.low), f64::from(histogram.high));
    let widest = high.max(-low);
    let histogram = &without_zero(histogram);
    let mut best = (f64::INFINITY, (low, high));
    for step in (1..=STEPS).rev() {
        let end = widest * step as f64 / STEPS as f64;
        let (low, high) = (low.max(-end), high.min(end));
        if let Some(divergence) = divergence(histogram, low, high)
            && divergence < best.0
        {
            best = (divergence, (low, high));
        }
    }
    best.1
}

fn without_zero(histogram: &Histogram) -> Histogram {
    let mut others = histogram.clone();
    let zero = (f64::from(-histogram.low) / histogram.width()) as usize;
    let last = others.counts.len() - 1;
    others.counts[zero.min(last)] = 0;
    others
}

/// The Kullback–Leibler divergence that rounding causes; `None` if the range has fewer bins than there are levels, so
/// that nothing is rounded.
pub(super) fn divergence(histogram: &Histogram, low: f64, high: f64) -> Option<f64> {
    let inside = |bin: &usize| (low..=high).contains(&histogram.centre(*bin));
    let first = (0..histogram.counts.len()).find(inside)?;
    let last = (0..histogram.counts.len()).rfind(inside)?;
    let counts = &histogram.counts[first..=last];
    if counts.len() < LEVELS {
        return None;
    }
    let mut seen: Vec<f64> = counts.iter().map(|&count| count as f64).collect();
    let rounded = rounded(counts, &{
        let mut occupied: Vec<bool> = counts.iter().map(|&count| count > 0).collect();
        let before: u64 = histogram.counts[..first].iter().sum();
        let after: u64 = histogram.counts[last + 1..].iter().sum();
        seen[0] += before as f64;
        occupied[0] |= before > 0;
        if let (Some(seen), Some(occupied)) = (seen.last_mut(), occupied.last_mut()) {
            *seen += after as f64;
            *occupied |= after > 0;
        }
        occupied
    });
    let (all, kept): (f64, f64) = (seen.iter().sum(), rounded.iter().sum());
    if kept == 0.0 {
        return None;
    }
    let terms = seen.iter().zip(&rounded).filter(|(seen, _)| **seen > 0.0);
    Some(
        terms
            .map(|(seen, rounded)| {
                let (p, q) = (seen / all, (rounded / kept).max(TRACE / all));
                p * (p / q).ln()
            })
            .sum(),
    )
}

/// The counts after rounding: a level's counts, spread evenly over those of its bins that have any.
fn rounded(counts: &[u64], occupied: &[bool]) -> Vec<f64> {
    let mut rounded = vec![0.0; counts.len()];
    for level in 0..LEVELS {
        let bins = level * counts.len() / LEVELS..(level + 1) * counts.len() / LEVELS;
        let sum: u64 = counts[bins.clone()].iter().sum();
        let share = occupied[bins.clone()].iter().filter(|has| **has).count();
        for bin in bins {
            if occupied[bin] {
                rounded[bin] = sum as f64 / share as f64;
            }
        }
    }
    rounded
}
