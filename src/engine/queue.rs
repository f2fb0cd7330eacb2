//! A bounded queue between threads, from which a taker gets all that is there.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::rate::Rate;

/// First in, first out, with a capacity and an end.
pub struct Queue<T> {
    state: Mutex<State<T>>,
    arrived: Condvar,
    left: Condvar,
    capacity: usize,
    takers: usize,
    window: Duration,
}

struct State<T> {
    items: VecDeque<T>,
    /// Takers that have nothing to do.
    idle: usize,
    /// Givers that wait for room. It is theirs: else a stream of others would starve them.
    promised: usize,
    /// Items that were taken and are not served yet.
    taken: usize,
    rate: Rate,
    closed: bool,
}

/// Why an item was not taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// As many items as may wait are waiting: for this long, by the rate measured lately.
    Full(Duration),
    /// What waits already will take this long, and the item cannot wait so long.
    TooSlow(Duration),
    /// The queue takes nothing more.
    Closed,
}

impl<T> Queue<T> {
    /// An empty queue for at most `capacity` items, worked off by `takers` threads.
    pub fn new(capacity: usize, takers: usize) -> Self {
        Self {
            state: Mutex::new(State {
                items: VecDeque::new(),
                idle: 0,
                promised: 0,
                taken: 0,
                rate: Rate::default(),
                closed: false,
            }),
            arrived: Condvar::new(),
            left: Condvar::new(),
            capacity,
            takers,
            window: Duration::ZERO,
        }
    }

    /// The same queue, whose takers wait so long for more once something is there.
    pub fn with_window(self, window: Duration) -> Self {
        Self { window, ..self }
    }

    /// Whether an item that can wait this long would be taken in now.
    pub fn has_room(&self, patience: Duration) -> Result<(), Refused> {
        self.room(&self.lock(), patience)
    }

    /// Adds an item that can wait this long, or gives it back.
    pub fn push(&self, item: T, patience: Duration) -> Result<(), (Refused, T)> {
        let mut state = self.lock();
        if let Err(refused) = self.room(&state, patience) {
            return Err((refused, item));
        }
        state.items.push_back(item);
        drop(state);
        self.arrived.notify_one();
        Ok(())
    }

    /// Adds an item as soon as there is room. A closed queue drops it.
    pub fn push_when_room(&self, item: T) {
        let full = |state: &mut State<T>| state.items.len() >= self.capacity && !state.closed;
        let mut state = self.lock();
        state.promised += 1;
        let mut state = self
            .left
            .wait_while(state, full)
            .unwrap_or_else(PoisonError::into_inner);
        state.promised -= 1;
        if !state.closed {
            state.items.push_back(item);
            drop(state);
            self.arrived.notify_one();
        }
    }

