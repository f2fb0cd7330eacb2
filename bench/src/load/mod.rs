//! The load generator: a number of connections, each of which sends its next request as soon as it has the reply to
//! the last.
//!
//! It shares the processors with the server, so it does as little as it can: it has one thread, makes the requests
//! beforehand, needs one `write` and one `read` for each, and looks at nothing but a reply's status and length.

mod connection;
mod latencies;
mod reply;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::fd::OwnedFd;
use rustix::time::{ClockId, Timespec, clock_gettime};

pub use latencies::Latencies;
pub use reply::{Head, Unreadable};

use connection::{Broken, Connection, Received};

/// With fewer answers than this, the rate would depend too much on which batches happen to end in time. The
/// measurement then goes on, for up to `LONGEST` times the time that was asked for; not if all are refused, since
/// that goes on as it began.
const ENOUGH: u64 = 200;
const LONGEST: u32 = 8;

/// How long a connection waits after a refusal that does not say how long to wait, or after it broke.
const PAUSE: Duration = Duration::from_millis(100);

/// The longest warm-up: after this, even a server that is still slow is measured.
const LONGEST_WARM_UP: Duration = Duration::from_secs(20);

/// How long replies that are under way at the end are waited for. A server that still works for connections that were
/// dropped would begin the next measurement late, and of several processes some would then accept all connections.
const LONGEST_END: Duration = Duration::from_secs(20);

/// Events taken from the system at once.
const EVENTS: usize = 256;

/// A closed loop, ready to run.
pub struct ClosedLoop<'a> {
    /// The server.
    pub address: SocketAddr,
    /// Whole requests, head and body. Each connection goes through all of them, again and again.
    pub requests: &'a [Vec<u8>],
    /// How many connections there are; all are open all the time.
    pub connections: usize,
    /// The least time before measuring begins; each connection must also have had a reply.
    pub warm_up: Duration,
    /// How long to measure; longer if few answers come.
    pub measured: Duration,
}

/// What was measured.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Latencies of replies with status 200, from the first byte sent to the last byte read.
    pub latencies: Latencies,
    /// What else happened, by status or by reason.
    pub errors: BTreeMap<String, u64>,
    /// How long the measurement took, in seconds.
    pub seconds: f64,
    /// Processor time of the load generator itself.
    pub own_cpu: Duration,
    /// Processor time of the server, from the caller's function.
    pub server_cpu: Option<Duration>,
}

impl Outcome {
    /// Replies with status 200 per second.
    pub fn rate(&self) -> f64 {
        self.latencies.count() as f64 / self.seconds
    }

    fn is_worth_waiting(&self) -> bool {
        match self.latencies.count() {
            0 => self.errors.is_empty(),
            answers => answers < ENOUGH,
        }
    }
}

impl ClosedLoop<'_> {
    /// Runs it. `server_cpu` returns the server's processor time so far; it is called when measuring begins and when
    /// it ends.
    ///
    /// # Errors
    /// If a connection cannot be opened at the start; later failures are counted.
    pub fn run(&self, server_cpu: impl Fn() -> Option<Duration>) -> io::Result<Outcome> {
        let mut clients = Clients::connect(self)?;
        let begin = Instant::now();
        loop {
            // After the warm-up, connections that have had no reply yet are still waited for.
            let until = (begin + self.warm_up).max(Instant::now() + PAUSE);
            let now = clients.step(until)?;
            let warm = now >= begin + self.warm_up && clients.waiting_for_first == 0;
            if warm || now >= begin + LONGEST_WARM_UP {
                break;
            }
        }
        clients.outcome = Outcome::default();
        let (cpu, own) = (server_cpu(), own_cpu());
        let begin = Instant::now();
        let (end, last) = (begin + self.measured, begin + LONGEST * self.measured);
        let mut now = begin;
        while now < end || (now < last && clients.outcome.is_worth_waiting()) {
            now = clients.step(if now < end { end } else { now + PAUSE })?;
        }
        let mut outcome = std::mem::take(&mut clients.outcome);
        outcome.own_cpu = own_cpu().saturating_sub(own);
        // A worker process that died meanwhile takes its processor time with it, so there may be less than before.
        let spent = |(after, before): (Duration, Duration)| after.checked_sub(before);
        outcome.server_cpu = server_cpu().zip(cpu).and_then(spent);
        outcome.seconds = (now - begin).as_secs_f64();
        clients.finish(Instant::now() + LONGEST_END)?;
        Ok(outcome)
    }
}

