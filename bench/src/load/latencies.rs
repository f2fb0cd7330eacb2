use std::time::Duration;

/// A tenth of a microsecond: decoding a small image takes a hundred of them.
const UNIT_NS: u128 = 100;

/// All latencies of a measurement, at four bytes each, so that percentiles are exact. A histogram would need more
/// memory unless there were many thousands.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Latencies {
    units: Vec<u32>,
}

impl Latencies {
    /// Adds a latency.
    pub fn record(&mut self, latency: Duration) {
        // Anything over seven minutes counts as seven minutes.
        let units = u32::try_from(latency.as_nanos() / UNIT_NS).unwrap_or(u32::MAX);
        self.units.push(units);
    }

    /// Adds those of another round.
    pub fn merge(&mut self, other: &Self) {
        self.units.extend_from_slice(&other.units);
    }

    /// How many latencies there are.
    pub fn count(&self) -> u64 {
        self.units.len() as u64
    }

    /// The smallest latency, in milliseconds, that a share `quantile` does not exceed; `None` if there are no
    /// latencies.
    pub fn quantile_ms(&self, quantile: f64) -> Option<f64> {
        let mut units = self.units.clone();
        let rank = (quantile * units.len() as f64).ceil() as usize;
        let index = rank.max(1).min(units.len()).checked_sub(1)?;
        let (_, value, _) = units.select_nth_unstable(index);
        Some(f64::from(*value) * UNIT_NS as f64 / 1e6)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(micros: impl IntoIterator<Item = u64>) -> Latencies {
        let mut latencies = Latencies::default();
        for micros in micros {
            latencies.record(Duration::from_micros(micros));
        }
        latencies
    }

    #[test]
    fn a_quantile_is_a_latency_that_occurred() {
        let latencies = of((1..=1000).rev());
        assert_eq!(latencies.quantile_ms(0.5), Some(0.5));
        assert_eq!(latencies.quantile_ms(0.99), Some(0.99));
        assert_eq!(latencies.quantile_ms(0.9901), Some(0.991));
        assert_eq!(latencies.quantile_ms(1.0), Some(1.0));
        assert_eq!(latencies.quantile_ms(0.0), Some(0.001));
    }

    #[test]
    fn rounds_are_merged_by_their_latencies_and_not_by_their_percentiles() {
        let mut slow = of([9000]);
        slow.merge(&of([1000; 99]));
        assert_eq!(slow.count(), 100);
        assert_eq!(slow.quantile_ms(0.99), Some(1.0));
        assert_eq!(slow.quantile_ms(0.995), Some(9.0));
    }

    #[test]
    fn without_answers_there_is_no_latency() {
        assert_eq!(Latencies::default().quantile_ms(0.5), None);
    }

    #[test]
    fn an_endless_latency_is_the_largest_that_fits() {
        assert!(of([u64::MAX]).quantile_ms(0.5).unwrap() > 420_000.0);
    }
}
