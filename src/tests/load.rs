//! More work than can be done, and work that nobody waits for.

use axum::http::Request;
use futures_util::future::join_all;

use crate::test_support::{
    FORM, GREEN, PANICS_IN_DECODER, PANICS_IN_WORKER, RED, STALL, STALLS_WORKER, Service, form, png,
};

/// Small images are decoded by the workers, or ahead of them.
const WAYS: [&str; 2] = ["--prepare-threads=0", "--prepare-threads=2"];

const ONE_AT_A_TIME: [&str; 8] = [
    "--workers",
    "1",
    "--max-batch",
    "1",
    "--decode-threads",
    "1",
    "--queue-capacity",
    "1",
];

#[tokio::test]
async fn a_full_queue_refuses_and_recovers() {
    for way in WAYS {
        let service = Service::with(&[&ONE_AT_A_TIME[..], &[way]].concat());
        let image = png(RED, 500, 500);
        let answers = join_all((0..30).map(|_| service.classify(image.clone()))).await;
        let (good, refused): (Vec<_>, Vec<_>) =
            answers.iter().partition(|answer| answer.status == 200);
        assert!(
            !good.is_empty() && !refused.is_empty(),
            "{way}: {} {}",
            good.len(),
            refused.len()
        );
        for answer in refused {
            answer.problem(429, "overloaded");
            let seconds: u64 = answer.header("retry-after").parse().unwrap();
            assert!((1..=60).contains(&seconds), "{way}: {seconds}");
        }
        service.classify(image).await.ok();
    }
}

#[tokio::test]
async fn the_thread_that_reads_is_to_pause_where_the_queue_is_full_but_not_for_a_client_in_a_hurry()
{
    let flags = [
        "--workers",
        "1",
        "--max-batch",
        "1",
        "--queue-capacity",
        "9",
    ];
    for (hurry, pauses) in [(None, true), (Some("1s"), false)] {
        let service = Service::with(&flags);
        let requests = (0..40).map(|_| {
            let request = hurry
                .iter()
                .fold(Request::post("/classify"), |request, time| {
                    request.header("x-request-timeout", *time)
                });
            service.send(request.body(png(RED, 500, 500).into()).unwrap())
        });
        let answers = join_all(requests).await;
        assert!(answers.iter().any(|answer| answer.status == 429));
        assert_eq!(!service.state.pause.length().is_zero(), pauses, "{hurry:?}");
    }
}

#[tokio::test]
async fn what_takes_longer_than_the_deadline_is_given_up() {
    let service = Service::with(&["--deadline", "1ms"]);
    service
        .classify(png(RED, 4000, 3000))
        .await
        .problem(504, "deadline-exceeded");
}

#[tokio::test]
async fn an_image_whose_client_has_gone_is_not_decoded() {
    let service = Service::with(&["--workers=1", "--decode-threads=1", "--deadline=5m"]);
    let image = png(RED, 4000, 3000);
    // They keep the only decoder busy for longer than the last client waits.
    let busy = join_all((0..8).map(|_| service.classify(image.clone())));
    let last = async {
        let gone = service.classify(image.clone());
        let soon = std::time::Duration::from_millis(30);
        assert!(tokio::time::timeout(soon, gone).await.is_err());
    };
    let (answers, ()) = tokio::join!(busy, last);
    answers.iter().for_each(|answer| drop(answer.ok()));
    service.classify(png(RED, 3000, 2000)).await.ok();
    let metrics = service.get("/metrics").await;
    assert!(
        metrics.text().contains("normgate_abandoned_total 1"),
        "{}",
        metrics.text()
    );
}

#[tokio::test]
async fn an_image_that_is_alone_gets_a_session_of_its_own_and_the_same_answer() {
    let lone = Service::with(&["--workers", "2", "--lone-threads", "2"]);
    let plain = Service::with(&["--workers", "2"]);
    for image in [png(RED, 8, 8), png(GREEN, 600, 600)] {
        let answer = lone.classify(image.clone()).await;
        assert_eq!(answer.ok(), plain.classify(image).await.ok());
    }
    let counted = async |service: &Service| {
        let metrics = service.get("/metrics").await;
        let line = metrics
            .text()
            .lines()
            .find_map(|line| line.strip_prefix("normgate_lone_images_total "))
            .map(|count| count.parse::<u64>().unwrap());
        line.unwrap()
    };
    assert_eq!((counted(&lone).await, counted(&plain).await), (2, 0));
}

