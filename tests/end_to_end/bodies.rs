//! The three ways to send an image, and that all give the same answer.

use std::io::{Read, Write};
use std::thread::sleep;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Server, encoded, picture, png};
use crate::wire::{connect, exchange, request, status};

const BOUNDARY: &str = "a-line-that-no-image-contains";

pub fn multipart(files: &[(&str, &str, &[u8])]) -> (String, Vec<u8>) {
    let mut body = Vec::new();
    for (field, file, bytes) in files {
        let head = format!(
            "--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"{field}\"; filename=\"{file}\"\r\n\
             content-type: application/octet-stream\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    (format!("multipart/form-data; boundary={BOUNDARY}"), body)
}

pub fn base64_json(bytes: &[u8]) -> Vec<u8> {
    use base64::Engine;
    json!({ "image": base64::engine::general_purpose::STANDARD.encode(bytes) })
        .to_string()
        .into_bytes()
}

#[test]
fn raw_multipart_and_json_bodies_give_the_same_answer() {
    let server = Server::start();
    let raw = server.classify("image/png", &png()).answer();
    let untyped = server.classify("application/octet-stream", &png()).answer();
    // What `curl --data-binary @photo.jpg` declares unless told otherwise.
    let curl = server
        .classify("application/x-www-form-urlencoded", &png())
        .answer();
    let (kind, body) = multipart(&[("image", "a.png", &png())]);
    let multipart = server.classify(&kind, &body).answer();
    let json = server
        .classify("application/json", &base64_json(&png()))
        .answer();
    for other in [untyped, curl, multipart, json] {
        assert_eq!(raw, other);
    }
}

#[test]
fn several_files_are_answered_in_their_order_each_for_itself() {
    let server = Server::start();
    let alone: Vec<Value> = [png(), encoded(picture(64, 20), image::ImageFormat::Bmp)]
        .iter()
        .map(|bytes| server.classify("application/octet-stream", bytes).answer())
        .collect();
    let second = encoded(picture(64, 20), image::ImageFormat::Bmp);
    let (kind, body) = multipart(&[
        ("file", "a.png", &png()),
        ("file", "notes.txt", b"no image"),
        ("file", "b.bmp", &second),
    ]);
    let answer = server.classify(&kind, &body).answer();
    let results = answer["results"]
        .as_array()
        .expect("a result for each file");
    assert_eq!(results.len(), 3);
    assert_eq!(results[0]["ood"]["score"], alone[0]["ood"]["score"]);
    assert_eq!(results[2]["ood"]["score"], alone[1]["ood"]["score"]);
    let failed = results[1].to_string();
    assert!(
        failed.contains("415") && failed.contains("notes.txt"),
        "{failed}"
    );
}

#[test]
fn who_asked_before_sending_and_is_refused_in_the_middle_gets_to_read_it() {
    let server = Server::with(&["--max-body-bytes", "1MiB"]);
    let mut stream = connect(&server);
    stream
        .write_all(
            b"POST /classify HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\
              expect: 100-continue\r\n\r\n",
        )
        .unwrap();
    let mut go_on = [0; "HTTP/1.1 100 Continue\r\n\r\n".len()];
    stream.read_exact(&mut go_on).unwrap();
    assert!(go_on.starts_with(b"HTTP/1.1 100"));
    let chunk = [b"10000\r\n", &[0; 0x10000][..], b"\r\n"].concat();
    for _ in 0..32 {
        stream.write_all(&chunk).unwrap();
        // Otherwise all would be sent before a connection that is closed too early says so.
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    stream.write_all(b"0\r\n\r\n").unwrap();
    assert_eq!(status(&mut stream), Some(413));
}

#[test]
fn json_that_is_not_what_was_asked_for_is_refused_by_name() {
    let server = Server::start();
    for (body, names) in [
        ("{", "JSON"),
        ("{}", "image"),
        (r#"{"image": 7}"#, "image"),
        (r#"{"image": "%%%"}"#, "base64"),
        (r#"[1, 2]"#, "JSON"),
    ] {
        let problem = server
            .classify("application/json", body.as_bytes())
            .problem(400);
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(names), "{body}: {detail}");
    }
}

#[test]
fn multipart_without_a_file_or_cut_short_is_refused() {
    let server = Server::start();
    let (kind, body) = multipart(&[]);
    server.classify(&kind, &body).problem(400);
    let (kind, body) = multipart(&[("image", "a.png", &png())]);
    server.classify(&kind, &body[..body.len() / 2]).problem(400);
    server.classify("multipart/form-data", &body).problem(400);
}

#[test]
fn a_photo_sent_to_a_wrong_path_or_by_a_wrong_method_is_told_so_and_keeps_its_connection() {
    let server = Server::start();
    let mut stream = connect(&server);
    for (line, expected) in [("POST /classify/", 404), ("PUT /classify", 405)] {
        for bytes in [1 << 10, 200 << 10, 8 << 20] {
            let head = format!("{line} HTTP/1.1\r\nhost: x\r\ncontent-length: {bytes}\r\n\r\n");
            let refused = [head.into_bytes(), vec![b'x'; bytes]].concat();
            assert_eq!(
                exchange(&mut stream, &refused),
                Some(expected),
                "{line} {bytes}"
            );
            assert_eq!(
                exchange(&mut stream, &request(&png())),
                Some(200),
                "{line} {bytes}"
            );
        }
    }
}

#[test]
fn a_body_that_no_get_has_neither_ends_the_connection_nor_hides_the_next_request() {
    let server = Server::start();
    for bytes in [2, 200 << 10] {
        let mut stream = connect(&server);
        let head = format!("GET /model HTTP/1.1\r\nhost: x\r\ncontent-length: {bytes}\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        // The body is not there when the request is answered.
        sleep(Duration::from_millis(50));
        let get = exchange(&mut stream, &vec![b'{'; bytes]);
        assert_eq!(get, Some(200), "{bytes}");
        let next = exchange(&mut stream, &request(&png()));
        assert_eq!(next, Some(200), "{bytes}");
    }
    // One that comes only when it is asked for does not come, and the client is told.
    let mut stream = connect(&server);
    let head =
        "GET /livez HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\nexpect: 100-continue\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("connection: close"));
}

#[test]
fn a_form_with_other_fields_is_answered_as_one_with_the_photo_alone() {
    let server = Server::start();
    let (kind, body) = multipart(&[("photo", "a.png", &png())]);
    let alone = server.classify(&kind, &body).answer();
    let field = format!(
        "--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"_csrf\"\r\n\r\nc2VjcmV0\r\n"
    );
    let with_token = [field.as_bytes(), &body].concat();
    assert_eq!(server.classify(&kind, &with_token).answer(), alone);
}
