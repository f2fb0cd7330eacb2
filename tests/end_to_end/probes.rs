//! Kubernetes and Prometheus get through whatever clients do: `--probe-listen`.

use std::{
    io::{ErrorKind, Read, Write},
    net::{TcpListener, TcpStream},
    thread,
    time::Duration,
};

use crate::{
    slow_model,
    support::{PATIENCE, Server, normgate, png, until},
    wire::{connect, request},
};

/// A server all of whose places are taken by clients that wait long for an answer.
fn all_places_taken() -> (Server, [TcpStream; 3]) {
    let arguments = "--probe-listen 127.0.0.1:0 --max-connections 3 --max-batch 1 --deadline 5m \
                     --drain-delay 0s";
    let arguments: Vec<&str> = arguments.split(' ').collect();
    let long = slow_model::convolutions_in(Duration::from_secs(4));
    let server = slow_model::server(long, &arguments);
    until(&server, "it has said all", || {
        server.log().contains("probes   http://")
    });
    let clients = [(); 3].map(|()| {
        let mut client = connect(&server);
        client.write_all(&request(&png())).unwrap();
        client
    });
    let waiting = "normgate_queue_depth 2";
    until(&server, "one is worked on and two wait", || {
        probe(&server, "/metrics").contains(waiting)
    });
    (server, clients)
}

/// Where the server says that it answers probes.
fn address(server: &Server) -> String {
    let log = server.log();
    let (_, rest) = log.split_once("probes   http://").expect("it says where");
    rest.split('/').next().unwrap().to_owned()
}

/// One request as a probe makes it: on a connection of its own.
fn probe(server: &Server, path: &str) -> String {
    let mut stream = TcpStream::connect(address(server)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let head = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    reply
}

fn still_waits(client: &TcpStream) -> bool {
    client.set_nonblocking(true).unwrap();
    let error = client.peek(&mut [0]).err();
    error.is_some_and(|error| error.kind() == ErrorKind::WouldBlock)
}

#[test]
fn probes_are_answered_although_busy_clients_have_all_connections() {
    let (server, clients) = all_places_taken();
    // At the clients' address, nobody else gets in.
    let mut locked_out = connect(&server);
    locked_out
        .write_all(b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n")
        .unwrap();
    for path in ["/livez", "/readyz", "/metrics"] {
        let reply = probe(&server, path);
        assert!(reply.starts_with("HTTP/1.1 200"), "{path}: {reply}");
    }
    let health = normgate()
        .arg("health")
        .env("NORMGATE_PROBE_LISTEN", address(&server))
        .output();
    assert!(health.unwrap().status.success());
    let reply = probe(&server, "/classify");
    assert!(reply.starts_with("HTTP/1.1 404"), "{reply}");
    assert!(reply.contains("--probe-listen"), "{reply}");
    until(&server, "the waiting is counted", || {
        let metrics = probe(&server, "/metrics");
        let waited = metrics
            .lines()
            .find_map(|line| line.strip_prefix("normgate_connection_wait_seconds_total "));
        metrics.contains("normgate_connections 3") && waited.is_some_and(|seconds| seconds != "0.0")
    });
    assert!(still_waits(&clients[2]) && still_waits(&locked_out));
}

#[test]
fn while_the_last_requests_are_finished_it_is_alive_and_not_ready() {
    let (server, clients) = all_places_taken();
    server.signal("TERM");
    until(&server, "it is known to be on its way out", || {
        probe(&server, "/readyz").starts_with("HTTP/1.1 503")
    });
    let reply = probe(&server, "/livez");
    assert!(reply.starts_with("HTTP/1.1 200"), "{reply}");
    assert!(still_waits(&clients[2]));
}

#[test]
fn the_address_of_probes_cannot_be_that_of_clients() {
    let same = "serve --listen 127.0.0.1:8080 --probe-listen 127.0.0.1:8080";
    let output = normgate().args(same.split(' ')).output().unwrap();
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert!(message.contains("choose another port"), "{message}");
}

#[test]
fn health_waits_no_longer_than_it_says_for_an_answer_that_trickles() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let asked = thread::spawn(move || {
        normgate()
            .args(["health", "--timeout", "300ms", "--listen", &address])
            .status()
    });
    let (mut client, _) = listener.accept().unwrap();
    // Would go on for minutes, each byte within the time.
    let mut sent = 0;
    while !asked.is_finished() {
        assert!(sent < 1000, "it is still waiting");
        let _ = client.write_all(b"x");
        sent += 1;
        thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(asked.join().unwrap().unwrap().code(), Some(1));
}