#[tokio::test]
async fn an_image_waits_until_its_batch_is_run_whoever_is_waited_for() {
    let service = Service::with(&["--workers", "1", "--batch-window", "100ms"]);
    let [quick, slow] = [RED, STALLS_WORKER].map(|colour| png(colour, 8, 8));
    let files = form(&[("quick.png", &quick), ("slow.png", &slow)]);
    service.post("/classify", FORM, files).await.ok();
    let metrics = service.get("/metrics").await;
    let of = |name: &str| {
        let line = metrics.text().lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
            .unwrap()
    };
    assert_eq!(
        of("normgate_batch_size_sum"),
        2.0 * of("normgate_batch_size_count")
    );
    let waited = of("normgate_stage_duration_seconds_sum{stage=\"queue\"}");
    assert!(waited >= 2.0 * STALL.as_secs_f64(), "{waited}");
}

#[tokio::test]
async fn images_at_once_each_get_their_own_answer() {
    let files = [
        (png(RED, 8, 8), "red"),
        (png(GREEN, 600, 600), "green"),
        (png(GREEN, 50, 9), "green"),
    ];
    for way in WAYS {
        let service = Service::with(&["--max-batch", "8", "--lone-threads", "2", way]);
        let requests = (0..90).map(|n| service.classify(files[n % 3].0.clone()));
        for (n, answer) in join_all(requests).await.iter().enumerate() {
            assert_eq!(answer.ok()["label"], files[n % 3].1, "{way} {n}");
        }
    }
}

#[tokio::test]
async fn what_is_wrong_with_an_image_is_answered_alike_by_whoever_decodes_it() {
    let broken = &png(RED, 300, 300)[..400];
    let large = png(RED, 600, 600);
    let answers = WAYS.map(async |way| {
        let service = Service::with(&[way, "--max-pixels", "300000"]);
        for (image, status) in [
            (broken.to_vec(), 422),
            (large.clone(), 413),
            (b"GIF".to_vec(), 415),
        ] {
            assert_eq!(service.classify(image).await.status, status, "{way}");
        }
        // 600 × 450 is within the limit, and left to the decoders of large images.
        service.classify(png(GREEN, 600, 450)).await.ok()
    });
    let [by_workers, ahead] = answers;
    assert_eq!(by_workers.await, ahead.await);
}

#[tokio::test]
async fn what_is_queued_when_the_engine_stops_is_still_answered() {
    for (way, side) in WAYS.iter().flat_map(|way| [(way, 600), (way, 400)]) {
        let service = Service::with(&["--workers", "1", way]);
        let requests = join_all((0..20).map(|_| service.classify(png(RED, side, side))));
        let stop = async {
            tokio::task::yield_now().await;
            let serving = service.state.serving().unwrap();
            let stopped = std::thread::spawn(move || serving.engine.stop());
            while !stopped.is_finished() {
                tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            }
        };
        let (answers, ()) = tokio::join!(requests, stop);
        answers.iter().for_each(|answer| drop(answer.ok()));
        service
            .classify(png(RED, 8, 8))
            .await
            .problem(503, "shutting-down");
    }
}

#[tokio::test]
async fn a_panic_costs_one_answer_and_no_worker() {
    for way in WAYS {
        panic_and_go_on(&Service::with(&[
            "--workers",
            "1",
            "--decode-threads",
            "1",
            way,
        ]))
        .await;
    }
}

async fn panic_and_go_on(service: &Service) {
    for (colour, side) in [
        (PANICS_IN_DECODER, 8),
        (PANICS_IN_DECODER, 900),
        (PANICS_IN_WORKER, 8),
    ] {
        let answer = service.classify(png(colour, side, side)).await;
        let problem = answer.problem(500, "internal-error");
        assert!(
            !problem.to_string().contains("a panic for a test"),
            "{problem}"
        );
        service.classify(png(RED, side, side)).await.ok();
    }
    let metrics = service.get("/metrics").await;
    assert!(
        metrics.text().contains("normgate_worker_panics_total 3"),
        "{}",
        metrics.text()
    );
}
