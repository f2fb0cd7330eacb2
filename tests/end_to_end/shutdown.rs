//! SIGTERM and Ctrl-C.

use std::{
    io::{ErrorKind, Read, Write},
    net::TcpStream,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use crate::support::{PATIENCE, Server, png};

#[test]
fn sigterm_and_ctrl_c_end_an_idle_server_with_success() {
    for signal in ["TERM", "INT"] {
        let server = Server::start();
        server.signal(signal);
        assert_eq!(server.wait().code(), Some(0), "{signal}");
    }
}

#[test]
fn sigterm_under_load_loses_no_request_that_was_sent_before_it() {
    let server = Server::start();
    let image = png();
    let stop = AtomicBool::new(false);
    // When each request had been sent whole, and the first line of what came back.
    let log: Mutex<Vec<(Instant, String)>> = Mutex::new(Vec::new());
    let signalled = std::thread::scope(|scope| {
        for _ in 0..8 {
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
    assert_eq!(server.wait().code(), Some(0));
    let log = log.into_inner().unwrap();
    let before: Vec<_> = log.iter().filter(|(sent, _)| *sent < signalled).collect();
    assert!(
        before.len() > 50,
        "only {} requests before the signal",
        before.len()
    );
    for (_, line) in &before {
        assert_eq!(line, "HTTP/1.1 200 OK");
    }
    for (_, line) in &log {
        assert!(
            [
                "HTTP/1.1 200 OK",
                "HTTP/1.1 503 Service Unavailable",
                "closed"
            ]
            .contains(&line.as_str()),
            "{line}"
        );
    }
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
