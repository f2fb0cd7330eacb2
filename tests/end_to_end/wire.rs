//! HTTP by hand, for what no well-behaved client does.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use crate::support::{PATIENCE, Server};

pub fn connect(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(server.address()).expect("the server listens");
    stream.set_nodelay(true).expect("a TCP option");
    stream
        .set_read_timeout(Some(PATIENCE))
        .expect("a TCP option");
    stream
}

/// The head of a request with an image of this many bytes.
pub fn head(length: usize) -> String {
    format!("POST /classify HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n")
}

/// A whole request, to be sent in one piece.
pub fn request(image: &[u8]) -> Vec<u8> {
    [head(image.len()).as_bytes(), image].concat()
}

/// Reads one reply and leaves the connection open: its status, or `None` if the connection was closed instead.
pub fn status(stream: &mut TcpStream) -> Option<u16> {
    let mut reply = Vec::new();
    let mut piece = [0; 4096];
    let end = loop {
        if let Some(at) = reply.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        match stream.read(&mut piece) {
            Ok(read @ 1..) => reply.extend_from_slice(&piece[..read]),
            _ => return None,
        }
    };
    let head = String::from_utf8_lossy(&reply[..end]).to_lowercase();
    let length: usize = head
        .split("content-length: ")
        .nth(1)?
        .lines()
        .next()?
        .parse()
        .ok()?;
    let mut rest = vec![0; (end + length).saturating_sub(reply.len())];
    stream.read_exact(&mut rest).ok()?;
    head.split(' ').nth(1)?.parse().ok()
}

/// Sends a request and reads its reply.
pub fn exchange(stream: &mut TcpStream, request: &[u8]) -> Option<u16> {
    stream.write_all(request).ok()?;
    status(stream)
}

/// The time that 99 of 100 requests take at most, sent one after the other. Each must be answered.
pub fn p99(stream: &mut TcpStream, request: &[u8]) -> Duration {
    let mut times: Vec<Duration> = (0..400)
        .map(|_| {
            let began = Instant::now();
            assert_eq!(exchange(stream, request), Some(200));
            began.elapsed()
        })
        .collect();
    times.sort();
    times[times.len() * 99 / 100]
}

/// The value of a metric, summed over all its labels.
pub fn metric(server: &Server, name: &str) -> f64 {
    let text = server.get("/metrics").text();
    let lines = text.lines().filter(|line| {
        let rest = line.strip_prefix(name);
        rest.is_some_and(|rest| rest.starts_with([' ', '{']))
    });
    lines
        .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
        .sum()
}
