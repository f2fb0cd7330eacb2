//! Requests, made once and sent again and again.

use std::net::SocketAddr;

use crate::server::{Body, Contender};

/// A request for each file, head and body.
pub fn requests(
    contender: &Contender,
    address: SocketAddr,
    media_type: &str,
    files: &[Vec<u8>],
) -> Vec<Vec<u8>> {
    files
        .iter()
        .map(|file| request(contender, address, media_type, file))
        .collect()
}

fn request(contender: &Contender, address: SocketAddr, media_type: &str, file: &[u8]) -> Vec<u8> {
    let (media_type, body) = match contender.body {
        Body::Raw => (media_type, file.to_vec()),
    };
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: {address}\r\nContent-Type: {media_type}\r\n\
         Content-Length: {}\r\n\r\n",
        contender.path,
        body.len(),
    );
    [head.into_bytes(), body].concat()
}
