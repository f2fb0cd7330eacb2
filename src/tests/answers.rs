//! What is answered when all is well.

use axum::body::Body;
use axum::http::Request;
use serde_json::json;

use crate::test_support::{BLACK, GREEN, RED, Service, model, png};

#[tokio::test]
async fn an_image_gets_the_whole_reply_of_the_documentation() {
    let service = Service::with(&[]);
    let reply = service.classify(png(GREEN, 20, 30)).await;
    let mut answer = reply.ok();
    let threshold = model().manifest().calibration.as_ref().unwrap().threshold;
    let probability = |logit: f64| logit.exp() / (4_f64.exp() + 2.0);
    for (value, expected) in [
        (answer["confidence"].take(), probability(4.0)),
        (answer["top"][0]["probability"].take(), probability(4.0)),
        (answer["top"][1]["probability"].take(), probability(0.0)),
        (answer["top"][2]["probability"].take(), probability(0.0)),
        (answer["ood"]["score"].take(), -1.0),
        (answer["ood"]["threshold"].take(), threshold),
    ] {
        assert!(
            (value.as_f64().unwrap() - expected).abs() < 1e-6,
            "{value} {expected}"
        );
    }
    let expected = json!({
        "label": "green", "class_index": 1, "confidence": null, "is_ood": false,
        "ood": {"score": null, "threshold": null, "p_value": 1.0, "method": "representation_norm"},
        "top": [
            {"label": "green", "class_index": 1, "probability": null},
            {"label": "red", "class_index": 0, "probability": null},
            {"label": "blue", "class_index": 2, "probability": null},
        ],
        "model": {"name": "colours", "version": "1.2"},
    });
    assert_eq!(answer, expected);
    assert_eq!(reply.header("content-type"), "application/json");
    for stage in ["queue;dur=", "decode;dur=", "infer;dur=", "total;dur="] {
        assert!(reply.header("server-timing").contains(stage));
    }
}

#[tokio::test]
async fn what_is_unlike_the_calibration_images_is_out_of_distribution() {
    let service = Service::with(&[]);
    let answer = service.classify(png(BLACK, 9, 9)).await.ok();
    assert_eq!(answer["is_ood"], true);
    assert!(answer["ood"]["p_value"].as_f64().unwrap() < 0.02);
}

#[tokio::test]
async fn top_says_how_many_labels_are_listed() {
    let service = Service::with(&[]);
    for count in 1..=3 {
        let path = format!("/classify?top={count}");
        let answer = service.post(&path, "image/png", png(RED, 8, 8)).await.ok();
        assert_eq!(answer["top"].as_array().unwrap().len(), count);
        assert_eq!(answer["top"][0]["label"], "red");
    }
}

#[tokio::test]
async fn a_large_image_takes_the_way_over_the_decoders_to_the_same_answer() {
    let service = Service::with(&[]);
    let small = service.classify(png(GREEN, 100, 100)).await.ok();
    let large = service.classify(png(GREEN, 2000, 1500)).await.ok();
    assert_eq!(small, large);
}

#[tokio::test]
async fn request_ids_are_kept_or_given() {
    let service = Service::with(&[]);
    let request = Request::get("/livez").header("x-request-id", "order-7");
    let reply = service.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(reply.header("x-request-id"), "order-7");
    assert!(
        !service
            .get("/livez")
            .await
            .header("x-request-id")
            .is_empty()
    );
}

#[tokio::test]
async fn readiness_names_the_model_and_what_it_runs_on() {
    let service = Service::with(&["--workers", "1"]);
    let ready = service.get("/readyz").await.ok();
    let expected = json!({
        "status": "ready",
        "model": {"name": "colours", "version": "1.2", "digest": model().digest()},
        "provider": "CPUExecutionProvider",
        "workers": 1,
        "lone_threads": 0,
    });
    assert_eq!(ready, expected);
}

#[tokio::test]
async fn the_model_route_summarises_the_calibration_scores() {
    let service = Service::with(&[]);
    let model = service.get("/model").await.ok();
    assert_eq!(model["labels"], json!(["red", "green", "blue"]));
    let scores = &model["calibration"]["scores"];
    assert_eq!(
        (&scores["kept"], &scores["min"]),
        (&json!(100), &json!(-1.0))
    );
    let ready = service.get("/readyz").await.ok();
    assert_eq!(model["digest"], ready["model"]["digest"]);
}

