//! How much the log says about refusals. A line for each would let any client fill the disk, push out of a
//! container's log what matters there, and cost as much as the refusal itself.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::problem::Problem;

/// The least time between two lines about refusals under load.
pub const EVERY: Duration = Duration::from_secs(10);

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
    /// Counts a refusal with this status and detail, and what the log says about it. `by_request`: the client's own
    /// deadline or the like is the reason, so that nothing has to be mended here.
    pub fn said(&self, status: u16, by_request: bool, detail: &str) -> Said {
        match (status, by_request) {
            (500, _) => Said::Fault,
            (429, false) => {
                self.overload.note();
                self.say_overload(EVERY, detail);
                Said::Quietly
            }
            _ => match self.line() {
                None => Said::Quietly,
                Some(line) if status == 504 && !by_request => Said::Late(line),
                Some(line) => Said::Refused(line),
            },
        }
    }

    /// Logs that a file of a form was refused, whose other files were not all: the request has another answer.
    pub fn note_file(&self, problem: &Problem) {
        let (status, detail) = (problem.status().as_u16(), problem.detail());
        match self.said(status, problem.is_by_request(), detail) {
            // It has a line of its own, with the reason.
            Said::Fault => {}
            Said::Late(Line { unsaid }) => {
                tracing::warn!(status, detail, unsaid, "too late for a file of a form");
            }
            Said::Refused(Line { unsaid }) => {
                tracing::info!(status, detail, unsaid, "refused a file of a form");
            }
            Said::Quietly => tracing::debug!(status, detail, "refused a file of a form"),
        }
    }

    /// Says what has not been said so far, unless a line about that was written less than `after` ago: perhaps no
    /// other refusal follows that would say it.
    pub fn say_rest(&self, after: Duration) {
        self.say_overload(after, "");
        let unsaid = self.others.rest(self.start.elapsed(), after);
        if unsaid > 0 {
            tracing::info!(unsaid, "refused others, of which the log says no more");
        }
    }

    fn say_overload(&self, after: Duration, detail: &str) {
        if let Some((refused, in_seconds)) = self.overload.due(self.start.elapsed(), after) {
            let detail = (!detail.is_empty()).then_some(detail);
            tracing::warn!(
                refused,
                in_seconds,
                detail,
                "more requests, or files in forms, come than can be answered"
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

/// What the log says about a refusal.
pub enum Said {
    /// An error: the server's own fault.
    Fault,
    /// A warning: the server was too slow.
    Late(Line),
    /// For information.
    Refused(Line),
    /// Nothing unless asked for: it is counted among others.
    Quietly,
}

/// A line of the log.
pub struct Line {
    /// How many had no line since the last one, if any.
    pub unsaid: Option<u64>,
}

/// A number that is logged now and then.
#[derive(Default)]
struct Summary {
    /// When the last line was written, in milliseconds from the start, plus one; 0 before the first.
    last_line: AtomicU64,
    unsaid: AtomicU64,
}

impl Summary {
    fn note(&self) {
        self.unsaid.fetch_add(1, Ordering::Relaxed);
    }

    /// How many refusals a line is about, and of how many seconds, if there are any and the last line was written at
    /// least `after` ago.
    fn due(&self, now: Duration, after: Duration) -> Option<(u64, u64)> {
        let milliseconds = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let now = milliseconds(now);
        let last = self.last_line.load(Ordering::Relaxed);
        let since = now.saturating_sub(last.saturating_sub(1));
        let is_due = last == 0 || since >= milliseconds(after);
        if !is_due || self.unsaid.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let (order, now) = (Ordering::Relaxed, now.saturating_add(1));
        let mine = self.last_line.compare_exchange(last, now, order, order);
        let refused = mine.ok().map(|_| self.unsaid.swap(0, Ordering::Relaxed))?;
        (refused > 0).then_some((refused, since / 1000))
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

    /// How many had no line since the last that had one, unless there were others less than `after` ago; they are not
    /// counted again.
    fn rest(&self, now: Duration, after: Duration) -> u64 {
        let last = Duration::from_secs(self.second.load(Ordering::Relaxed));
        match now.saturating_sub(last) >= after {
            true => self.unsaid.swap(0, Ordering::Relaxed),
            false => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn of_refusals_under_load_the_first_is_said_at_once_and_the_others_together_later() {
        let overload = Summary::default();
        let at = |seconds| {
            overload.note();
            overload.due(Duration::from_secs(seconds), EVERY)
        };
        assert_eq!(at(3), Some((1, 3)));
        (0..40).for_each(|n| assert_eq!(at(4 + n / 10), None));
        assert_eq!(at(14), Some((41, 11)));
        assert_eq!(at(15), None);
        assert_eq!(at(99), Some((2, 85)));
    }

    #[test]
    fn what_no_other_refusal_follows_is_said_later_or_at_the_end() {
        let overload = Summary::default();
        let due = |seconds, after| overload.due(Duration::from_secs(seconds), after);
        assert_eq!(due(1, EVERY), None, "there was none");
        for _ in 0..3 {
            overload.note();
        }
        assert_eq!(due(2, EVERY), Some((3, 2)));
        overload.note();
        assert_eq!(due(5, EVERY), None);
        assert_eq!(due(13, EVERY), Some((1, 11)));
        overload.note();
        assert_eq!(due(14, Duration::ZERO), Some((1, 1)));
        assert_eq!(due(15, Duration::ZERO), None);

        let others = Budget::default();
        (0..LINES_A_SECOND + 5).for_each(|_| assert!(others.line(SECOND) != Some(1)));
        let rest = |now| others.rest(now, EVERY);
        assert_eq!([2, 20, 21].map(|seconds| rest(seconds * SECOND)), [0, 5, 0]);
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
