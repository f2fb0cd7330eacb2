//! Since when each worker has been working on what it took. A driver or a kernel can hang, and a worker with it: then
//! nothing fails, nothing is logged, and only the clock tells.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

/// No batch takes this long, not even one of a heavy model on a fraction of a processor.
const LONGEST: Duration = Duration::from_secs(60);

const IDLE: i64 = i64::MAX;

/// The workers' clocks.
pub struct AtWork {
    start: Instant,
    /// When each worker began, in milliseconds from the start; or `IDLE`.
    since: Box<[AtomicI64]>,
}

impl AtWork {
    /// Clocks for this many workers, none of which is at work.
    pub fn new(workers: usize) -> Self {
        Self {
            start: Instant::now(),
            since: (0..workers).map(|_| AtomicI64::new(IDLE)).collect(),
        }
    }

    /// The worker begins.
    pub fn begin(&self, worker: usize) {
        self.set(worker, self.now());
    }

    /// The worker is done.
    pub fn end(&self, worker: usize) {
        self.set(worker, IDLE);
    }

    /// How long the worker that hangs has been at work, if one hangs. With a long deadline, a batch may take long,
    /// too.
    pub fn hangs(&self, deadline: Duration) -> Option<Duration> {
        let first = self.since.iter().map(|since| since.load(Ordering::Relaxed));
        let longest = self.now().saturating_sub(first.min()?);
        let longest = Duration::from_millis(longest.try_into().unwrap_or_default());
        (longest > LONGEST.max(2 * deadline)).then_some(longest)
    }

    /// As if the worker had begun that long ago.
    #[cfg(test)]
    pub fn began(&self, worker: usize, ago: Duration) {
        self.set(worker, self.now() - ago.as_millis() as i64);
    }

    fn set(&self, worker: usize, since: i64) {
        if let Some(clock) = self.since.get(worker) {
            clock.store(since, Ordering::Relaxed);
        }
    }

    fn now(&self) -> i64 {
        self.start.elapsed().as_millis().try_into().unwrap_or(IDLE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_worker_hangs_that_is_at_one_batch_for_longer_than_any_takes() {
        let at_work = AtWork::new(2);
        assert_eq!(at_work.hangs(SECOND), None);
        at_work.begin(0);
        at_work.began(1, 50 * SECOND);
        assert_eq!(at_work.hangs(SECOND), None);
        at_work.began(1, 61 * SECOND);
        assert_eq!(at_work.hangs(SECOND).unwrap().as_secs(), 61);
        assert_eq!(at_work.hangs(60 * SECOND), None);
        at_work.end(1);
        assert_eq!(at_work.hangs(SECOND), None);
    }
}
