//! A pause for the thread that reads requests, while more of them come than can be answered.
//!
//! Then the workers have all the work that they can do, and waking up for every single request of a flood, only to
//! refuse it, takes processor time from them: on one processor, 12 to 16 % at ten times what it can do. When the
//! thread has refused a request, it lets some more come, and refuses those together.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

/// The longest pause: each step of the thread comes that much later at most.
const LONGEST: Duration = Duration::from_millis(20);

/// How many times as long what is queued lasts: if that is several batches, no worker runs out of work meanwhile.
const PART: u32 = 8;

/// A pause that is due.
#[derive(Default)]
pub struct Pause {
    microseconds: AtomicU64,
}

impl Pause {
    /// A request was refused, and what is queued lasts this long.
    pub fn is_due(&self, queue_lasts: Duration) {
        let pause = (queue_lasts / PART).min(LONGEST).as_micros() as u64;
        self.microseconds.store(pause, Ordering::Relaxed);
    }

    /// How long it will be.
    pub fn length(&self) -> Duration {
        Duration::from_micros(self.microseconds.load(Ordering::Relaxed))
    }

    /// Takes the pause, if one is due. For when the thread has nothing left to do.
    pub fn take(&self) {
        let pause = self.length();
        if !pause.is_zero() {
            self.is_due(Duration::ZERO);
            thread::sleep(pause);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn a_pause_is_taken_once_and_is_no_longer_than_a_part_of_what_is_queued() {
        let pause = Pause::default();
        let due = |queue_lasts| {
            pause.is_due(Duration::from_millis(queue_lasts));
            pause.length().as_micros()
        };
        assert_eq!([due(0), due(4), due(4000)], [0, 500, 20_000]);
        let started = Instant::now();
        pause.take();
        assert!(started.elapsed() >= LONGEST);
        assert!(pause.length().is_zero());
    }
}
