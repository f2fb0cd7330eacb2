//! Clients that hold a connection and do nothing with it, or next to nothing.

use std::{
    io::{ErrorKind, Read, Write},
    net::TcpStream,
    thread,
    time::{Duration, Instant},
};

use image::ImageFormat;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::{
    slow_model,
    support::{PATIENCE, Server, encoded, normgate, picture, png, through, until},
    wire::{connect, exchange, head, metric, p99, request},
};

/// Sends a byte now and then until the server has had enough.
fn drips(mut stream: TcpStream) -> String {
    let pause = Some(Duration::from_millis(20));
    stream.set_read_timeout(pause).unwrap();
    let began = Instant::now();
    let mut reply = Vec::new();
    let mut piece = [0; 1024];
    while began.elapsed() < PATIENCE {
        // There may still be a reply to read when the connection takes nothing more.
        let sent = stream.write_all(b"x");
        match stream.read(&mut piece) {
            Ok(0) => break,
            Ok(read) => reply.extend_from_slice(&piece[..read]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) => break,
        }
        if sent.is_err() {
            break;
        }
    }
    assert!(began.elapsed() < PATIENCE, "never closed");
    String::from_utf8_lossy(&reply).into_owned()
}

#[test]
fn heads_and_bodies_that_drip_are_cut_off() {
    let server = Server::with(&["--header-timeout", "400ms", "--body-timeout", "400ms"]);
    let mut stream = connect(&server);
    stream
        .write_all(b"GET /livez HTTP/1.1\r\nx-slow: ")
        .unwrap();
    drips(stream);
    let mut stream = connect(&server);
    stream.write_all(head(1_000_000).as_bytes()).unwrap();
    let reply = drips(stream);
    assert!(reply.starts_with("HTTP/1.1 408"), "{reply}");
    assert!(reply.contains("connection: close"), "{reply}");
}

#[test]
fn an_idle_connection_is_closed_in_the_end() {
    let server = Server::with(&["--header-timeout", "400ms"]);
    let mut stream = connect(&server);
    assert_eq!(exchange(&mut stream, &request(&png())), Some(200));
    assert_eq!(stream.read(&mut [0; 1]).unwrap(), 0);
}

/// Connections that stall in all the ways there are.
fn stalled(server: &Server, count: usize) -> Vec<TcpStream> {
    let starts: [&[u8]; 4] = [
        b"",
        b"POST /classify HTTP/1.1\r\nhost: x\r\nx-slow",
        b"POST /classify HTTP/1.1\r\nhost: x\r\ncontent-length: 9000\r\n\r\nsome of it",
        b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n",
    ];
    let connect = |n: usize| {
        let mut stream = connect(server);
        stream.write_all(starts[n % 4]).unwrap();
        stream
    };
    (0..count).map(connect).collect()
}

/// Good clients, each on a new connection, while `count` stalled ones are held: more than there are places.
fn good_clients_get_in_beside(server: &Server, count: usize) {
    let kept = stalled(server, count);
    let request = request(&png());
    for _ in 0..30 {
        assert_eq!(exchange(&mut connect(server), &request), Some(200));
    }
    drop(kept);
}

#[test]
fn good_clients_get_in_although_stalled_ones_hold_all_connections() {
    // The timeouts are longer than this test's patience.
    let server = Server::with(&[
        "--max-connections",
        "20",
        "--header-timeout",
        "10m",
        "--body-timeout",
        "10m",
    ]);
    good_clients_get_in_beside(&server, 40);
    assert!(
        server.log().contains("--max-connections"),
        "{}",
        server.log()
    );
}

#[test]
fn good_clients_get_in_although_the_system_allows_fewer_files_than_connections() {
    let mut command = normgate();
    command.args(["serve", "--listen", "127.0.0.1:0"]);
    command.args(["--header-timeout", "10m", "--body-timeout", "10m"]);
    let few = ["sh", "-c", "ulimit -n 150 && exec \"$0\" \"$@\""];
    let server = Server::spawn(through(&few, &command));
    good_clients_get_in_beside(&server, 200);
    assert!(
        server.log().contains("it is reduced to 75"),
        "{}",
        server.log()
    );
}

