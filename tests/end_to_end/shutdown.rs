//! SIGTERM and Ctrl-C.

use std::{
    fs::File,
    io::{ErrorKind, Read, Write},
    net::TcpStream,
    process::{Command, Stdio},
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use crate::support::{PATIENCE, Server, normgate, png, shipped_model, until};

#[test]
fn sigterm_and_ctrl_c_end_an_idle_server_with_success() {
    for signal in ["TERM", "INT"] {
        let server = Server::start();
        server.signal(signal);
        assert_eq!(server.wait().code(), Some(0), "{signal}");
    }
}

/// Without a handler, the system would end the process, which it does not do with process 1.
#[test]
fn sigterm_while_the_model_is_read_ends_the_server_with_success() {
    let folder = tempfile::tempdir().unwrap();
    let large = folder.path().join("model.onnx");
    std::fs::copy(shipped_model(), &large).unwrap();
    let mut file = File::options().append(true).open(&large).unwrap();
    // Field 1000 of the protocol buffer, which no model has: a GiB of zeros, to be read and hashed.
    file.write_all(&[0xC2, 0x3E, 0x80, 0x80, 0x80, 0x80, 0x04])
        .unwrap();
    let length = file.metadata().unwrap().len();
    file.set_len(length + (1 << 30)).unwrap();
    let mut command = normgate();
    command.args(["serve", "--listen", "127.0.0.1:0", "--model"]);
    let command = command.arg(&large).stderr(Stdio::piped());
    let mut server = command.stdout(Stdio::null()).spawn().unwrap();
    let deadline = Instant::now() + PATIENCE;
    while !catches_sigterm(server.id()) && server.try_wait().unwrap().is_none() {
        assert!(Instant::now() < deadline, "never heeds signals");
        std::thread::sleep(Duration::from_millis(1));
    }
    let pid = server.id().to_string();
    let kill = Command::new("kill").args(["-TERM", &pid]).status().unwrap();
    assert!(kill.success());
    let ended = server.wait_with_output().unwrap();
    let log = String::from_utf8_lossy(&ended.stderr);
    assert!(log.contains("before the model was read"), "{log}");
    assert_eq!(ended.status.code(), Some(0), "{log}");
}

fn catches_sigterm(pid: u32) -> bool {
    const SIGTERM: u64 = 15;
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    let mask = caught.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask & 1 << (SIGTERM - 1) != 0)
}

/// Sends requests from many clients while the server is told to stop: none that was sent before may be lost, nor any
/// within the drain delay.
fn stop_under_load(arguments: &[&str], drain_delay: Duration) {
    const CLIENTS: usize = 24;
    let server = Server::with(arguments);
    let image = png();
    let stop = AtomicBool::new(false);
    // When each request had been sent completely, and the first line of what came back.
    let log: Mutex<Vec<(Instant, String)>> = Mutex::new(Vec::new());
    let signalled = std::thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let Some(outcome) = request(server.address(), &image) else {
                        return;
                    };
                    log.lock().unwrap().push(outcome);
                }
            });
        }
        std::thread::sleep(Duration::from_millis(700));
        let signalled = Instant::now();
        server.signal("TERM");
        std::thread::sleep(Duration::from_millis(1500));
        stop.store(true, Ordering::Relaxed);
        signalled
    });
    assert_eq!(server.wait().code(), Some(0), "{arguments:?}");
    let log = log.into_inner().unwrap();
    let before = log.iter().filter(|(sent, _)| *sent < signalled).count();
    assert!(before > 50, "only {before} requests before the signal");
    let in_time = signalled + drain_delay;
    for (sent, line) in &log {
        assert!(
            line == "HTTP/1.1 200 OK" || (line == "closed" && *sent >= in_time),
            "{arguments:?}: {line}, {:?} after the signal",
            sent.saturating_duration_since(signalled)
        );
    }
    // Nothing can make the last look at who waits and the end of the listener one step: one or two may slip in
    // between.
    let closed = log.iter().filter(|(_, line)| line == "closed").count();
    assert!(closed <= CLIENTS / 4, "{arguments:?}: {closed} lost");
}

#[test]
fn sigterm_under_load_loses_no_request_that_was_sent_before_it() {
    stop_under_load(&[], Duration::from_millis(500));
    stop_under_load(&["--drain-delay", "0s"], Duration::ZERO);
}

#[test]
fn requests_on_connections_that_could_not_be_accepted_before_the_signal_are_answered() {
    const HEAD: &[u8] = b"GET /model HTTP/1.1\r\nhost: x\r\n\r\n";
    let server = Server::with(&["--max-connections", "1", "--drain-delay", "0s"]);
    let connect = || {
        let stream = TcpStream::connect(server.address()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    };
    let first_line = |stream: &mut TcpStream| {
        let mut start = [0; 15];
        stream
            .read_exact(&mut start)
            .map(|()| String::from_utf8_lossy(&start).into_owned())
    };
    // It takes the only place, and keeps it.
    let mut first = connect();
    first.write_all(HEAD).unwrap();
    assert_eq!(first_line(&mut first).unwrap(), "HTTP/1.1 200 OK");
    let mut waiting: Vec<_> = (0..8).map(|_| connect()).collect();
    for stream in &mut waiting {
        stream.write_all(HEAD).unwrap();
    }
    server.signal("TERM");
    for stream in &mut waiting {
        assert_eq!(first_line(stream).unwrap(), "HTTP/1.1 200 OK");
    }
    assert_eq!(server.wait().code(), Some(0));
}

/// One request on a connection of its own; `None` when the server no longer accepts.
fn request(address: &str, image: &[u8]) -> Option<(Instant, String)> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let head = format!(
        "POST /classify HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        image.len()
    );
    let sent = stream
        .write_all(head.as_bytes())
        .and_then(|()| stream.write_all(image));
    let at = Instant::now();
    let mut reply = Vec::new();
    let outcome = match sent.and_then(|()| stream.read_to_end(&mut reply)) {
        Ok(_) if reply.is_empty() => "closed".to_owned(),
        Ok(_) => String::from_utf8_lossy(&reply)
            .lines()
            .next()
            .unwrap_or("")
            .to_owned(),
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::ConnectionReset | ErrorKind::BrokenPipe
            ) =>
        {
            "closed".to_owned()
        }
        Err(error) => error.to_string(),
    };
    Some((at, outcome))
}

#[test]
fn while_stopping_the_server_says_that_it_is_not_ready_and_finishes_what_it_has() {
    let server = Server::with(&["--drain-delay", "1500ms"]);
    server.signal("TERM");
    let deadline = Instant::now() + PATIENCE;
    loop {
        let ready = server.get("/readyz");
        if ready.status == 503 {
            break;
        }
        assert!(Instant::now() < deadline, "still ready");
    }
    server.classify("image/png", &png()).answer();
    assert_eq!(server.wait().code(), Some(0));
}

#[test]
fn a_second_sigterm_cuts_nothing_off_and_ctrl_c_after_it_does() {
    let server = Server::with(&["--drain-delay", "60s"]);
    server.signal("TERM");
    until(&server, "still ready", || {
        server.get("/readyz").status == 503
    });
    // Later than what would count as the same signal.
    std::thread::sleep(Duration::from_millis(300));
    server.signal("TERM");
    until(&server, "not told", || {
        server.log().contains("SIGTERM again")
    });
    server.classify("image/png", &png()).answer();
    server.signal("INT");
    assert_eq!(server.wait().code(), Some(1));
}
