//! The places for connections: `--max-connections` in all, and who gives way when all are taken.
//!
//! A connection costs next to nothing except a place. Clients that hold theirs without doing anything (idle, or
//! sending their request byte by byte, or not reading the reply) would lock everybody else out until their timeouts,
//! and again after that. So when all places are taken, the connection that has kept the server waiting longest gives
//! way to the next one. The same holds for the memory that bodies and large answers share, and for those who hold
//! some of it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};

/// Nobody gives way sooner than this: a request may be on its way, and a large one takes a moment to send.
const UNDISTURBED: Duration = Duration::from_secs(1);

/// How often to look again while nobody can give way yet, or the one that gives way is still there.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// The least time between two warnings: a flood is one line in the log, not thousands.
pub const WARN_EVERY: Duration = Duration::from_secs(60);

/// The most connections of probes: a kubelet and a few Prometheus servers need a handful.
pub const MOST_PROBES: usize = 64;

/// All places, and who has them.
pub struct Connections {
    /// What the log calls the places.
    places: &'static str,
    free: Arc<Semaphore>,
    open: Mutex<Open>,
    /// For how long, in all, the next client had to wait for a place, in microseconds.
    waited: AtomicU64,
    /// Clients' times are counted from here.
    start: Instant,
}

#[derive(Default)]
struct Open {
    clients: HashMap<u64, Arc<Client>>,
    opened: u64,
    /// When the log last said that nobody can give way, and that some do.
    warned: [Option<Instant>; 2],
}

/// A connection's place, free again when dropped.
pub struct Place {
    connections: Arc<Connections>,
    number: u64,
    client: Arc<Client>,
    /// `None` for those that are served in spite of the limit.
    _permit: Option<OwnedSemaphorePermit>,
}

/// The client at the other end, as far as waiting for it is concerned.
pub struct Client {
    connections: Weak<Connections>,
    start: Instant,
    /// Since when the server has been waiting for it, in milliseconds; or [`SERVED`], or [`LEAVING`].
    awaited_since: AtomicU64,
    /// How much of the shared memory it holds: its body while that arrives, and its answer until that is sent.
    holds: AtomicUsize,
    gives_way: Notify,
}

/// The client waits for the server.
const SERVED: u64 = u64::MAX;

/// The client was asked to give way, and has not been heard since.
const LEAVING: u64 = SERVED - 1;

/// A guard that is held as long as a client waits for its answer.
pub struct BeingServed(Arc<Client>);

/// A guard that is held as long as a client's body arrives, or its answer is sent.
pub struct HoldingMemory(Arc<Client>);

impl Connections {
    /// This many places for clients, all free.
    pub fn for_clients(most: usize) -> Arc<Self> {
        Arc::new(Self::new(most, "--max-connections"))
    }

    /// Places that clients cannot take, however many clients there are.
    pub fn for_probes() -> Arc<Self> {
        Arc::new(Self::new(MOST_PROBES, "connections at --probe-listen"))
    }

    fn new(most: usize, places: &'static str) -> Self {
        Self {
            places,
            free: Arc::new(Semaphore::new(most)),
            open: Mutex::default(),
            waited: AtomicU64::default(),
            start: Instant::now(),
        }
    }

    /// How many places are taken.
    pub fn open(&self) -> usize {
        self.lock().clients.len()
    }

    /// For how long, since the start, somebody has been waiting for a place.
    pub fn waited(&self) -> Duration {
        Duration::from_micros(self.waited.load(Ordering::Relaxed))
    }

    /// A place, as soon as one is free or can be made free.
    pub async fn place(self: &Arc<Self>) -> Place {
        if let Ok(permit) = Arc::clone(&self.free).try_acquire_owned() {
            return self.occupy(Some(permit));
        }
        let came = Instant::now();
        loop {
            let looked = Instant::now();
            if self.make_way(|_| true) {
                self.warn(true);
            } else if came.elapsed() > UNDISTURBED {
                self.warn(false);
            }
            let free = Arc::clone(&self.free).acquire_owned();
            let free = timeout(LOOK_AGAIN, free).await;
            let waited = looked.elapsed().as_micros();
            let waited = u64::try_from(waited).unwrap_or(u64::MAX);
            self.waited.fetch_add(waited, Ordering::Relaxed);
            // The semaphore is never closed.
            if let Ok(Ok(permit)) = free {
                return self.occupy(Some(permit));
            }
        }
    }