#[tokio::test]
async fn metrics_count_answers_refusals_and_damaged_images() {
    let service = Service::with(&[]);
    service.classify(png(RED, 8, 8)).await.ok();
    service.classify(png(BLACK, 8, 8)).await.ok();
    service
        .classify("no image")
        .await
        .problem(415, "unsupported-media-type");
    service
        .classify(png(RED, 90, 90)[..60].to_vec())
        .await
        .problem(422, "undecodable-image");
    service.get("/no/such/path").await.problem(404, "not-found");
    let reply = service.get("/metrics").await;
    assert!(
        reply
            .header("content-type")
            .starts_with("text/plain; version=0.0.4")
    );
    let text = reply.text();
    let documented = include_str!("../../docs/metrics.md");
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let names = types.filter_map(|line| line.split(' ').next());
    let untold: Vec<_> = names
        .filter(|name| !documented.contains(&format!("`{name}`")))
        .collect();
    assert!(untold.is_empty(), "docs/metrics.md lacks {untold:?}");
    for line in [
        "normgate_predictions_total{label=\"red\",ood=\"false\"} 1",
        "normgate_predictions_total{label=\"red\",ood=\"true\"} 1",
        "normgate_verdicts_total{ood=\"false\"} 1",
        "normgate_verdicts_total{ood=\"true\"} 1",
        "normgate_rejected_total{reason=\"unsupported-media-type\"} 1",
        "normgate_rejected_total{reason=\"overloaded\"} 0",
        "normgate_rejected_total{reason=\"internal-error\"} 0",
        "normgate_rejected_total{reason=\"deadline-exceeded\"} 0",
        "normgate_decode_errors_total{format=\"png\"} 1",
        "normgate_decode_errors_total{format=\"unknown\"} 1",
        "normgate_ood_score_bucket{le=\"+Inf\"} 2",
        "normgate_ood_score_count 2",
        "normgate_batch_size_count 2",
        "normgate_stage_duration_seconds_count{stage=\"decode\"} 2",
        "normgate_request_duration_seconds_count{route=\"/classify\",status=\"200\"} 2",
        "normgate_request_duration_seconds_count{route=\"other\",status=\"404\"} 1",
        "normgate_queue_depth 0",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    let threshold = model().manifest().calibration.as_ref().unwrap().threshold;
    assert!(
        text.contains(&format!("normgate_ood_threshold {threshold}")),
        "{text}"
    );
    assert!(
        text.contains(&format!(
            "normgate_ood_score_bucket{{le=\"{threshold}\"}} 1"
        )),
        "{text}"
    );
}

#[tokio::test]
async fn the_page_is_one_file_under_a_strict_policy() {
    let service = Service::with(&[]);
    let page = service.get("/").await;
    assert!(page.header("content-type").starts_with("text/html"));
    assert!(
        page.header("content-security-policy")
            .starts_with("default-src 'none'")
    );
    // Browsers may keep it for whoever comes back to it, but nothing else.
    assert_eq!(page.header("cache-control"), "no-cache");
    assert_eq!(
        service.get("/model").await.header("cache-control"),
        "no-store"
    );
    assert!(page.text().contains("<script>") && !page.text().contains("http"));
}

#[tokio::test]
async fn a_problem_type_leads_to_its_explanation() {
    let service = Service::with(&[]);
    let section = service.get("/problems/overloaded").await;
    assert!(section.text().starts_with("## overloaded"));
    assert!(
        service
            .get("/problems")
            .await
            .text()
            .contains("## overloaded")
    );
    service
        .get("/problems/unheard-of")
        .await
        .problem(404, "not-found");
}

#[tokio::test]
async fn browsers_get_the_explanation_of_a_problem_as_a_page() {
    let service = Service::with(&[]);
    for (path, title) in [("/problems", "h1"), ("/problems/overloaded", "h2")] {
        let request = Request::get(path).header("accept", "text/html,*/*;q=0.8");
        let page = service.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
        assert_eq!(page.header("vary"), "accept");
        assert!(
            page.header("content-security-policy")
                .starts_with("default-src 'none'")
        );
        let text = page.text();
        assert!(text.contains(&format!("<{title}>")), "{text}");
        assert!(
            text.contains("<h2>overloaded</h2>") && !text.contains("## "),
            "{text}"
        );
    }
}
