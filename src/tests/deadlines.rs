//! What cannot be done in time: refused at once if that can be known, otherwise given up.

use axum::body::Body;
use axum::http::Request;
use futures_util::future::join_all;

use crate::deadline::HEADER;
use crate::test_support::{Answer, FORM, RED, STALL, STALLS_WORKER, Service, form, png};

const ONE_WORKER: [&str; 6] = [
    "--workers",
    "1",
    "--max-batch",
    "1",
    "--queue-capacity",
    "8",
];

/// Waits until the worker is busy with an image, and nothing waits.
async fn stalled(service: &Service) {
    let pause = std::time::Duration::from_millis(5);
    let image = png(STALLS_WORKER, 8, 8);
    let router = service.router.clone();
    tokio::spawn(async move {
        let request = Request::post("/classify").header("host", "x");
        let request = request.body(Body::from(image)).unwrap();
        tower::ServiceExt::oneshot(router, request).await
    });
    tokio::time::sleep(pause).await;
    while service.state.serving().unwrap().engine.queue_depth() > 0 {
        tokio::time::sleep(pause).await;
    }
}

async fn within(service: &Service, time: &str) -> Answer {
    let request = Request::post("/classify").header(HEADER, time);
    let body = Body::from(png(RED, 8, 8));
    service.send(request.body(body).unwrap()).await
}

#[tokio::test]
async fn a_refused_client_hears_when_to_come_back_by_the_measured_rate() {
    let service = Service::with(&ONE_WORKER);
    for _ in 0..3 {
        let image = png(STALLS_WORKER, 8, 8);
        service.classify(image).await.ok();
    }
    stalled(&service).await;
    let (image, waiting) = (png(RED, 8, 8), 8);
    let fill = join_all((0..waiting).map(|_| service.classify(image.clone())));
    let refused = async {
        let answer = service.classify(image.clone()).await;
        answer.problem(429, "overloaded");
        let seconds: u32 = answer.header("retry-after").parse().unwrap();
        let fastest = (STALL * waiting).as_secs_f64().ceil() as u32;
        assert!((fastest..=60).contains(&seconds), "{seconds}");
        assert_eq!(answer.json()["retry_after"], seconds);
    };
    let (answers, ()) = tokio::join!(fill, refused);
    answers.iter().for_each(|answer| drop(answer.ok()));
}

#[tokio::test]
async fn what_waits_already_would_make_it_too_late_so_it_is_refused_at_once() {
    let service = Service::with(&ONE_WORKER);
    for _ in 0..3 {
        let image = png(STALLS_WORKER, 8, 8);
        service.classify(image).await.ok();
    }
    stalled(&service).await;
    let image = png(RED, 8, 8);
    let waiting = join_all((0..4).map(|_| service.classify(image.clone())));
    let refused = async {
        let answer = within(&service, "500ms").await;
        let problem = answer.problem(429, "overloaded");
        assert!(problem.to_string().contains(HEADER), "{problem}");
        assert_ne!(answer.header("retry-after"), "");
        // A client that can wait is taken in all the same.
        within(&service, "10s").await.ok();
    };
    let (answers, ()) = tokio::join!(waiting, refused);
    answers.iter().for_each(|answer| drop(answer.ok()));
}

#[tokio::test]
async fn the_clients_own_deadline_passes_while_the_image_waits_and_it_is_not_decoded() {
    let service = Service::with(&ONE_WORKER);
    stalled(&service).await;
    let problem = within(&service, "50ms")
        .await
        .problem(504, "deadline-exceeded");
    assert!(problem.to_string().contains("0.05 s"), "{problem}");
    service.classify(png(RED, 8, 8)).await.ok();
    let metrics = service.get("/metrics").await;
    let count = "normgate_abandoned_total 1\n";
    assert!(metrics.text().contains(count), "{}", metrics.text());
}

#[tokio::test]
async fn a_deadline_above_the_servers_changes_nothing_and_a_malformed_one_is_refused() {
    let service = Service::with(&["--deadline", "100ms", "--workers", "1", "--max-batch", "1"]);
    stalled(&service).await;
    let problem = within(&service, "1m").await;
    let problem = problem.problem(504, "deadline-exceeded");
    assert!(problem.to_string().contains("--deadline"), "{problem}");
    let problem = within(&service, "soon").await;
    let problem = problem.problem(400, "malformed-request");
    assert!(problem.to_string().contains("500ms"), "{problem}");
    within(&service, "0ms")
        .await
        .problem(504, "deadline-exceeded");
}

#[tokio::test]
async fn the_clients_own_deadline_passes_while_its_body_arrives() {
    let service = Service::with(&["--workers", "1"]);
    let endless = futures_util::stream::pending::<Result<Vec<u8>, std::io::Error>>();
    let request = Request::post("/classify").header(HEADER, "30ms");
    // A client that asks before it sends the body is told at once.
    let request = request.header("expect", "100-continue");
    let request = request.body(Body::from_stream(endless)).unwrap();
    let answer = service.send(request).await;
    answer.problem(504, "deadline-exceeded");
}

#[tokio::test]
async fn files_of_a_request_count_one_by_one_and_none_taken_in_is_429_for_all() {
    let service = Service::with(&[
        "--workers",
        "1",
        "--max-batch",
        "1",
        "--queue-capacity",
        "2",
    ]);
    let image = png(RED, 8, 8);
    let files = form(&[("image.png", &*image); 4]);
    stalled(&service).await;
    let first = service.post("/classify", FORM, files.clone());
    let second = async {
        let answer = service.post("/classify", FORM, files.clone()).await;
        answer.problem(429, "overloaded");
        assert_ne!(answer.header("retry-after"), "");
    };
    let (first, ()) = tokio::join!(first, second);
    let results = first.ok()["results"].clone();
    let statuses: Vec<_> = (0..4).map(|n| results[n]["status"].clone()).collect();
    assert_eq!(
        statuses[..2],
        [serde_json::Value::Null, serde_json::Value::Null],
        "{results}"
    );
    assert_eq!(statuses[2..], [429, 429], "{results}");
    assert!(results[3]["retry_after"].as_u64() >= Some(1), "{results}");
}
