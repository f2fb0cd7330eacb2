//! The ways to send an image.

use axum::body::Body;
use axum::http::Request;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http_body_util::BodyExt;
use tower::ServiceExt;

use crate::test_support::{BLACK, FORM, GREEN, RED, Service, form, jpeg, png};

#[tokio::test]
async fn raw_form_and_json_bodies_get_the_same_answer() {
    let service = Service::with(&[]);
    let image = png(GREEN, 40, 20);
    let json = format!("{{\"image\": \"{}\"}}", STANDARD.encode(&image));
    let raw = service.classify(image.clone()).await.ok();
    for (kind, body) in [
        ("image/jpeg", image.clone()),
        ("application/octet-stream", image.clone()),
        ("application/x-www-form-urlencoded", image.clone()),
        (FORM, form(&[("a.png", &image)])),
        ("application/json", json.into_bytes()),
    ] {
        assert_eq!(
            service.post("/classify", kind, body).await.ok(),
            raw,
            "{kind}"
        );
    }
    let untyped = Request::post("/classify").body(Body::from(image)).unwrap();
    assert_eq!(service.send(untyped).await.ok(), raw);
}

#[tokio::test]
async fn several_files_are_answered_in_order_each_for_itself() {
    let service = Service::with(&[]);
    let (red, black) = (png(RED, 8, 8), png(BLACK, 700, 700));
    let body = form(&[
        ("1.png", &red),
        ("notes.txt", b"no image"),
        ("3.png", &black),
    ]);
    let answer = service.post("/classify?top=1", FORM, body).await.ok();
    let results = answer["results"].as_array().unwrap();
    assert_eq!(results.len(), 3);
    assert_eq!(
        (&results[0]["file"], &results[0]["label"]),
        (&"1.png".into(), &"red".into())
    );
    assert_eq!(results[1]["file"], "notes.txt");
    assert_eq!(
        (&results[1]["status"], &results[1]["type"]),
        (&415.into(), &"/problems/unsupported-media-type".into())
    );
    assert_eq!(
        (
            &results[2]["is_ood"],
            &results[2]["top"].as_array().unwrap().len()
        ),
        (&true.into(), &1)
    );
    let metrics = service.get("/metrics").await;
    assert!(
        metrics
            .text()
            .contains("normgate_rejected_total{reason=\"unsupported-media-type\"} 1")
    );
}

#[tokio::test]
async fn one_bad_file_alone_is_the_problem_of_its_request() {
    let service = Service::with(&[]);
    let body = form(&[("notes.txt", b"no image")]);
    service
        .post("/classify", FORM, body)
        .await
        .problem(415, "unsupported-media-type");
}

#[tokio::test]
async fn who_sends_a_file_in_a_way_that_breaks_it_is_told_the_right_one() {
    let service = Service::with(&[]);
    let mut without_line_breaks = jpeg(RED, 90, 90);
    without_line_breaks.retain(|byte| !b"\r\n\0".contains(byte));
    let detail = |problem: serde_json::Value| problem["detail"].as_str().unwrap().to_owned();
    let web_form = "application/x-www-form-urlencoded";
    let reply = service.post("/classify", web_form, without_line_breaks.clone());
    let said = detail(reply.await.problem(422, "undecodable-image"));
    assert!(said.contains("--data-binary"), "{said}");
    let reply = service.post("/classify", "image/png", without_line_breaks);
    let said = detail(reply.await.problem(422, "undecodable-image"));
    assert!(!said.contains("curl"), "{said}");
    let whole_at_the_front = jpeg(RED, 90, 90)[..300].to_vec();
    let reply = service.post("/classify", web_form, whole_at_the_front);
    let said = detail(reply.await.problem(422, "undecodable-image"));
    assert!(!said.contains("curl"), "{said}");
    for (body, says) in [
        ("photo.jpg", "--data-binary @photo.jpg"),
        ("image=photo.jpg", "or FormData in a browser"),
        ("%PDF-1.7", "PDF): send one of these formats"),
        (
            "https://example.org/a.jpg",
            "a URL): send one of these formats",
        ),
        ("{\"image\": \"x\"}", "(curl --json sets it)"),
    ] {
        let reply = service.post("/classify", web_form, body);
        let said = detail(reply.await.problem(415, "unsupported-media-type"));
        assert!(said.ends_with(says), "{said}");
    }
    let name_alone =
        "--B\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nphoto.jpg\r\n--B--\r\n";
    let reply = service.post("/classify", "multipart/form-data; boundary=B", name_alone);
    let said = detail(reply.await.problem(415, "unsupported-media-type"));
    assert!(said.contains("file=@photo.jpg"), "{said}");
}

