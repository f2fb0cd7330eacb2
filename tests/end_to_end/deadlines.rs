//! What cannot be done in time, what does not fit into the queue, and what the client is told.

use std::{io::Write, time::Instant};

use crate::{
    bodies::multipart,
    slow_model,
    support::{self, Server, png},
    wire::{connect, metric, request, status},
};

/// Waits until a metric has this value.
fn until(server: &Server, name: &str, value: f64) {
    support::until(server, name, || metric(server, name) == value);
}

fn send(server: &Server) -> std::net::TcpStream {
    let mut stream = connect(server);
    stream.write_all(&request(&png())).unwrap();
    stream
}

#[test]
fn an_image_is_given_up_while_it_waits_when_its_clients_own_time_is_over() {
    let server = slow_model::server(1500, &["--max-batch", "1", "--deadline", "5m"]);
    let mut other = send(&server);
    until(&server, "normgate_batch_size_count", 1.0);
    let headers = [
        ("content-type", "image/png"),
        ("x-request-timeout", "100ms"),
    ];
    let problem = server.post("/classify", &headers, &png()).problem(504);
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("0.1 s (x-request-timeout)"), "{detail}");
    assert_eq!(status(&mut other), Some(200));
    until(&server, "normgate_abandoned_total", 1.0);
    assert_eq!(metric(&server, "normgate_batch_size_sum"), 1.0);
    let metrics = server.get("/metrics").text();
    let counted = "normgate_rejected_total{reason=\"client-deadline-exceeded\"} 1\n";
    assert!(metrics.contains(counted), "{metrics}");
    // What the client asked for is not the server's fault.
    assert!(!server.log().contains("WARN"), "{}", server.log());
}

#[test]
fn an_image_is_given_up_while_it_waits_when_the_servers_deadline_is_over_and_no_client_can_raise_it()
 {
    let server = slow_model::server(1500, &["--max-batch", "1", "--deadline", "500ms"]);
    let mut first = send(&server);
    until(&server, "normgate_batch_size_count", 1.0);
    let headers = [("content-type", "image/png"), ("x-request-timeout", "1m")];
    let problem = server.post("/classify", &headers, &png()).problem(504);
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("--deadline"), "{detail}");
    // The first image was being worked on already, and its deadline is no later.
    assert_eq!(status(&mut first), Some(504));
    until(&server, "normgate_abandoned_total", 1.0);
    assert_eq!(metric(&server, "normgate_batch_size_sum"), 1.0);
}

#[test]
fn files_count_one_by_one_and_who_is_refused_hears_how_long_the_others_will_take() {
    let server = slow_model::server(
        500,
        &[
            "--max-batch",
            "1",
            "--queue-capacity",
            "2",
            "--deadline",
            "5m",
        ],
    );
    let began = Instant::now();
    assert_eq!(server.classify("image/png", &png()).status, 200);
    let one = began.elapsed();

    let image = png();
    let (kind, body) = multipart(&[("image", "a.png", &image[..]); 8]);
    let results = server.classify(&kind, &body).answer();
    let results = results["results"].as_array().unwrap().clone();
    let refused = |result: &&serde_json::Value| result.to_string().contains("/problems/overloaded");
    let refused = results.iter().filter(refused).count();
    // Two wait, and one or two may have been taken up meanwhile.
    assert!((4..=6).contains(&refused), "{results:?}");
    assert_eq!(
        metric(&server, "normgate_batch_size_sum"),
        9.0 - refused as f64
    );

    let batches = metric(&server, "normgate_batch_size_count");
    let first = send(&server);
    until(&server, "normgate_batch_size_count", batches + 1.0);
    let mut others = [first, send(&server), send(&server)];
    until(&server, "normgate_queue_depth", 2.0);
    let reply = server.classify(&kind, &body);
    reply.problem(429);
    let seconds: f64 = reply.header("retry-after").unwrap().parse().unwrap();
    let two = 2.0 * one.as_secs_f64();
    assert!(
        seconds > two / 4.0 && seconds <= (two * 8.0).clamp(1.0, 60.0).ceil(),
        "{seconds} {one:?}"
    );
    for stream in &mut others {
        assert_eq!(status(stream), Some(200));
    }
}
