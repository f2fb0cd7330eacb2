//! Every error of the interface, from outside.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use image::ImageFormat;

use crate::support::{PATIENCE, Server, encoded, picture, png};
use crate::wire::{connect, head};

#[test]
fn an_empty_body_is_malformed() {
    let server = Server::start();
    server.classify("image/png", b"").problem(400);
}

#[test]
fn an_unknown_query_parameter_is_malformed() {
    let server = Server::start();
    let image = [("content-type", "image/png")];
    for query in ["?top=0", "?top=many", "?topp=3"] {
        let problem = server
            .post(&format!("/classify{query}"), &image, &png())
            .problem(400);
        assert!(
            problem["detail"].as_str().unwrap().contains("top"),
            "{problem}"
        );
    }
}

#[test]
fn too_many_bytes_are_refused_with_the_limit() {
    let server = Server::with(&["--max-body-bytes", "20000"]);
    let big = encoded(picture(200, 200), ImageFormat::Bmp);
    let problem = server.classify("image/bmp", &big).problem(413);
    assert!(
        problem["detail"].as_str().unwrap().contains("20"),
        "{problem}"
    );
    server.classify("image/png", &png()).answer();
}

#[test]
fn too_many_pixels_are_refused_with_the_limit() {
    let server = Server::with(&["--max-pixels", "10000"]);
    let problem = server
        .classify("image/png", &encoded(picture(101, 100), ImageFormat::Png))
        .problem(413);
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("101") && detail.contains("100"), "{detail}");
    server
        .classify("image/png", &encoded(picture(100, 100), ImageFormat::Png))
        .answer();
}

#[test]
fn a_type_that_is_no_image_is_unsupported_and_the_reply_says_what_is_accepted() {
    let server = Server::start();
    for (kind, body) in [
        ("text/html", b"<html></html>".as_slice()),
        ("image/png", b"%PDF-1.7 ..."),
        ("text/plain", &png()),
    ] {
        let reply = server.classify(kind, body);
        reply.problem(415);
        let accepted = reply.header("accept-post").expect("Accept-Post");
        assert!(
            accepted.contains("image/jpeg") && accepted.contains("multipart/form-data"),
            "{accepted}"
        );
    }
}

#[test]
fn an_image_cut_short_cannot_be_decoded() {
    let server = Server::start();
    for format in [
        ImageFormat::Png,
        ImageFormat::Jpeg,
        ImageFormat::Gif,
        ImageFormat::Bmp,
        ImageFormat::WebP,
    ] {
        let whole = encoded(picture(90, 70), format);
        let problem = server
            .classify("application/octet-stream", &whole[..whole.len() / 2])
            .problem(422);
        let detail = problem["detail"].as_str().unwrap().to_lowercase();
        let name = format!("{format:?}").to_lowercase();
        assert!(detail.contains(&name), "{format:?}: {detail}");
    }
}

#[test]
fn unknown_routes_and_methods_are_problems_too() {
    let server = Server::start();
    server.get("/nothing-here").problem(404);
    let reply = server.get("/classify");
    reply.problem(405);
    assert!(
        reply
            .header("allow")
            .is_some_and(|allow| allow.contains("POST"))
    );
}

#[test]
fn a_full_queue_answers_429_with_when_to_try_again() {
    let server = Server::with(&[
        "--queue-capacity",
        "1",
        "--workers",
        "1",
        "--max-batch",
        "1",
    ]);
    let slow = encoded(picture(1500, 1500), ImageFormat::Png);
    let replies = at_once(&server, 24, &slow);
    let refused: Vec<_> = replies
        .iter()
        .filter(|reply| reply.starts_with("HTTP/1.1 429"))
        .collect();
    assert!(!refused.is_empty(), "24 at once into a queue of one");
    for reply in &refused {
        let lower = reply.to_lowercase();
        assert!(
            lower.contains("retry-after:") && lower.contains("application/problem+json"),
            "{reply}"
        );
    }
    assert!(
        replies
            .iter()
            .any(|reply| reply.starts_with("HTTP/1.1 200"))
    );
    server.classify("image/png", &png()).answer();
}

#[test]
fn a_deadline_that_passes_answers_504() {
    let server = Server::with(&["--deadline", "1ms"]);
    let slow = encoded(picture(3000, 2500), ImageFormat::Png);
    server.classify("image/png", &slow).problem(504);
}

#[test]
fn what_http_forbids_is_refused_and_its_connection_closed() {
    let server = Server::start();
    let refused = |head: &str| {
        let mut stream = connect(&server);
        stream.write_all(head.as_bytes()).unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).unwrap();
        reply
    };
    for head in ["", "host: a\r\nhost: b\r\n", "host: a b\r\n"] {
        let reply = refused(&format!("GET /livez HTTP/1.1\r\n{head}\r\n"));
        assert!(reply.starts_with("HTTP/1.1 400"), "{head}: {reply}");
        assert!(reply.contains("connection: close") && reply.contains("Host header"));
    }
    let reply = refused("GET /livez HTTP/1.0\r\n\r\n");
    assert!(reply.starts_with("HTTP/1.0 200"), "{reply}");
    for (coding, body, says) in [
        ("gzip, chunked", "0\r\n\r\n", "501"),
        ("chunked, chunked", "0\r\n\r\n", "chunked twice"),
        ("chunked", "no number\r\n", "hunk size"),
    ] {
        let head = "POST /classify HTTP/1.1\r\nhost: x\r\ntransfer-encoding:";
        let reply = refused(&format!("{head} {coding}\r\n\r\n{body}"));
        assert!(reply.contains(says), "{coding}: {reply}");
    }
}

#[test]
fn who_asks_before_sending_and_is_refused_hears_that_the_connection_ends() {
    let server = Server::with(&["--max-body-bytes", "1MiB"]);
    let mut stream = connect(&server);
    let head = head(2 << 20).replace("\r\n\r\n", "\r\nexpect: 100-continue\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    assert!(reply.starts_with("HTTP/1.1 413"), "{reply}");
    assert!(reply.contains("connection: close"), "{reply}");
}

/// Sends the same image over `count` connections at once, and returns the raw replies.
fn at_once(server: &Server, count: usize, image: &[u8]) -> Vec<String> {
    let send = || {
        let mut stream = TcpStream::connect(server.address()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let head = format!(
            "POST /classify HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: image/png\r\n\
             content-length: {}\r\n\r\n",
            image.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(image).unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).unwrap();
        reply
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..count).map(|_| scope.spawn(send)).collect();
        std::thread::sleep(Duration::from_millis(1));
        threads
            .into_iter()
            .map(|thread| thread.join().expect("a reply"))
            .collect()
    })
}

#[test]
fn a_body_whose_chunks_are_broken_closes_the_connection_as_it_says() {
    let server = Server::start();
    let mut stream = connect(&server);
    let head = "POST /classify HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(b"zz\r\n").unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    assert!(reply.starts_with("HTTP/1.1 400 "), "{reply}");
    assert!(reply.contains("\r\nconnection: close\r\n"), "{reply}");
}
