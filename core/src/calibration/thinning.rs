//! Keeps at most 10,000 of any number of sorted scores, and counts with what was kept.

/// How many scores a model file keeps: 1/10,000 is finer than any decision made on a p-value.
const MAX_KEPT: usize = 10_000;

/// Evenly spaced order statistics of ascending scores, the smallest and the largest included.
pub(super) fn thin(sorted: &[f32]) -> Vec<f32> {
    thin_to(MAX_KEPT, sorted)
}

/// As [`thin`], but at most `most` of them.
pub(super) fn thin_to(most: usize, sorted: &[f32]) -> Vec<f32> {
    let kept = sorted.len().min(most);
    (0..kept)
        .map(|index| sorted[rank(index, kept, sorted.len())])
        .collect()
}

/// Of `count` scores, thinned to `kept` (ascending), how many must be below `score`.
///
/// Exact if nothing was thinned out, or if `score` lies outside the range of all. Otherwise the smallest number that
/// those kept allow. All of them for NaN, which no score is at or above.
pub(super) fn count_surely_below(kept: &[f32], count: usize, score: f32) -> usize {
    let below = kept.partition_point(|&other| other < score || score.is_nan());
    match below.checked_sub(1) {
        None => 0,
        Some(_) if below == kept.len() => count,
        Some(last) => rank(last, kept.len(), count) + 1,
    }
}

/// The position, from 0, that the `index`-th of `kept` evenly spaced scores had among `count`.
fn rank(index: usize, kept: usize, count: usize) -> usize {
    let (Some(steps), Some(span)) = (kept.checked_sub(1), count.checked_sub(1)) else {
        return 0;
    };
    if steps == 0 || span == steps {
        return index;
    }
    // In 128 bits: a manifest from elsewhere may state any count.
    let scaled = (index as u128 * span as u128 + steps as u128 / 2) / steps as u128;
    scaled as usize
}
