//! A bounded queue between threads, from which a taker gets everything that is there.

use std::collections::VecDeque;
use std::hint;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::rate::Rate;

/// What a taker takes should not keep it busy for longer. A heavy model gains nothing from larger batches, but all
/// images of a batch wait for its last.
const LONGEST_BATCH: Duration = Duration::from_millis(250);

/// First in, first out, with a capacity and an end.
pub struct Queue<T> {
    state: Mutex<State<T>>,
    arrived: Condvar,
    left: Condvar,
    capacity: usize,
    takers: usize,
    window: Duration,
    lookout: Duration,
    /// Whether something is there, or the end: for the taker on the lookout, which holds no lock.
    is_filled: AtomicBool,
}

struct State<T> {
    items: VecDeque<T>,
    /// The number of takers that have nothing to do.
    idle: usize,
    /// Whether one of them is on the lookout, and sees what comes without being woken.
    is_watched: bool,
    /// The number of givers that wait for room. Room goes to them first: otherwise a stream of others would starve
    /// them.
    promised: usize,
    /// The number of items that were taken and are not served yet.
    taken: usize,
    /// Whether there was more than one item at a time since `is_quiet` last saw at most one.
    is_crowded: bool,
    rate: Rate,
    /// The end of the window that the first item in an empty queue opened; `None` if there is no window.
    ripe: Option<Instant>,
    closed: bool,
}

impl<T> State<T> {
    /// How long takers still wait for more.
    fn ripens_in(&self) -> Duration {
        match self.ripe {
            Some(ripe) => ripe.saturating_duration_since(Instant::now()),
            None => Duration::ZERO,
        }
    }

    /// How many items a taker takes at once, if it wants at most `most`.
    fn batch(&self, most: usize) -> usize {
        most.min(self.rate.within(LONGEST_BATCH))
    }
}

