//! What each route answers when all is well.

use crate::support::{Server, png};
use crate::wire::metric;

#[test]
fn an_image_gets_label_confidence_and_verdict() {
    let server = Server::start();
    let reply = server.classify("image/png", &png());
    let answer = reply.answer();

    let labels = server.get("/model").answer()["labels"].clone();
    let index = answer["class_index"].as_u64().expect("a class index") as usize;
    assert_eq!(answer["label"], labels[index]);
    let confidence = answer["confidence"].as_f64().expect("a confidence");
    assert!((0.1..=1.0).contains(&confidence));

    let ood = &answer["ood"];
    let (score, threshold) = (
        ood["score"].as_f64().unwrap(),
        ood["threshold"].as_f64().unwrap(),
    );
    assert_eq!(answer["is_ood"], score > threshold);
    assert_eq!(ood["method"], "representation_norm");
    assert!(score <= 0.0, "minus a norm: {score}");
    let p_value = ood["p_value"].as_f64().unwrap();
    assert!(p_value > 0.0 && p_value <= 1.0);

    let top = answer["top"].as_array().expect("the likeliest classes");
    assert_eq!(top[0]["label"], answer["label"]);
    assert_eq!(top[0]["probability"], answer["confidence"]);
    let probabilities: Vec<f64> = top
        .iter()
        .map(|t| t["probability"].as_f64().unwrap())
        .collect();
    assert!(
        probabilities.is_sorted_by(|a, b| a >= b),
        "{probabilities:?}"
    );
    assert_eq!(answer["model"]["name"], "cifar10-lt");
    assert!(answer["model"]["version"].is_string());

    assert!(
        reply
            .header("x-request-id")
            .is_some_and(|id| !id.is_empty())
    );
    let timing = reply
        .header("server-timing")
        .expect("a Server-Timing header");
    for stage in ["decode", "queue", "infer"] {
        assert!(timing.contains(stage), "{timing}");
    }
}

#[test]
fn top_k_gives_as_many_classes_as_asked_for() {
    let server = Server::start();
    for (query, count) in [("?top=1", 1), ("?top=3", 3), ("?top=10", 10)] {
        let reply = server.post(
            &format!("/classify{query}"),
            &[("content-type", "image/png")],
            &png(),
        );
        assert_eq!(reply.answer()["top"].as_array().unwrap().len(), count);
    }
}

#[test]
fn what_a_terminal_shows_ends_with_a_line_break() {
    let server = Server::start();
    let replies = [
        server.classify("image/png", &png()),
        server.classify("image/png", b"no picture"),
        server.get("/model"),
        server.get("/readyz"),
        server.get("/livez"),
        server.get("/no-such-path"),
    ];
    for reply in replies {
        assert!(reply.text().ends_with("}\n"), "{:?}", reply.text());
    }
}

#[test]
fn a_request_id_that_the_client_gives_comes_back() {
    let server = Server::start();
    let headers = [
        ("content-type", "image/png"),
        ("x-request-id", "order-4711"),
    ];
    let reply = server.post("/classify", &headers, &png());
    assert_eq!(reply.header("x-request-id"), Some("order-4711"));
}

#[test]
fn health_says_which_model_answers_and_on_what() {
    let server = Server::start();
    assert_eq!(server.get("/livez").status, 200);
    let ready = server.get("/readyz").answer().to_string();
    assert!(ready.contains("cifar10-lt"), "{ready}");
    assert!(ready.contains("CPUExecutionProvider"), "{ready}");
}

#[test]
fn the_model_route_shows_the_manifest() {
    let server = Server::start();
    let model = server.get("/model").answer();
    assert_eq!(model["labels"].as_array().unwrap().len(), 10);
    assert_eq!(model["score"], "representation_norm");
    assert!(model["preprocessing"]["width"].is_u64());
    assert!(model["calibration"]["threshold"].is_f64());
}

#[test]
fn the_shipped_models_know_a_cat_and_know_that_coffee_is_none_of_their_classes() {
    for model in ["models/cifar10-lt.onnx", "models/cifar10-lt-w64.onnx"] {
        let server = Server::with(&["--model", model]);
        let classify = |photo: &str| {
            let photo = std::fs::read(format!("docs/images/{photo}.jpg")).unwrap();
            server.classify("image/jpeg", &photo).answer()
        };
        let cat = classify("cat");
        assert_eq!(
            (&cat["label"], &cat["is_ood"]),
            (&"cat".into(), &false.into())
        );
        assert_eq!(classify("coffee")["is_ood"], true, "{model}");
    }
}

#[test]
fn metrics_count_what_was_answered_and_what_was_refused() {
    let server = Server::start();
    for _ in 0..3 {
        server.classify("image/png", &png()).answer();
    }
    server.classify("image/png", b"not an image").problem(415);
    let metrics = server.get("/metrics").text();
    assert_eq!(
        metric(&server, "normgate_predictions_total"),
        3.0,
        "{metrics}"
    );
    assert_eq!(metric(&server, "normgate_ood_score_count"), 3.0);
    assert!(
        metric(&server, "normgate_rejected_total") >= 1.0,
        "{metrics}"
    );
    for family in [
        "normgate_request_duration_seconds",
        "normgate_stage_duration_seconds",
        "normgate_batch_size",
        "normgate_queue_depth",
        "normgate_decode_errors_total",
        "normgate_ood_threshold",
        "normgate_expected_flag_ratio",
        "normgate_model_info",
        "normgate_build_info",
    ] {
        assert!(
            metrics.contains(&format!("# TYPE {}", family.trim_end_matches("_total"))),
            "{family}"
        );
    }
}

#[test]
fn the_page_to_try_it_needs_nothing_from_elsewhere() {
    let server = Server::start();
    let page = server.get("/");
    assert_eq!(page.status, 200);
    assert!(
        page.header("content-type")
            .is_some_and(|kind| kind.starts_with("text/html"))
    );
    let page = page.text();
    for elsewhere in ["src=\"http", "href=\"http", "url(http", "@import"] {
        assert!(
            !page.contains(elsewhere),
            "the page loads something: {elsewhere}"
        );
    }
}
