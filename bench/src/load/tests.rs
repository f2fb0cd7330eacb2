use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::*;

const BODY: usize = 300_000;

/// A server that answers its n-th request, counted over all connections, with `reply(n)`: the bytes, and whether it
/// then closes the connection.
fn server(reply: impl Fn(usize) -> (&'static str, bool) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (reply, count) = (Arc::new(reply), Arc::new(AtomicUsize::new(0)));
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let (reply, count) = (Arc::clone(&reply), Arc::clone(&count));
            thread::spawn(move || {
                let mut reader = BufReader::new(stream);
                loop {
                    let mut line = String::new();
                    while line != "\r\n" {
                        line.clear();
                        if !matches!(reader.read_line(&mut line), Ok(1..)) {
                            return;
                        }
                    }
                    if reader.read_exact(&mut vec![0; BODY]).is_err() {
                        return;
                    }
                    let (bytes, closes) = reply(count.fetch_add(1, Ordering::Relaxed));
                    if reader.get_mut().write_all(bytes.as_bytes()).is_err() || closes {
                        return;
                    }
                }
            });
        }
    });
    address
}

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";

fn run(address: SocketAddr, connections: usize) -> Outcome {
    run_for(Duration::from_millis(400), address, connections)
}

fn run_for(measured: Duration, address: SocketAddr, connections: usize) -> Outcome {
    let head = format!("POST / HTTP/1.1\r\ncontent-length: {BODY}\r\n\r\n");
    let request = [head.into_bytes(), vec![b'x'; BODY]].concat();
    let closed_loop = ClosedLoop {
        address,
        requests: &[request.clone(), request],
        connections,
        warm_up: Duration::ZERO,
        measured,
    };
    closed_loop.run(|| Some(Duration::from_secs(1))).unwrap()
}

#[test]
fn bodies_larger_than_a_socket_s_buffer_are_sent_on_every_connection() {
    let outcome = run(server(|_| (OK, false)), 5);
    assert!(outcome.latencies.count() > 5, "{outcome:?}");
    assert_eq!(outcome.errors, BTreeMap::new());
    assert!(outcome.seconds >= 0.4 && outcome.own_cpu > Duration::ZERO);
    assert_eq!(outcome.server_cpu, Some(Duration::ZERO));
}

#[test]
fn what_is_not_200_counts_as_an_error_by_its_status_and_is_not_hurried() {
    let refused = "HTTP/1.1 429 Too Many Requests\r\ncontent-length: 0\r\n\r\n";
    let outcome = run(server(move |_| (refused, false)), 2);
    assert_eq!(outcome.latencies.count(), 0);
    // Each of the two waits 100 ms every time.
    assert!((1..=12).contains(&outcome.errors["429"]), "{outcome:?}");
}

#[test]
fn a_server_with_no_answer_within_the_time_gets_longer_and_its_last_replies_are_waited_for() {
    let (begun, done) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (at_first, at_last) = (Arc::clone(&begun), Arc::clone(&done));
    let slow = server(move |_| {
        at_first.fetch_add(1, Ordering::Relaxed);
        thread::sleep(Duration::from_millis(200));
        at_last.fetch_add(1, Ordering::Relaxed);
        (OK, false)
    });
    let outcome = run_for(Duration::from_millis(100), slow, 2);
    assert!(outcome.latencies.count() > 0, "{outcome:?}");
    let [begun, done] = [begun, done].map(|count| count.load(Ordering::Relaxed));
    assert_eq!(begun, done);
}

#[test]
fn a_refusal_counts_once_where_the_connection_is_closed_after_it() {
    // Long enough for the connection to be closed meanwhile.
    let refused = "HTTP/1.1 429 Too Many Requests\r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n";
    let time = Duration::from_millis(2500);
    let refused = run_for(time, server(move |_| (refused, true)), 2);
    let kinds: Vec<_> = refused.errors.keys().collect();
    assert_eq!(kinds, ["429"]);
    assert!((1..=6).contains(&refused.errors["429"]), "{refused:?}");
}

#[test]
fn a_connection_that_closes_is_opened_again() {
    let closing = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
    let outcome = run(server(move |_| (closing, true)), 2);
    assert!(outcome.latencies.count() > 2, "{outcome:?}");
    assert_eq!(outcome.errors, BTreeMap::new());
}

#[test]
fn a_server_that_hangs_up_without_an_answer_is_an_error_too() {
    let outcome = run(
        server(|n| if n % 2 == 0 { (OK, false) } else { ("", true) }),
        2,
    );
    let broken: u64 = outcome.errors.values().sum();
    assert!(broken > 0 && outcome.latencies.count() > 0, "{outcome:?}");
}

#[test]
fn where_nobody_listens_there_is_nothing_to_measure() {
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let closed_loop = ClosedLoop {
        address: free,
        requests: &[vec![]],
        connections: 1,
        warm_up: Duration::ZERO,
        measured: Duration::from_millis(10),
    };
    closed_loop.run(|| None).unwrap_err();
}