/// Why an item was not taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// As many items as may wait are waiting, and they will take this long, by the rate measured lately.
    Full(Duration),
    /// What waits already will take this long, and the item cannot wait that long.
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
                is_watched: false,
                promised: 0,
                taken: 0,
                is_crowded: false,
                rate: Rate::default(),
                ripe: None,
                closed: false,
            }),
            arrived: Condvar::new(),
            left: Condvar::new(),
            capacity,
            takers,
            window: Duration::ZERO,
            lookout: Duration::ZERO,
            is_filled: AtomicBool::new(false),
        }
    }

    /// The same queue, in which an item that comes when there is no other waits this long for more, or for a whole
    /// batch. What is left of a batch does not wait again.
    pub fn with_window(self, window: Duration) -> Self {
        Self { window, ..self }
    }

    /// The same queue, with one of the takers staying awake for this long after its work. Waking a sleeping thread
    /// takes some 50 µs, several times that on a virtual machine.
    pub fn with_lookout(self, lookout: Duration) -> Self {
        Self { lookout, ..self }
    }

    /// Whether an item that can wait this long would be taken in now.
    pub fn has_room(&self, patience: Duration) -> Result<(), Refused> {
        self.room(&self.lock(), patience)
    }

    /// Adds an item that can wait this long, or gives it back.
    pub fn push(&self, item: T, patience: Duration) -> Result<(), (Refused, T)> {
        let state = self.lock();
        if let Err(refused) = self.room(&state, patience) {
            return Err((refused, item));
        }
        self.add(state, item, patience);
        Ok(())
    }

    /// Drops the items at the front that are over, and returns their number. Takers skip them anyway, but until then
    /// they take places from others.
    pub fn skip(&self, is_over: impl Fn(&T) -> bool) -> usize {
        let mut state = self.lock();
        let count = state.items.iter().take_while(|item| is_over(item)).count();
        let over: Vec<T> = state.items.drain(..count).collect();
        self.is_filled
            .store(!state.items.is_empty() || state.closed, Ordering::Release);
        drop(state);
        if count > 0 {
            self.left.notify_all();
        }
        over.len()
    }

    /// Adds an item that can wait this long as soon as there is room. A closed queue drops it.
    pub fn push_when_room(&self, item: T, patience: Duration) {
        let began = Instant::now();
        let full = |state: &mut State<T>| state.items.len() >= self.capacity && !state.closed;
        let mut state = self.lock();
        state.promised += 1;
        let mut state = self
            .left
            .wait_while(state, full)
            .unwrap_or_else(PoisonError::into_inner);
        state.promised -= 1;
        if !state.closed {
            self.add(state, item, patience.saturating_sub(began.elapsed()));
        }
    }

    /// Adds an item that can wait this long. The window ends sooner if it would take more than half of that.
    fn add(&self, mut state: MutexGuard<'_, State<T>>, item: T, patience: Duration) {
        if !self.window.is_zero() {
            let ripe = Instant::now().checked_add(self.window.min(patience / 2));
            state.ripe = match state.items.is_empty() {
                true => ripe,
                false => state.ripe.min(ripe),
            };
        }
        state.items.push_back(item);
        state.is_crowded |= state.items.len() + state.taken > 1;
        self.is_filled.store(true, Ordering::Release);
        let is_watched = state.is_watched;
        drop(state);
        if !is_watched {
            self.arrived.notify_one();
        }
    }

    /// Waits until something is there, and moves this taker's share of it, at most `most` items, into `taken`. False
    /// when the queue is closed and empty.
    ///
    /// The share is everything if all other takers are busy. Idle takers get equal parts, since two half batches on
    /// two threads are done sooner than a whole one on one, unless there is a window, which is there to fill batches.
    /// The share is no more than a taker serves in a quarter of a second.
    pub fn take(&self, most: usize, taken: &mut Vec<T>) -> bool {
        let mut state = self.lock();
        state.idle += 1;
        let mut has_watched = self.lookout.is_zero();
        while !state.closed {
            if state.items.is_empty() && !has_watched && !state.is_watched {
                state = self.watch(state);
                has_watched = true;
            } else if state.items.is_empty() {
                state = self
                    .arrived
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner);
            } else {
                let left = state.ripens_in();
                if left.is_zero() || state.items.len() >= state.batch(most).min(self.capacity) {
                    break;
                }
                // Another taker may take it all meanwhile.
                let waited = self.arrived.wait_timeout(state, left);
                state = waited.unwrap_or_else(PoisonError::into_inner).0;
            }
        }
        let takers = if self.window.is_zero() { state.idle } else { 1 };
        let share = state.items.len().div_ceil(takers).min(state.batch(most));
        state.idle -= 1;
        state.taken += share;
        taken.extend(state.items.drain(..share));
        let more = !state.items.is_empty();
        self.is_filled.store(more, Ordering::Release);
        drop(state);
        if more {
            self.arrived.notify_one();
        }
        self.left.notify_all();
        share > 0
    }

    fn watch<'a>(&'a self, mut state: MutexGuard<'a, State<T>>) -> MutexGuard<'a, State<T>> {
        state.is_watched = true;
        drop(state);
        let started = Instant::now();
        while !self.is_filled.load(Ordering::Acquire) && started.elapsed() < self.lookout {
            hint::spin_loop();
        }
        let mut state = self.lock();
        state.is_watched = false;
        state
    }

    /// Notes that a taker is done with what it took, and needed this time for those items that were work: what is
    /// skipped says nothing about how long the others will take.
    pub fn served(&self, taken: usize, worked: usize, took: Duration) {
        let mut state = self.lock();
        state.taken = state.taken.saturating_sub(taken);
        if worked > 0 {
            state.rate.note(worked, took);
        }
    }

    /// Whether at most one item is being served, none waits, and this is not the first look that finds it so since
    /// there were more: among many there are gaps, and whoever is alone in one is not alone for long.
    pub fn is_quiet(&self) -> bool {
        let mut state = self.lock();
        let is_alone = state.taken <= 1 && state.items.is_empty();
        let was_crowded = state.is_crowded;
        state.is_crowded &= !is_alone;
        is_alone && !was_crowded
    }

    /// Notes how long a taker takes for one item before the first has come, and returns how many it will be given at
    /// once.
    pub fn guess(&self, one: Duration) -> usize {
        let mut state = self.lock();
        state.rate.guess(one);
        state.rate.within(LONGEST_BATCH)
    }

    /// How long what is there, and `more` after it, will take, by the rate measured lately.
    pub fn wait(&self, more: usize) -> Duration {
        self.expected(&self.lock(), more)
    }

    /// How long a taker needs for one item, as guessed or measured lately; `None` before that.
    pub fn pace(&self) -> Option<Duration> {
        let pace = self.lock().rate.wait(1, 1);
        (!pace.is_zero()).then_some(pace)
    }

    /// How long what is there now will keep all takers busy, by the rate measured lately.
    pub fn lasts(&self) -> Duration {
        let state = self.lock();
        state.rate.wait(state.items.len(), self.takers)
    }

    /// Takes nothing more in; what is there can still be taken.
    pub fn close(&self) {
        self.lock().closed = true;
        self.is_filled.store(true, Ordering::Release);
        self.arrived.notify_all();
        self.left.notify_all();
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.lock().items.is_empty()
    }

    /// How many items are waiting.
    pub fn len(&self) -> usize {
        self.lock().items.len()
    }

    fn room(&self, state: &State<T>, patience: Duration) -> Result<(), Refused> {
        if state.closed {
            return Err(Refused::Closed);
        }
        let wait = self.expected(state, 0);
        if state.items.len() + state.promised >= self.capacity {
            return Err(Refused::Full(wait));
        }
        // Half, since the item takes its own time, too, and the rate is of the past. A shorter queue costs nothing as
        // long as there is one; an answer that comes too late takes the time of another.
        if !state.items.is_empty() && wait > patience / 2 {
            return Err(Refused::TooSlow(wait));
        }
        Ok(())
    }

    fn expected(&self, state: &State<T>, more: usize) -> Duration {
        let items = state.items.len() + state.promised + state.taken + more;
        state.rate.wait(items, self.takers)
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // Only a clock that fails could make us panic while we hold the lock. That would leave one idle taker too
        // many, and everything else as it is.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
