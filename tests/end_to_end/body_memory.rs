//! The bytes of all bodies together are bounded, in whichever way the images come.

use std::{
    io::{Read, Write},
    net::TcpStream,
    thread,
    time::{Duration, Instant},
};

use image::ImageFormat;

use crate::{
    bodies::{base64_json, multipart},
    models::ENGLISH,
    support::{PATIENCE, Server, encoded, picture, png, until},
    wire::{connect, exchange, head, request, status},
};

#[test]
fn what_does_not_fit_beside_the_bodies_that_are_there_is_turned_away_until_they_are_gone() {
    let server = Server::with(&["--max-body-bytes", "2MiB", "--body-memory", "3MiB"]);
    // Two of these are too much for the memory, but each alone is not.
    let image = encoded(picture(820, 800), ImageFormat::Bmp);
    let (form, form_body) = multipart(&[("image", "a.bmp", &image)]);
    let smaller = encoded(picture(700, 700), ImageFormat::Bmp);
    let ways = [
        ("image/bmp", image.clone()),
        (form.as_str(), form_body),
        ("application/json", base64_json(&smaller)),
    ];
    let whole = request(&image);
    let (most, last) = whole.split_at(whole.len() - 1);
    for (kind, body) in &ways {
        let begin = || {
            let mut stream = connect(&server);
            stream.write_all(most).unwrap();
            stream
        };
        let mut unfinished = begin();
        let began = Instant::now();
        let refused = loop {
            let reply = server.classify(kind, body);
            if reply.status != 200 {
                break reply;
            }
            // The server has not read that much of the other yet, or it was the other that did not fit.
            assert!(began.elapsed() < PATIENCE, "{kind}: never refused");
            if is_answered(&unfinished) {
                unfinished = begin();
            }
            thread::sleep(Duration::from_millis(5));
        };
        let problem = refused.problem(429);
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains("--body-memory"), "{kind}: {detail}");
        assert!(refused.header("retry-after").is_some());
        unfinished.write_all(last).unwrap();
        assert_eq!(status(&mut unfinished), Some(200));
        // All that was counted is free again, each time.
        for _ in 0..5 {
            server.classify(kind, body).answer();
        }
    }
}

#[test]
fn who_does_not_read_a_large_answer_gives_its_memory_back_when_others_need_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.onnx");
    let mut manifest = ENGLISH.manifest();
    for label in &mut manifest.labels {
        *label = label.repeat(1000 / label.len());
    }
    ENGLISH
        .model()
        .with_manifest(manifest)
        .unwrap()
        .save(&path)
        .unwrap();
    let server = Server::with(&[
        "--model",
        path.to_str().unwrap(),
        "--max-files",
        "1500",
        "--queue-capacity",
        "2000",
        "--max-body-bytes",
        "10MiB",
        "--body-memory",
        "14MiB",
        "--body-timeout",
        "10m",
        "--deadline",
        "1m",
    ]);
    // The answer, of some 6 MB, is far more than the system takes on the way.
    let image = png();
    let (kind, form) = multipart(&vec![("image", "a.png", image.as_slice()); 1500]);
    let head = format!(
        "POST /classify HTTP/1.1\r\nhost: x\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n",
        form.len()
    );
    let mut stuck = connect(&server);
    stuck.write_all(head.as_bytes()).unwrap();
    stuck.write_all(&form).unwrap();
    until(&server, "the form is answered", || is_answered(&stuck));
    let photo = encoded(picture(1000, 3000), ImageFormat::Bmp);
    until(&server, "the photo is answered", || {
        server.classify("image/bmp", &photo).status == 200
    });
    // It was closed in the middle of its answer.
    let mut taken = Vec::new();
    let _ = stuck.read_to_end(&mut taken);
    let head = String::from_utf8_lossy(&taken[..1000]).to_lowercase();
    let length = head.split("content-length: ").nth(1).unwrap();
    let length: usize = length.lines().next().unwrap().parse().unwrap();
    assert!(taken.len() < length, "{} of {length}", taken.len());
}

fn is_answered(stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).unwrap();
    let answered = stream.peek(&mut [0]).is_ok();
    stream.set_nonblocking(false).unwrap();
    answered
}

#[test]
fn a_client_that_has_sent_no_more_than_a_head_does_not_give_way_to_a_body() {
    const LENGTH: usize = 60_000;
    let server = Server::with(&["--max-body-bytes", "64KiB", "--body-memory", "64KiB"]);
    let mut waiting = connect(&server);
    waiting.write_all(head(LENGTH).as_bytes()).unwrap();
    let mut stalled = connect(&server);
    stalled.write_all(head(LENGTH).as_bytes()).unwrap();
    stalled.write_all(&[0; 2 * LENGTH / 3]).unwrap();
    // Both keep the server waiting for longer than anybody may who holds what others need.
    thread::sleep(Duration::from_millis(1500));
    let other = request(&[0; LENGTH]);
    assert_eq!(exchange(&mut connect(&server), &other), Some(415));
    assert_eq!(status(&mut stalled), None);
    assert_eq!(exchange(&mut waiting, &[0; LENGTH]), Some(415));
}
