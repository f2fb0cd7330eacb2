//! Requests, made once and sent again and again.

use std::net::SocketAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

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
        Body::Json => {
            let body = json!({ "image": STANDARD.encode(file) });
            ("application/json", body.to_string().into_bytes())
        }
        Body::OpenInference => {
            let picture = json!({
                "name": "image",
                "shape": [1, 1],
                "datatype": "BYTES",
                "data": [STANDARD.encode(file)],
            });
            let body = json!({ "inputs": [picture] });
            ("application/json", body.to_string().into_bytes())
        }
    };
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: {address}\r\nContent-Type: {media_type}\r\n\
         Content-Length: {}\r\n\r\n",
        contender.path,
        body.len(),
    );
    [head.into_bytes(), body].concat()
}