    /// A place beyond the limit.
    pub fn extra_place(self: &Arc<Self>) -> Place {
        self.occupy(None)
    }

    fn occupy(self: &Arc<Self>, permit: Option<OwnedSemaphorePermit>) -> Place {
        let client = Arc::new(Client {
            connections: Arc::downgrade(self),
            start: self.start,
            awaited_since: AtomicU64::new(SERVED),
            holds: AtomicUsize::new(0),
            gives_way: Notify::new(),
        });
        client.was_heard();
        let mut open = self.lock();
        open.opened += 1;
        let number = open.opened;
        open.clients.insert(number, Arc::clone(&client));
        Place {
            connections: Arc::clone(self),
            number,
            client,
            _permit: permit,
        }
    }

    /// Makes the one of these clients give way that has kept the server waiting longest. False if none has for long
    /// enough.
    fn make_way(&self, which: impl Fn(&Client) -> bool) -> bool {
        let open = self.lock();
        let awaited = |client: &Arc<Client>| client.awaited_since.load(Ordering::Relaxed);
        let candidates = open.clients.values().filter(|client| which(client));
        let Some(client) = candidates.min_by_key(|client| awaited(client)) else {
            return false;
        };
        let since = awaited(client);
        if since >= LEAVING || client.now().saturating_sub(since) < millis(UNDISTURBED) {
            return false;
        }
        // It leaves as soon as its task runs, unless it is heard before.
        let asked = client.awaited_since.compare_exchange(
            since,
            LEAVING,
            Ordering::Relaxed,
            Ordering::Relaxed,
        );
        if asked.is_ok() {
            client.gives_way.notify_one();
        }
        asked.is_ok()
    }

