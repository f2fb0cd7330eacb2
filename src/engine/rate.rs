//! How fast a queue is worked off, as measured lately.

use std::time::Duration;

/// What was served counts the less, the more work has been done since: by a factor of e after this much.
const MEMORY: Duration = Duration::from_secs(2);

/// A time that is longer than expected by more than this factor counts as one that is by just this.
const OUTLIER: u32 = 50;

/// Shorter times are never outliers: among many small images there may be a large one.
const LONG: Duration = Duration::from_secs(3);

/// Items a second that a taker serves while it has something to do. Idle time does not count: it
/// says how much came, not how much could be done.
#[derive(Debug, Default)]
pub struct Rate {
    items: f64,
    seconds: f64,
    /// Whether nothing has been measured yet, and this is what to expect.
    is_guess: bool,
}

impl Rate {
    /// What to expect until something is measured. The shortest of several guesses counts, since each is made while
    /// much else starts.
    pub fn guess(&mut self, one: Duration) {
        let is_known = self.items > 0.0;
        if is_known && (!self.is_guess || self.seconds <= one.as_secs_f64()) {
            return;
        }
        *self = Self {
            items: 1.0,
            seconds: one.as_secs_f64(),
            is_guess: true,
        };
    }

    /// Notes that a taker served some items in this time.
    pub fn note(&mut self, items: usize, took: Duration) {
        if self.is_guess {
            *self = Self::default();
        }
        let took = match self.seconds > 0.0 {
            // A process that was stopped, or a machine that slept, did not work all the while.
            true => took.min(self.wait(items, 1).saturating_mul(OUTLIER).max(LONG)),
            false => took,
        };
        let kept = (-took.as_secs_f64() / MEMORY.as_secs_f64()).exp();
        self.items = self.items * kept + items as f64;
        self.seconds = self.seconds * kept + took.as_secs_f64();
    }

    /// How many items a taker serves in this time, at least one. There is no limit until something is measured or
    /// guessed.
    pub fn within(&self, time: Duration) -> usize {
        match self.seconds > 0.0 {
            true => ((self.items / self.seconds * time.as_secs_f64()) as usize).max(1),
            false => usize::MAX,
        }
    }

    /// How long these items will take this many takers; no time until something is measured or guessed.
    pub fn wait(&self, items: usize, takers: usize) -> Duration {
        let seconds = self.seconds / self.items * items as f64 / takers.max(1) as f64;
        Duration::try_from_secs_f64(seconds).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_wait_is_what_waits_divided_by_the_rate_of_all_takers() {
        let mut rate = Rate::default();
        assert_eq!(rate.wait(1000, 2), Duration::ZERO);
        assert_eq!(rate.within(SECOND), usize::MAX);
        rate.guess(SECOND);
        assert_eq!(rate.wait(4, 2), 2 * SECOND);
        rate.note(20, SECOND);
        assert_eq!(rate.wait(100, 2).as_millis(), 2500);
        assert_eq!(rate.wait(0, 2), Duration::ZERO);
        assert_eq!(rate.within(SECOND / 4), 5);
        assert_eq!(rate.within(SECOND / 1000), 1);
    }

    #[test]
    fn the_shortest_guess_holds_until_something_was_measured() {
        let mut rate = Rate::default();
        for seconds in [3, 2, 4] {
            rate.guess(seconds * SECOND);
        }
        assert_eq!(rate.wait(1, 1), 2 * SECOND);
        rate.note(1, 5 * SECOND);
        rate.guess(SECOND);
        assert_eq!(rate.wait(1, 1), 5 * SECOND);
    }

    #[test]
    fn the_rate_follows_what_is_measured_within_seconds_of_work() {
        let mut rate = Rate::default();
        rate.note(1000, SECOND);
        (0..100).for_each(|_| rate.note(1, SECOND / 10));
        let wait = rate.wait(10, 1).as_secs_f64();
        assert!((0.5..1.0).contains(&wait), "{wait}");
        let mut stopped = Rate::default();
        stopped.note(10, SECOND / 10);
        stopped.note(1, 100 * SECOND);
        assert!(stopped.wait(1, 1) < 2 * SECOND);
        // But work may really have become slower.
        (0..4).for_each(|_| stopped.note(1, 100 * SECOND));
        assert!(stopped.wait(1, 1) > 90 * SECOND);
        // One outlier among much work hardly moves it.
        (0..1000).for_each(|_| rate.note(1, SECOND / 100));
        rate.note(1, SECOND / 5);
        let wait = rate.wait(100, 1).as_secs_f64();
        assert!((1.0..1.3).contains(&wait), "{wait}");
    }
}
