//! How much the log says about refusals. A line for each would let any client fill the disk, push out of a
//! container's log what matters there, and cost as much as the refusal itself.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The least time between two lines about refusals under load.
const EVERY: Duration = Duration::from_secs(10);

/// The most lines a second about all others: a person who tries something sees what comes of it.
const LINES_A_SECOND: u64 = 10;

/// The refusals that the log has said nothing about.
pub struct Refusals {
    start: Instant,
    overload: Summary,
    others: Budget,
}

impl Default for Refusals {
    fn default() -> Self {
        Self {
            start: Instant::now(),
            overload: Summary::default(),
            others: Budget::default(),
        }
    }
}

impl Refusals {
    /// Counts one more request that was turned away under load, with what it was told.
    pub fn note(&self, detail: &str) {
        if let Some((refused, in_seconds)) = self.overload.due(self.start.elapsed()) {
            tracing::warn!(
                refused,
                in_seconds,
                detail,
                "more requests come than can be answered"
            );
        }
    }

    /// The line for another refusal, if it gets one of its own.
    pub fn line(&self) -> Option<Line> {
        let unsaid = self.others.line(self.start.elapsed())?;
        Some(Line {
            unsaid: (unsaid > 0).then_some(unsaid),
        })
    }
}

/// A line of the log.
pub struct Line {
    /// How many had no line since the last one, if any.
    pub unsaid: Option<u64>,
}

/// A number that is logged now and then.
#[derive(Default)]
struct Summary {
    /// When the next line is due, in milliseconds from the start.
    next_line: AtomicU64,
    unsaid: AtomicU64,
}

impl Summary {
    /// How many refusals a line is about, and of how many seconds, if one is due.
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

/// A number of lines for each second.
#[derive(Default)]
struct Budget {
    second: AtomicU64,
    said: AtomicU64,
    unsaid: AtomicU64,
}

impl Budget {
    /// How many had no line since the last that had one, if the next gets one.
    fn line(&self, now: Duration) -> Option<u64> {
        // If two threads meet at the turn of a second, a line more or less does no harm.
        if self.second.swap(now.as_secs(), Ordering::Relaxed) != now.as_secs() {
            self.said.store(0, Ordering::Relaxed);
        }
        if self.said.fetch_add(1, Ordering::Relaxed) < LINES_A_SECOND {
            return Some(self.unsaid.swap(0, Ordering::Relaxed));
        }
        self.unsaid.fetch_add(1, Ordering::Relaxed);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn of_refusals_under_load_the_first_is_said_at_once_and_the_others_together_later() {
        let overload = Summary::default();
        let at = Duration::from_secs;
        assert_eq!(overload.due(at(3)), Some((1, 3)));
        (0..40).for_each(|n| assert_eq!(overload.due(at(4 + n / 10)), None));
        assert_eq!(overload.due(at(14)), Some((41, 11)));
        assert_eq!(overload.due(at(15)), None);
        assert_eq!(overload.due(at(99)), Some((2, 85)));
    }

    #[test]
    fn of_a_flood_of_others_some_have_a_line_each_second_and_the_rest_is_counted() {
        let others = Budget::default();
        for second in 0..3 {
            let lines: Vec<_> = (0..100).map(|_| others.line(second * SECOND)).collect();
            let (said, unsaid) = lines.split_at(LINES_A_SECOND as usize);
            let before = if second == 0 { 0 } else { 90 };
            assert_eq!(said[0], Some(before), "{second}");
            assert!(said[1..].iter().all(|line| *line == Some(0)));
            assert!(unsaid.iter().all(Option::is_none));
        }
        assert_eq!(others.line(60 * SECOND), Some(90));
    }
}