struct Clients<'a> {
    plan: &'a ClosedLoop<'a>,
    poll: OwnedFd,
    clients: Vec<Client>,
    events: Vec<epoll::Event>,
    /// Clients that pause, and until when.
    asleep: Vec<(Instant, usize)>,
    waiting_for_first: usize,
    /// Nothing more is sent.
    is_ending: bool,
    outcome: Outcome,
}

struct Client {
    connection: Option<Connection>,
    /// Which of the requests is under way or comes next.
    request: usize,
    has_been_answered: bool,
    is_asleep: bool,
}

impl<'a> Clients<'a> {
    fn connect(plan: &'a ClosedLoop<'a>) -> io::Result<Self> {
        let mut clients = Self {
            plan,
            poll: epoll::create(CreateFlags::CLOEXEC)?,
            clients: Vec::with_capacity(plan.connections),
            events: Vec::with_capacity(EVENTS),
            asleep: Vec::new(),
            waiting_for_first: plan.connections,
            is_ending: false,
            outcome: Outcome::default(),
        };
        for index in 0..plan.connections {
            let connection = clients.open(index)?;
            clients.clients.push(Client {
                connection: Some(connection),
                request: index % plan.requests.len().max(1),
                has_been_answered: false,
                is_asleep: false,
            });
        }
        let now = Instant::now();
        for index in 0..plan.connections {
            clients.begin(index, now);
        }
        Ok(clients)
    }

    fn open(&self, index: usize) -> io::Result<Connection> {
        let connection = Connection::open(self.plan.address)?;
        let data = EventData::new_u64(index as u64);
        epoll::add(&self.poll, &connection.stream, data, EventFlags::IN)?;
        Ok(connection)
    }

    /// Sends nothing more, and waits for the replies under way.
    fn finish(&mut self, until: Instant) -> io::Result<()> {
        self.is_ending = true;
        let waits = |client: &Client| client.connection.is_some() && !client.is_asleep;
        while self.clients.iter().any(waits) && self.step(until)? < until {}
        Ok(())
    }

    /// Waits until something happens or `until` has come, and deals with it. Returns the time afterwards.
    fn step(&mut self, until: Instant) -> io::Result<Instant> {
        let now = Instant::now();
        let wake = self.asleep.iter().map(|(wake, _)| *wake).min();
        let wait = wake.map_or(until, |wake| wake.min(until)) - now;
        let mut events = std::mem::take(&mut self.events);
        let space = rustix::buffer::spare_capacity(&mut events);
        match epoll::wait(&self.poll, space, Some(&timespec(wait))) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let mut now = Instant::now();
        for event in events.drain(..) {
            now = self.handle(event.data.u64() as usize, event.flags, now);
        }
        self.events = events;
        if wake.is_some_and(|wake| wake <= now) {
            self.wake(now);
        }
        Ok(now)
    }

