//! Ten times as many requests as can be answered: the server goes on answering as many as it can.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crate::{
    slow_model,
    support::{PATIENCE, Server, png},
    wire::{connect, exchange, metric, request},
};

const DEADLINE: Duration = Duration::from_secs(5);
const QUEUE: usize = 16;
const WINDOW: Duration = Duration::from_secs(3);

struct Sent {
    took: Duration,
    status: Option<u16>,
}

/// Sends requests at a fixed rate, whatever becomes of them. No more than `senders` can be under way, so refusals
/// must come quickly for the rate to be kept.
fn open_loop(server: &Server, image: &[u8], rate: f64, senders: usize) -> Vec<Sent> {
    let request = request(image);
    let next = AtomicUsize::new(0);
    let sent = Mutex::new(Vec::new());
    let start = Instant::now();
    thread::scope(|scope| {
        for _ in 0..senders {
            scope.spawn(|| {
                let mut stream = connect(server);
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed) as f64;
                    let due = start + Duration::from_secs_f64(number / rate);
                    if due > start + WINDOW || start.elapsed() > WINDOW {
                        return;
                    }
                    thread::sleep(due.saturating_duration_since(Instant::now()));
                    let began = Instant::now();
                    let status = exchange(&mut stream, &request);
                    if status.is_none() {
                        stream = connect(server);
                    }
                    let took = began.elapsed();
                    sent.lock().unwrap().push(Sent { took, status });
                }
            });
        }
    });
    sent.into_inner().unwrap()
}

/// Answers a second with as many clients as keep the worker busy, each sending the next when it has its answer.
fn capacity(server: &Server, image: &[u8]) -> f64 {
    let request = request(image);
    let start = Instant::now();
    let answered = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let mut stream = connect(server);
                while start.elapsed() < WINDOW {
                    assert_eq!(exchange(&mut stream, &request), Some(200));
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    answered.into_inner() as f64 / start.elapsed().as_secs_f64()
}

/// What came of an overload.
#[derive(Debug)]
struct Overload {
    /// Answers a second that clients got without overload, before and after.
    capacity: [f64; 2],
    goodput: f64,
    recovered: Duration,
}

impl Overload {
    /// On a machine that does nothing else, goodput is at least 0.9 of the capacity. All that is left when the load
    /// goes is a full queue and a batch, and as much can be done again as before.
    fn is_good(&self) -> bool {
        let [before, after] = self.capacity;
        let capacity = before.min(after);
        let drained = (QUEUE + 4) as f64 / capacity;
        let recovered = self.recovered.as_secs_f64() < 4.0 * drained && after > 0.6 * before;
        self.goodput > 0.8 * capacity && recovered
    }
}

fn overload(server: &Server, image: &[u8]) -> Overload {
    let before = capacity(server, image);
    let memory = server.resident_kib();
    let sent = open_loop(server, image, 10.0 * before, 64);
    let ended = Instant::now();
    while metric(server, "normgate_queue_depth") > 0.0 {
        assert!(ended.elapsed() < PATIENCE, "the queue never drained");
        thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(server.classify("image/png", image).status, 200);
    let recovered = ended.elapsed();
    let after = capacity(server, image);

    let mut answered: Vec<Duration> = Vec::new();
    for Sent { took, status } in &sent {
        match status {
            Some(200) => answered.push(*took),
            other => assert_eq!(*other, Some(429), "{took:?}"),
        }
    }
    answered.sort();
    let goodput = answered.len() as f64 / WINDOW.as_secs_f64();
    let p99 = answered[answered.len() * 99 / 100];
    let grown = server.resident_kib().saturating_sub(memory);
    println!(
        "capacity {before:.0}/s, sent {:.0}/s, answered {goodput:.0}/s, p99 {p99:?}, capacity \
         afterwards {after:.0}/s, recovered in {recovered:?}, {grown} KiB more",
        sent.len() as f64 / WINDOW.as_secs_f64()
    );
    assert!(sent.len() as f64 > 4.0 * before * WINDOW.as_secs_f64());
    assert!(p99 < DEADLINE, "{p99:?}");
    assert!(grown < 16 * 1024, "{grown} KiB more");
    Overload {
        capacity: [before, after],
        goodput,
        recovered,
    }
}

#[test]
fn ten_times_the_load_that_can_be_answered_costs_hardly_an_answer() {
    let (queue, deadline) = (QUEUE.to_string(), format!("{}s", DEADLINE.as_secs()));
    let server = slow_model::server(
        12,
        &[
            "--max-batch",
            "4",
            "--queue-capacity",
            &queue,
            "--deadline",
            &deadline,
        ],
    );
    let image = png();
    // Rates of different seconds are compared, and other tests run meanwhile: a disturbance spoils one attempt, but a
    // fault of the server spoils all.
    let attempts: Vec<Overload> = (0..3).map(|_| overload(&server, &image)).collect();
    assert!(attempts.iter().any(Overload::is_good), "{attempts:#?}");
}

#[test]
fn requests_that_would_be_answered_too_late_are_refused_and_the_others_are_in_time() {
    // A queue so long that everything at its end would be too late.
    let server = slow_model::server(
        12,
        &[
            "--max-batch",
            "4",
            "--queue-capacity",
            "100000",
            "--deadline",
            "1s",
        ],
    );
    let image = png();
    let capacity = capacity(&server, &image);
    let sent = open_loop(&server, &image, 4.0 * capacity, 512);
    let count = |wanted| sent.iter().filter(|one| one.status == Some(wanted)).count();
    let (answered, refused, late) = (count(200), count(429), count(504));
    let accepted = sent.iter().filter(|one| one.status == Some(200));
    let mut took: Vec<Duration> = accepted.map(|one| one.took).collect();
    took.sort();
    let p99 = took[took.len() * 99 / 100];
    println!(
        "capacity {capacity:.0}/s: answered {answered}, p99 {p99:?}, refused {refused}, too late {late}"
    );
    assert!(p99 < Duration::from_secs(1), "{p99:?}");
    let could = capacity * WINDOW.as_secs_f64();
    assert!(answered as f64 > 0.5 * could, "{answered} of {could}");
    assert!(late < answered / 10, "{late} too late, {refused} refused");
}
