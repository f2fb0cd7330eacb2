//! The bytes of all bodies together are bounded, in whichever way the images come.

use std::{
    io::Write,
    net::TcpStream,
    thread,
    time::{Duration, Instant},
};

use image::ImageFormat;

use crate::{
    bodies::{base64_json, multipart},
    support::{PATIENCE, Server, encoded, picture},
    wire::{connect, request, status},
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

fn is_answered(stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).unwrap();
    let answered = stream.peek(&mut [0]).is_ok();
    stream.set_nonblocking(false).unwrap();
    answered
}
