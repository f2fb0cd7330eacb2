use super::Histogram;

/// The range that leaves out, at each end that is not 0, the share of values beyond the percentile, to within the
/// width of a bin.
pub(super) fn range(histogram: &Histogram, percentile: f64) -> (f64, f64) {
    let total: u64 = histogram.counts.iter().sum();
    // A little is added, since 100 − 99.9 is a little less than 0.1 in binary.
    let outside = (total as f64 * (100.0 - percentile) / 100.0 + 1e-6) as u64;
    let bins = histogram.counts.len();
    let beyond = |order: &mut dyn Iterator<Item = usize>| {
        let mut seen = 0;
        order
            .take_while(|&bin| {
                seen += histogram.counts[bin];
                seen <= outside
            })
            .count()
    };
    let low = histogram.edge(beyond(&mut (0..bins)));
    let high = histogram.edge(bins - beyond(&mut (0..bins).rev()));
    (low.min(0.0), high.max(0.0))
}
