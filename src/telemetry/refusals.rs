//! What the log says of refusals under load: their number now and then. A line for each would fill
//! the disk when the server has least time for it, and cost as much as the refusal itself.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// At most one line in this time.
const EVERY: Duration = Duration::from_secs(10);

/// Requests refused since the log last spoke of them.
pub struct Refusals {
    start: Instant,
    /// In milliseconds from the start.
    next_line: AtomicU64,
    unsaid: AtomicU64,
}

impl Default for Refusals {
    fn default() -> Self {
        Self {
            start: Instant::now(),
            next_line: AtomicU64::new(0),
            unsaid: AtomicU64::new(0),
        }
    }
}

impl Refusals {
    /// Counts one more, with what it was told.
    pub fn note(&self, detail: &str) {
        if let Some((refused, in_seconds)) = self.due(self.start.elapsed()) {
            tracing::warn!(refused, in_seconds, detail, "more comes than can be done");
        }
    }

    /// How many to speak of and since when, in seconds, where it is time to.
    fn due(&self, now: Duration) -> Option<(u64, u64)> {
        self.unsaid.fetch_add(1, Ordering::Relaxed);
        let now = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
        let next = self.next_line.load(Ordering::Relaxed);
        let later = now.saturating_add(EVERY.as_millis() as u64);
        let order = Ordering::Relaxed;
        let mine = now >= next
            && self
                .next_line
                .compare_exchange(next, later, order, order)
                .is_ok();
        let since = now.saturating_sub(next.saturating_sub(EVERY.as_millis() as u64));
        mine.then(|| (self.unsaid.swap(0, Ordering::Relaxed), since / 1000))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_said_at_once_and_the_others_together_later() {
        let refusals = Refusals::default();
        let at = Duration::from_secs;
        assert_eq!(refusals.due(at(3)), Some((1, 3)));
        (0..40).for_each(|n| assert_eq!(refusals.due(at(4 + n / 10)), None));
        assert_eq!(refusals.due(at(14)), Some((41, 11)));
        assert_eq!(refusals.due(at(15)), None);
        assert_eq!(refusals.due(at(99)), Some((2, 85)));
    }
}