    fn handle(&mut self, index: usize, flags: EventFlags, now: Instant) -> Instant {
        let client = &mut self.clients[index];
        if client.is_asleep {
            // The server closed it, as it may after a refusal; the refusal is counted already.
            client.connection = None;
        }
        let request = &self.plan.requests[client.request];
        let Some(connection) = &mut client.connection else {
            return now;
        };
        if flags.contains(EventFlags::OUT) {
            if let Err(broken) = connection.send(request) {
                self.broken(index, &broken, now);
                return now;
            }
            self.ask_for_space(index);
        }
        if !flags.intersects(EventFlags::IN | EventFlags::HUP | EventFlags::ERR) {
            return now;
        }
        let Some(connection) = &mut self.clients[index].connection else {
            return now;
        };
        match connection.receive() {
            Ok(Received::Part) => now,
            Ok(Received::Whole(head)) => {
                let now = Instant::now();
                self.answered(index, head, now);
                now
            }
            Err(broken) => {
                self.broken(index, &broken, now);
                now
            }
        }
    }

    fn answered(&mut self, index: usize, head: Head, now: Instant) {
        let client = &mut self.clients[index];
        let Some(connection) = &client.connection else {
            return;
        };
        // If the reply came before the whole request was sent, the rest can no longer be sent.
        let usable = !head.closes && connection.is_sent(&self.plan.requests[client.request]);
        let latency = now - connection.began;
        client.request = (client.request + 1) % self.plan.requests.len();
        if !usable {
            client.connection = None;
        }
        if !client.has_been_answered {
            client.has_been_answered = true;
            self.waiting_for_first -= 1;
        }
        if head.status == 200 {
            self.outcome.latencies.record(latency);
            self.begin(index, now);
        } else {
            self.count(head.status.to_string());
            let pause = head.retry_after.map_or(PAUSE, Duration::from_secs);
            self.sleep(index, now + pause);
        }
    }

    fn broken(&mut self, index: usize, broken: &Broken, now: Instant) {
        self.clients[index].connection = None;
        self.count(match broken {
            Broken::Closed => "closed".into(),
            Broken::Io(error) => error.kind().to_string(),
            Broken::Unreadable => "unreadable".into(),
        });
        self.sleep(index, now + PAUSE);
    }

    fn sleep(&mut self, index: usize, until: Instant) {
        self.clients[index].is_asleep = true;
        self.asleep.push((until, index));
    }

    fn count(&mut self, reason: String) {
        *self.outcome.errors.entry(reason).or_default() += 1;
    }

    fn wake(&mut self, now: Instant) {
        let due: Vec<_> = self
            .asleep
            .extract_if(.., |(wake, _)| *wake <= now)
            .collect();
        for (_, index) in due {
            self.clients[index].is_asleep = false;
            self.begin(index, now);
        }
    }

    /// Sends the client's next request, on a new connection if it has none.
    fn begin(&mut self, index: usize, now: Instant) {
        if self.is_ending {
            self.clients[index].connection = None;
            return;
        }
        if self.clients[index].connection.is_none() {
            match self.open(index) {
                Ok(connection) => self.clients[index].connection = Some(connection),
                Err(error) => return self.broken(index, &Broken::Io(error), now),
            }
        }
        let client = &mut self.clients[index];
        let Some(connection) = &mut client.connection else {
            return;
        };
        match connection.begin(&self.plan.requests[client.request], now) {
            Ok(()) => self.ask_for_space(index),
            Err(broken) => self.broken(index, &broken, now),
        }
    }

    /// Has epoll report when more can be sent, as long as there is more to send.
    fn ask_for_space(&mut self, index: usize) {
        let client = &mut self.clients[index];
        let Some(connection) = &mut client.connection else {
            return;
        };
        let waits = !connection.is_sent(&self.plan.requests[client.request]);
        if waits == connection.waits_to_send {
            return;
        }
        connection.waits_to_send = waits;
        let flags = match waits {
            true => EventFlags::IN | EventFlags::OUT,
            false => EventFlags::IN,
        };
        let data = EventData::new_u64(index as u64);
        let _ = epoll::modify(&self.poll, &connection.stream, data, flags);
    }
}

fn own_cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn timespec(duration: Duration) -> Timespec {
    Timespec {
        tv_sec: duration.as_secs() as i64,
        tv_nsec: i64::from(duration.subsec_nanos()),
    }
}
