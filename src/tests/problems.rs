//! Every refusal, with the words that help.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::Request;
use clap::Parser;
use futures_util::{StreamExt, stream};

use crate::test_support::{Answer, Options, RED, Service, png};

fn detail(answer: &Answer) -> String {
    answer.json()["detail"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_empty_body_and_nonsense_in_the_query_are_malformed() {
    let service = Service::with(&[]);
    service.classify("").await.problem(400, "malformed-request");
    for query in [
        "top=0",
        "top=4",
        "top=-1",
        "top=many",
        "topp=3",
        "top=1&x=2",
        "top=1&top=2",
    ] {
        let answer = service
            .post(&format!("/classify?{query}"), "image/png", png(RED, 8, 8))
            .await;
        answer.problem(400, "malformed-request");
        assert!(
            detail(&answer).contains("top"),
            "{query}: {}",
            detail(&answer)
        );
    }
}

#[tokio::test]
async fn what_clients_write_stays_on_one_line_of_the_log_and_is_not_repeated_at_length() {
    let service = Service::with(&[]);
    let line = "%0a2026-01-01T00:00:00Z%20ERROR%20forged";
    let image = png(RED, 8, 8);
    let query = service
        .post(&format!("/classify?x{line}"), "image/png", image.clone())
        .await;
    query.problem(400, "malformed-request");
    assert!(detail(&query).starts_with("unknown query parameter \"x\\n2026"));
    let json = service
        .post("/classify", "application/json", r#"{"a\nb": 1}"#)
        .await;
    json.problem(400, "malformed-request");
    let path = service.get(&format!("/problems/{line}")).await;
    path.problem(404, "not-found");
    let long = "a/".to_owned() + &"b".repeat(100_000);
    let long = service.post("/classify", &long, image).await;
    long.problem(415, "unsupported-media-type");
    for answer in [query, json, path, long] {
        let detail = detail(&answer);
        assert!(!detail.contains('\n'), "{detail}");
        assert!(detail.len() < 1000, "{} bytes", detail.len());
    }
}

#[tokio::test]
async fn a_path_that_is_no_text_is_not_found() {
    let service = Service::with(&[]);
    service.get("/problems/%ff").await.problem(404, "not-found");
}

#[tokio::test]
async fn unknown_paths_and_methods_are_problems_too() {
    let service = Service::with(&[]);
    service.get("/nothing").await.problem(404, "not-found");
    let answer = service.get("example.org:80").await;
    answer.problem(404, "not-found");
    assert!(detail(&answer).contains("at an empty path;"));
    let answer = service.get("/classify").await;
    answer.problem(405, "method-not-allowed");
    assert_eq!(answer.header("allow"), "POST");
    assert_eq!(
        detail(&answer),
        "/classify does not answer GET; it answers POST"
    );
}

#[tokio::test]
async fn types_that_are_no_image_are_unsupported_and_the_answer_says_what_is() {
    let service = Service::with(&[]);
    let pdf = service.post("/classify", "image/png", "%PDF-1.7").await;
    let html = service.post("/classify", "text/html", png(RED, 8, 8)).await;
    for answer in [pdf, html] {
        answer.problem(415, "unsupported-media-type");
        assert!(answer.header("accept-post").contains("image/webp"));
    }
}

#[tokio::test]
async fn too_many_bytes_are_refused_whether_announced_or_not() {
    let service = Service::with(&["--max-body-bytes", "1KiB"]);
    let announced = Request::post("/classify").header("content-length", "1025");
    let announced = service
        .send(announced.body(Body::from(vec![0; 1025])).unwrap())
        .await;
    let pieces =
        stream::repeat_with(|| Ok::<_, Infallible>(Bytes::from_static(&[0; 100]))).take(20);
    let unannounced = service.classify(Body::from_stream(pieces)).await;
    for answer in [announced, unannounced] {
        answer.problem(413, "body-too-large");
        assert!(
            detail(&answer).contains("1024 bytes") && detail(&answer).contains("--max-body-bytes")
        );
    }
}

#[tokio::test]
async fn too_many_pixels_are_refused_by_both_ways_of_decoding() {
    let small = Service::with(&["--max-pixels", "10000"]);
    let answer = small.classify(png(RED, 101, 100)).await;
    answer.problem(413, "image-too-large");
    assert!(detail(&answer).contains("101 × 100") && detail(&answer).contains("10000"));
    small.classify(png(RED, 100, 100)).await.ok();
    let large = Service::with(&["--max-pixels", "1000000"]);
    large
        .classify(png(RED, 1001, 1000))
        .await
        .problem(413, "image-too-large");
    large.classify(png(RED, 1000, 1000)).await.ok();
}

#[tokio::test]
async fn a_truncated_image_is_named_with_its_format() {
    let service = Service::with(&[]);
    let whole = png(RED, 90, 70);
    let answer = service.classify(whole[..whole.len() / 2].to_vec()).await;
    answer.problem(422, "undecodable-image");
    assert!(detail(&answer).contains("PNG"), "{}", detail(&answer));
}

#[tokio::test]
async fn bodies_that_fill_their_memory_are_turned_away_and_the_memory_comes_back() {
    let service = Service::with(&["--max-body-bytes", "1000", "--body-memory", "1000"]);
    let endless = stream::once(async { Ok::<_, Infallible>(Bytes::from_static(&[0; 900])) })
        .chain(stream::pending());
    let router = service.router.clone();
    let request = Request::post("/classify").header("host", "x");
    let request = request.body(Body::from_stream(endless)).unwrap();
    let slow = tokio::spawn(async move { tower::ServiceExt::oneshot(router, request).await });
    tokio::time::sleep(Duration::from_millis(50)).await;
    let image = png(RED, 8, 8);
    let answer = service
        .classify([image.clone(), vec![0; 200]].concat())
        .await;
    answer.problem(429, "overloaded");
    assert_eq!(answer.header("retry-after"), "1");
    slow.abort();
    let _ = slow.await;
    service.classify(image).await.ok();
}

#[tokio::test]
async fn a_body_that_does_not_come_is_waited_for_no_longer_than_allowed() {
    let service = Service::with(&["--body-timeout", "50ms"]);
    let never = stream::pending::<Result<Bytes, Infallible>>();
    let answer = service.classify(Body::from_stream(never)).await;
    answer.problem(408, "slow-request");
    assert_eq!(answer.header("connection"), "close");
}

#[tokio::test]
async fn a_refusal_says_that_the_connection_ends_where_the_body_is_not_read() {
    let service = Service::with(&["--max-body-bytes", "1KiB"]);
    for (line, expect, length, expected) in [
        ("/classify?x", "100-continue", 9, "close"),
        ("/nothing", "100-Continue", 9, "close"),
        ("/classify?x", "100-continue", 0, ""),
        ("/classify?x", "", 9, ""),
        ("/classify?top=0", "100-continue", 9, "close"),
        // What is no image is known only when the body has been read.
        ("/classify", "100-continue", 9, ""),
        // Up to four times the limit is read of what is refused.
        ("/classify", "", 4096, ""),
        ("/classify", "", 4097, "close"),
    ] {
        let request = Request::post(line)
            .header("expect", expect)
            .header("content-length", length);
        let body = Body::from(vec![0; length]);
        let answer = service.send(request.body(body).unwrap()).await;
        assert!(answer.status.is_client_error());
        assert_eq!(answer.header("connection"), expected, "{line} {length}");
    }
}

#[tokio::test]
async fn a_head_that_http_forbids_is_refused_as_everything_else_is() {
    let service = Service::with(&[]);
    for (name, value, status, slug) in [
        ("host", "a b", 400, "malformed-request"),
        (
            "transfer-encoding",
            "gzip, chunked",
            501,
            "unknown-transfer-coding",
        ),
    ] {
        let request = Request::post("/classify").header(name, value);
        let request = request.body(Body::from(png(RED, 8, 8))).unwrap();
        let answer = service.send(request).await;
        answer.problem(status, slug);
        assert_eq!(answer.header("connection"), "close");
        assert!(!answer.header("x-request-id").is_empty());
        let metrics = service.get("/metrics").await;
        let metrics = metrics.text();
        let counted = format!("normgate_rejected_total{{reason=\"{slug}\"}} 1");
        assert!(metrics.contains(&counted), "{metrics}");
        let counted = format!("_count{{route=\"/classify\",status=\"{status}\"}} 1");
        assert!(metrics.contains(&counted), "{metrics}");
    }
}

#[tokio::test]
async fn before_the_model_is_warm_and_while_stopping_the_server_is_not_ready() {
    let cold = Service::cold(&Options::parse_from([] as [&str; 0]));
    cold.get("/livez").await.ok();
    cold.get("/readyz").await.problem(503, "not-ready");
    let answer = cold.classify(png(RED, 8, 8)).await;
    answer.problem(503, "not-ready");
    assert_eq!(answer.header("retry-after"), "1");

    let warm = Service::with(&[]);
    warm.state.lifecycle.stop();
    warm.get("/readyz").await.problem(503, "shutting-down");
    let answer = warm.classify(png(RED, 8, 8)).await;
    answer.ok();
    assert_eq!(answer.header("connection"), "close");
}