#[test]
fn answers_that_nobody_takes_are_not_kept_for_ever() {
    let server = Server::with(&["--header-timeout", "10m", "--body-timeout", "400ms"]);
    let mut stream = connect(&server);
    stream
        .set_write_timeout(Some(Duration::from_millis(200)))
        .unwrap();
    // Until the server cannot get rid of its answers, and reads no more.
    let page = b"GET / HTTP/1.1\r\nhost: x\r\naccept: text/html\r\n\r\n".repeat(100);
    while stream.write_all(&page).is_ok() {}
    until(&server, "the connection was cut off", || {
        metric(&server, "normgate_connections") <= 1.0
    });
    drop(stream);
}

#[test]
fn good_clients_get_in_although_stalled_bodies_hold_all_memory() {
    let server = Server::with(&[
        "--max-body-bytes",
        "4MiB",
        "--body-memory",
        "8MiB",
        "--body-timeout",
        "10m",
    ]);
    let all_but_a_byte = vec![0; (4 << 20) - 1];
    let stalled = [(); 2].map(|()| {
        let mut stream = connect(&server);
        stream.write_all(head(4 << 20).as_bytes()).unwrap();
        stream.write_all(&all_but_a_byte).unwrap();
        stream
    });
    let photo = request(&encoded(picture(400, 400), ImageFormat::Bmp));
    let began = Instant::now();
    let answer = || exchange(&mut connect(&server), &photo);
    // At first they might only be slow.
    while answer() == Some(429) {
        assert!(began.elapsed() < PATIENCE, "{}", server.log());
        thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(answer(), Some(200));
    drop(stalled);
}

#[test]
fn nobody_who_waits_for_an_answer_gives_way() {
    // How long an image takes is measured while other tests run: the model may turn out too quick.
    let has_tested = (0..3).any(|_| eight_wait_at_four_places() > Duration::from_secs(4));
    assert!(
        has_tested,
        "they were answered too soon for anybody to have to give way"
    );
}

/// All are answered. Of the four that have a place, the last waits for half of the whole time, and the next four wait
/// for a place first.
fn eight_wait_at_four_places() -> Duration {
    let long = slow_model::convolutions_in(Duration::from_millis(1500));
    let arguments = "--max-connections 4 --max-batch 1 --deadline 5m";
    let server = slow_model::server(long, &arguments.split(' ').collect::<Vec<_>>());
    let request = request(&png());
    let mut waiting: Vec<_> = (0..8).map(|_| connect(&server)).collect();
    let began = Instant::now();
    thread::scope(|scope| {
        for stream in &mut waiting {
            scope.spawn(|| assert_eq!(exchange(stream, &request), Some(200)));
        }
    });
    began.elapsed()
}

/// In a test run, both ends of each connection are open files: the server's, and this process's.
fn allow_open_files(count: u64) -> bool {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_none_or(|current| current >= count) {
        return true;
    }
    let current = Some(maximum.map_or(count, |maximum| maximum.min(count)));
    setrlimit(Resource::Nofile, Rlimit { current, maximum }).is_ok() && current >= Some(count)
}

#[test]
fn a_thousand_stalled_connections_hardly_touch_the_good_ones() {
    const STALLED: usize = 1000;
    const ROUNDS: usize = 5;
    if !allow_open_files(STALLED as u64 + 500) {
        return normgate_testing::left_out(
            "a thousand stalled connections",
            "open files (ulimit -n)",
        );
    }
    let server = Server::with(&["--header-timeout", "10m", "--body-timeout", "10m"]);
    let request = request(&png());
    let mut good = connect(&server);
    p99(&mut good, &request);
    // In turn, so that whatever else the machine does falls on both alike.
    let mut ratios: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let quiet = p99(&mut good, &request);
            let connections = stalled(&server, STALLED);
            let among_stalled = p99(&mut good, &request);
            drop(connections);
            println!("quiet {quiet:?}, among stalled ones {among_stalled:?}");
            among_stalled.as_secs_f64() / quiet.as_secs_f64()
        })
        .collect();
    ratios.sort_by(f64::total_cmp);
    let ratio = ratios[ROUNDS / 2];
    // 1.0 on a machine that does nothing else.
    assert!(ratio < 3.0, "{ratios:?}");
}