    /// Waits until something is there, and moves this taker's share of it, at most `most` items,
    /// into `taken`. False when the queue is closed and empty.
    ///
    /// The share is all there is where every other taker is busy; idle takers get an equal part,
    /// since two half batches on two threads are done sooner than a whole one on one.
    pub fn take(&self, most: usize, taken: &mut Vec<T>) -> bool {
        let mut state = self.lock();
        state.idle += 1;
        let mut has_waited = self.window.is_zero();
        while !state.closed {
            if state.items.is_empty() {
                state = self
                    .arrived
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner);
            } else if has_waited || state.items.len() >= most {
                break;
            } else {
                // Another taker may take it all meanwhile.
                state = self.wait_for_more(state, most);
                has_waited = true;
            }
        }
        let share = state.items.len().div_ceil(state.idle).min(most);
        state.idle -= 1;
        state.taken += share;
        taken.extend(state.items.drain(..share));
        let more = !state.items.is_empty();
        drop(state);
        if more {
            self.arrived.notify_one();
        }
        self.left.notify_all();
        share > 0
    }

    fn wait_for_more<'a>(
        &'a self,
        state: MutexGuard<'a, State<T>>,
        most: usize,
    ) -> MutexGuard<'a, State<T>> {
        let too_few = |state: &mut State<T>| state.items.len() < most && !state.closed;
        let waited = self.arrived.wait_timeout_while(state, self.window, too_few);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// Notes that a taker served this many items in this time.
    pub fn served(&self, items: usize, took: Duration) {
        let mut state = self.lock();
        state.taken = state.taken.saturating_sub(items);
        state.rate.note(items, took);
    }

    /// How long what is there will take, by the rate measured lately.
    pub fn wait(&self) -> Duration {
        self.expected(&self.lock())
    }

    /// Takes nothing more in; what is there can still be taken.
    pub fn close(&self) {
        self.lock().closed = true;
        self.arrived.notify_all();
        self.left.notify_all();
    }

    /// How many items are waiting.
    pub fn len(&self) -> usize {
        self.lock().items.len()
    }

    fn room(&self, state: &State<T>, patience: Duration) -> Result<(), Refused> {
        if state.closed {
            return Err(Refused::Closed);
        }
        let wait = self.expected(state);
        if state.items.len() + state.promised >= self.capacity {
            return Err(Refused::Full(wait));
        }
        // Half, since it takes its own time too, and the rate is of the past. A shorter queue costs
        // nothing as long as there is one; an answer that comes too late costs another.
        if !state.items.is_empty() && wait > patience / 2 {
            return Err(Refused::TooSlow(wait));
        }
        Ok(())
    }

    fn expected(&self, state: &State<T>) -> Duration {
        let items = state.items.len() + state.promised + state.taken;
        state.rate.wait(items, self.takers)
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // No code of ours can panic while it holds the lock; if it did, the state would be whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::thread;

    const LONG: Duration = Duration::from_secs(9);

    fn filled(capacity: usize, items: std::ops::Range<u32>) -> Queue<u32> {
        let queue = Queue::new(capacity, 1);
        items.for_each(|item| queue.push(item, LONG).unwrap());
        queue
    }

    #[test]
    fn a_taker_gets_all_that_is_there_in_order_up_to_its_most() {
        let queue = filled(8, 0..5);
        let mut taken = Vec::new();
        assert!(queue.take(3, &mut taken));
        assert_eq!(taken, [0, 1, 2]);
        taken.clear();
        assert!(queue.take(3, &mut taken));
        assert_eq!(taken, [3, 4]);
    }

    #[test]
    fn with_a_window_a_taker_waits_for_a_full_batch_and_takes_less_when_it_is_over() {
        let queue = Arc::new(Queue::new(8, 1).with_window(Duration::from_secs(20)));
        let taker = thread::spawn({
            let queue = Arc::clone(&queue);
            move || {
                let mut taken = Vec::new();
                queue.take(3, &mut taken);
                taken
            }
        });
        for item in 0..3 {
            queue.push(item, LONG).unwrap();
            thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(taker.join().unwrap(), [0, 1, 2]);

        let queue = filled(8, 0..1).with_window(Duration::from_millis(5));
        let mut taken = Vec::new();
        assert!(queue.take(3, &mut taken));
        assert_eq!(taken, [0]);
    }

    #[test]
    fn idle_takers_share_what_is_there() {
        let queue = filled(8, 0..6);
        queue.lock().idle = 1;
        let mut taken = Vec::new();
        assert!(queue.take(16, &mut taken));
        assert_eq!(taken, [0, 1, 2]);
    }

    #[test]
    fn a_full_queue_refuses_and_a_closed_one_gives_up_what_it_holds_first() {
        let queue = filled(2, 0..2);
        assert_eq!(queue.push(2, LONG), Err((Refused::Full(Duration::ZERO), 2)));
        queue.close();
        assert_eq!(queue.push(2, LONG), Err((Refused::Closed, 2)));
        let mut taken = Vec::new();
        assert!(queue.take(16, &mut taken));
        assert_eq!(taken, [0, 1]);
        assert!(!queue.take(16, &mut taken));
    }

    #[test]
    fn what_would_wait_longer_than_it_can_is_refused_with_how_long_that_is() {
        let queue = filled(8, 0..4);
        let second = Duration::from_secs(1);
        queue.served(2, second);
        assert_eq!(queue.wait(), 2 * second);
        assert_eq!(
            queue.has_room(3 * second),
            Err(Refused::TooSlow(2 * second))
        );
        assert_eq!(queue.push(4, 4 * second), Ok(()));
        queue.take(9, &mut Vec::new());
        // They are worked on, and nothing waits.
        assert_eq!(queue.wait(), 2 * second + second / 2);
        assert_eq!(queue.has_room(Duration::ZERO), Ok(()));
        queue.served(5, 5 * second / 2);
        assert_eq!(queue.wait(), Duration::ZERO);
    }

    #[test]
    fn whoever_waits_for_room_is_let_in_first_when_something_leaves() {
        let queue = Arc::new(filled(1, 0..1));
        let waiting = thread::spawn({
            let queue = Arc::clone(&queue);
            move || queue.push_when_room(1)
        });
        while queue.lock().promised == 0 {
            thread::yield_now();
        }
        assert_eq!(queue.len(), 1);
        let mut taken = Vec::new();
        queue.take(1, &mut taken);
        assert_eq!(queue.push(2, LONG), Err((Refused::Full(Duration::ZERO), 2)));
        waiting.join().unwrap();
        queue.take(1, &mut taken);
        assert_eq!(taken, [0, 1]);
    }

    #[test]
    fn closing_wakes_everybody() {
        let queue = Arc::new(filled(1, 0..1));
        let pusher = thread::spawn({
            let queue = Arc::clone(&queue);
            move || queue.push_when_room(1)
        });
        while queue.lock().promised == 0 {
            thread::yield_now();
        }
        queue.close();
        pusher.join().unwrap();
        assert!(queue.take(9, &mut Vec::new()));
        assert!(!queue.take(9, &mut Vec::new()));
    }
}