#[tokio::test]
async fn more_files_than_allowed_are_refused() {
    let service = Service::with(&["--max-files", "2"]);
    let red = png(RED, 8, 8);
    let body = form(&[("1", &red), ("2", &red), ("3", &red)]);
    let problem = service
        .post("/classify", FORM, body)
        .await
        .problem(413, "too-many-files");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("--max-files") && detail.ends_with("send several requests"));
}

#[tokio::test]
async fn large_answers_that_nobody_reads_fill_the_memory_for_bodies() {
    let limits = ["--max-body-bytes", "64KiB", "--body-memory", "64KiB"];
    let service = Service::with(&limits);
    let image = png(GREEN, 8, 8);
    let files = vec![("a.png", image.as_slice()); 60];
    let request = || {
        let request = Request::post("/classify").header("content-type", FORM);
        let request = request.header("host", "x");
        request.body(Body::from(form(&files))).unwrap()
    };
    let waiting = service.router.clone().oneshot(request()).await.unwrap();
    assert_eq!(waiting.status(), 200);
    let length: usize = waiting.headers()["content-length"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    let intake = &service.state.intake;
    assert!(length > 16 << 10, "{length}");
    assert_eq!((intake.held(), intake.bodies()), (length, 0));
    // It has a small answer, and needs less than what is left.
    service.classify(image.clone()).await.ok();
    service.send(request()).await.problem(429, "overloaded");
    let metrics = service.get("/metrics").await;
    let counted = "normgate_rejected_total{reason=\"body-memory-full\"} 1";
    assert!(metrics.text().contains(counted), "{}", metrics.text());
    let taken = format!("normgate_body_memory_bytes {length}\n");
    assert!(metrics.text().contains(&taken), "{}", metrics.text());
    assert_eq!((intake.held(), intake.bodies()), (length, 0));

    let read = waiting.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(read.len(), length);
    let answer: serde_json::Value = serde_json::from_slice(&read).unwrap();
    assert_eq!(answer["results"].as_array().unwrap().len(), files.len());
    drop(read);
    assert_eq!((intake.held(), intake.bodies()), (0, 0));
    service.send(request()).await.ok();
}

#[tokio::test]
async fn an_answer_that_is_shorter_than_its_body_takes_no_more_than_itself() {
    let service = Service::with(&[]);
    let image = png(GREEN, 8, 8);
    let padding = vec![0; 300 << 10];
    let mut files = vec![("a.png", image.as_slice()); 60];
    files.push(("padding.bin", &padding));
    let request = Request::post("/classify").header("content-type", FORM);
    let request = request.header("host", "x").body(Body::from(form(&files)));
    let answer = service.router.clone().oneshot(request.unwrap()).await;
    let waiting = answer.unwrap();
    let intake = &service.state.intake;
    let held = intake.held();
    assert!((16 << 10..64 << 10).contains(&held), "{held}");
    assert_eq!(intake.bodies(), 0);
    drop(waiting);
    assert_eq!(intake.held(), 0);
}

#[tokio::test]
async fn a_body_that_fills_the_memory_can_be_answered() {
    let image = png(GREEN, 8, 8);
    let padding = vec![0; 50 << 10];
    let mut files = vec![("a.png", image.as_slice()); 30];
    files.push(("padding.bin", &padding));
    let body = form(&files);
    let size = body.len().to_string();
    let service = Service::with(&["--max-body-bytes", &size, "--body-memory", &size]);
    let answer = service.post("/classify", FORM, body).await.ok();
    assert_eq!(answer["results"].as_array().unwrap().len(), files.len());
}

#[tokio::test]
async fn an_answer_that_never_fits_is_refused_with_what_to_ask_for() {
    let limits = ["--max-body-bytes", "32KiB", "--body-memory", "32KiB"];
    let image = png(GREEN, 8, 8);
    let files = vec![("a.png", image.as_slice()); 60];
    let service = Service::with(&limits);
    let answer = service.post("/classify", FORM, form(&files)).await;
    answer.problem(400, "malformed-request");
    assert!(answer.text().contains("fewer labels"), "{}", answer.text());
}