    fn warn(&self, some_give_way: bool) {
        let (places, mut open) = (self.places, self.lock());
        let warned = &mut open.warned[usize::from(some_give_way)];
        if warned.is_some_and(|then| then.elapsed() < WARN_EVERY) {
            return;
        }
        *warned = Some(Instant::now());
        match some_give_way {
            true => tracing::warn!(
                "all {places} are taken: those that keep the server waiting are closed to make room"
            ),
            false => {
                tracing::warn!("all {places} are taken by busy clients: others wait");
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// The client that has it.
    pub fn client(&self) -> &Arc<Client> {
        &self.client
    }

    /// Waits until the connection is to be closed in favour of another. A client that was heard after it was asked to
    /// give way stays: its request may have been answered already, except for the sending.
    pub async fn wanted(&self) {
        loop {
            self.client.gives_way.notified().await;
            if self.client.awaited_since.load(Ordering::Relaxed) == LEAVING {
                return;
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.connections.lock().clients.remove(&self.number);
    }
}

impl Client {
    /// From now on, until the guard is dropped, the client waits for the server and not the server for it.
    pub fn being_served(self: &Arc<Self>) -> BeingServed {
        self.awaited_since.store(SERVED, Ordering::Relaxed);
        BeingServed(Arc::clone(self))
    }

    /// From now on, until the guard is dropped, it has memory that others may need.
    pub fn holding_memory(self: &Arc<Self>) -> HoldingMemory {
        self.holds.fetch_add(1, Ordering::Relaxed);
        HoldingMemory(Arc::clone(self))
    }

    /// Makes a client that has stalled give its memory back, and waits the moment that this takes. False if there is
    /// no such client.
    pub async fn makes_another_give_way(&self) -> bool {
        let connections = self.connections.upgrade();
        let stalled =
            |other: &Client| !std::ptr::eq(self, other) && other.holds.load(Ordering::Relaxed) > 0;
        let given = connections.is_some_and(|connections| connections.make_way(stalled));
        if given {
            sleep(LOOK_AGAIN).await;
        }
        given
    }

    /// Notes that the head of a request is there, or more of its body, or that the client took some of its answer:
    /// the waiting begins anew.
    pub fn was_heard(&self) {
        self.awaited_since.store(self.now(), Ordering::Relaxed);
    }

    /// Whether it waits for the server.
    #[cfg(test)]
    pub fn is_served(&self) -> bool {
        self.awaited_since.load(Ordering::Relaxed) == SERVED
    }

    fn now(&self) -> u64 {
        millis(self.start.elapsed())
    }
}

impl Drop for BeingServed {
    fn drop(&mut self) {
        self.0.was_heard();
    }
}

impl HoldingMemory {
    /// Notes that the client took some of its answer.
    pub fn was_heard(&self) {
        self.0.was_heard();
    }
}

impl Drop for HoldingMemory {
    fn drop(&mut self) {
        self.0.holds.fetch_sub(1, Ordering::Relaxed);
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).map_or(LEAVING - 1, |time| time.min(LEAVING - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn is_wanted(place: &Place) -> bool {
        timeout(Duration::ZERO, place.wanted()).await.is_ok()
    }

    /// Makes it look as if the server had been waiting for this client that long.
    fn backdate(place: &Place, seconds: u64) {
        let since = &place.client.awaited_since;
        since.store(100_000 - 1000 * seconds, Ordering::Relaxed);
    }

    fn connections(most: usize) -> Arc<Connections> {
        let now = Instant::now();
        Arc::new(Connections {
            start: now.checked_sub(Duration::from_secs(100)).unwrap(),
            ..Connections::new(most, "places")
        })
    }

    #[tokio::test]
    async fn whoever_kept_the_server_waiting_longest_gives_way_and_nobody_who_is_served() {
        let connections = connections(3);
        let served = connections.place().await;
        let idle = connections.place().await;
        let idle_longest = connections.place().await;
        backdate(&served, 9);
        backdate(&idle, 5);
        backdate(&idle_longest, 8);
        let guard = served.client().being_served();
        let next = {
            let next = connections.place();
            tokio::pin!(next);
            assert!(timeout(2 * LOOK_AGAIN, &mut next).await.is_err());
            assert!(is_wanted(&idle_longest).await);
            drop(idle_longest);
            next.await
        };
        assert!(!is_wanted(&served).await && !is_wanted(&next).await);
        drop(guard);
        assert!(served.client.now() - served.client.awaited_since.load(Ordering::Relaxed) < 60_000);
    }

    #[tokio::test]
    async fn whoever_is_heard_after_being_asked_to_give_way_stays() {
        let connections = connections(2);
        let [served, heard] = [connections.place().await, connections.place().await];
        for place in [&served, &heard] {
            backdate(place, 5);
            assert!(connections.make_way(|client| std::ptr::eq(client, &**place.client())));
        }
        let guard = served.client().being_served();
        heard.client().was_heard();
        assert!(!is_wanted(&served).await && !is_wanted(&heard).await);
        drop(guard);
        assert!(!is_wanted(&served).await);
        backdate(&served, 5);
        assert!(connections.make_way(|_| true) && is_wanted(&served).await);
    }

    #[tokio::test]
    async fn memory_is_given_back_by_those_whose_bodies_stall_and_by_nobody_else() {
        let connections = connections(9);
        let [idle, stalled, served, asking] = [
            connections.place().await,
            connections.place().await,
            connections.place().await,
            connections.place().await,
        ];
        backdate(&idle, 9);
        for place in [&stalled, &served] {
            backdate(place, 5);
        }
        let _bodies = [
            stalled.client().holding_memory(),
            served.client().holding_memory(),
        ];
        let _served = served.client().being_served();
        assert!(asking.client().makes_another_give_way().await);
        assert!(is_wanted(&stalled).await);
        assert!(!asking.client().makes_another_give_way().await);
        assert!(!is_wanted(&idle).await && !is_wanted(&served).await);
    }

    #[tokio::test]
    async fn nobody_gives_way_before_their_time_nor_while_there_are_free_places() {
        let connections = connections(2);
        let old = connections.place().await;
        backdate(&old, 50);
        let fresh = connections.place().await;
        assert!(!is_wanted(&old).await);
        drop(old);
        let old = connections.place().await;
        assert_eq!(connections.waited(), Duration::ZERO);
        assert!(timeout(3 * LOOK_AGAIN, connections.place()).await.is_err());
        assert!(connections.waited() >= LOOK_AGAIN);
        assert!(!is_wanted(&old).await && !is_wanted(&fresh).await);
        assert_eq!(connections.open(), 2);
        drop((old, fresh));
        assert_eq!(connections.open(), 0);
    }
}
