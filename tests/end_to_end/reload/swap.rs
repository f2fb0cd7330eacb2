//! Models that take each other's place.

use std::{
    fs,
    io::{Read, Write},
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
};

use serde_json::Value;

use super::{Reloading, red};
use crate::{
    models::{ENGLISH, GERMAN, signs},
    support::Server,
    wire::{connect, head, status},
};

/// The replies to one image, or to several in one request.
fn replies(server: &Server, files: usize) -> Vec<Value> {
    let image = red();
    if files == 1 {
        return vec![server.classify("image/png", &image).answer()];
    }
    let mut body = Vec::new();
    for _ in 0..files {
        body.extend_from_slice(
            b"--x\r\ncontent-disposition: form-data; name=f; filename=f\r\n\r\n",
        );
        body.extend_from_slice(&image);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--x--\r\n");
    let reply = server.classify("multipart/form-data; boundary=x", &body);
    let results = reply.answer()["results"].take();
    results.as_array().unwrap().clone()
}

#[test]
fn models_are_swapped_under_load_without_a_failed_request_or_a_mixed_reply() {
    const RELOADS: usize = 30;
    let it = Reloading::with(&[]);
    let stop = AtomicBool::new(false);
    let answered = [const { AtomicUsize::new(0) }; 2];
    let kinds = [ENGLISH.signs(), GERMAN.signs()];
    thread::scope(|scope| {
        for files in [1, 1, 1, 1, 7, 20] {
            let (it, stop, answered, kinds) = (&it, &stop, &answered, &kinds);
            scope.spawn(move || {
                // Ends the others too if it panics.
                let _stop = StopOnDrop(stop);
                while !stop.load(Ordering::Relaxed) {
                    let seen: Vec<Value> = replies(&it.server, files).iter().map(signs).collect();
                    let kind = kinds.iter().position(|kind| *kind == seen[0]);
                    let kind = kind.unwrap_or_else(|| panic!("of no model: {}", seen[0]));
                    assert!(seen.iter().all(|reply| *reply == seen[0]), "{seen:?}");
                    assert_eq!(seen.len(), files);
                    answered[kind].fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let _stop = StopOnDrop(&stop);
        for n in 0..RELOADS {
            it.reload([&GERMAN, &ENGLISH][n % 2]);
        }
    });
    let answered = answered.map(AtomicUsize::into_inner);
    assert!(answered.iter().all(|count| *count > 20), "{answered:?}");
    assert_eq!((it.count("ok"), it.count("failed")), (RELOADS as u64, 0));
    it.assert_serves(&ENGLISH);
}

#[test]
fn a_body_that_stalls_holds_no_reload_back_and_is_answered_by_the_last_model() {
    let it = Reloading::with(&["--body-timeout", "10m"]);
    let image = red();
    let (some, rest) = image.split_at(image.len() / 2);
    let mut slow = connect(&it.server);
    let expecting = head(image.len()).replace("\r\n\r\n", "\r\nexpect: 100-continue\r\n\r\n");
    slow.write_all(expecting.as_bytes()).unwrap();
    // Sent when the body is first asked for.
    let go_on = b"HTTP/1.1 100 Continue\r\n\r\n";
    let mut said = [0; 25];
    slow.read_exact(&mut said).unwrap();
    assert_eq!(said, *go_on);
    slow.write_all(some).unwrap();
    // Each waits until nobody uses the model before the last any more.
    for kind in [&GERMAN, &ENGLISH, &GERMAN] {
        it.reload(kind);
    }
    slow.write_all(rest).unwrap();
    assert_eq!(status(&mut slow), Some(200));
    let metrics = it.server.get("/metrics").text();
    let answered = r#"normgate_predictions_total{label="rot",ood="false"} 1"#;
    assert!(metrics.contains(answered), "{metrics}");
}

struct StopOnDrop<'a>(&'a AtomicBool);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn the_metrics_are_those_of_the_model_in_service_only() {
    let it = Reloading::with(&[]);
    for result in ["ok", "failed", "unchanged"] {
        assert_eq!(it.count(result), 0);
    }
    it.server.classify("image/png", &red()).answer();
    it.reload(&GERMAN);
    it.server.classify("image/png", &red()).answer();
    let metrics = it.server.get("/metrics").text();
    let lines = |start: &str| -> Vec<&str> {
        let lines = metrics.lines();
        lines.filter(|line| line.starts_with(start)).collect()
    };
    assert_eq!(
        lines("normgate_predictions_total"),
        [r#"normgate_predictions_total{label="rot",ood="false"} 1"#]
    );
    // That of the verdict that was not given is there all the same: its first one is an increase.
    let mut verdicts = lines("normgate_verdicts_total");
    verdicts.sort_unstable();
    assert_eq!(
        verdicts,
        [
            r#"normgate_verdicts_total{ood="false"} 1"#,
            r#"normgate_verdicts_total{ood="true"} 0"#
        ]
    );
    let digest = GERMAN.model().digest().to_owned();
    let info = lines("normgate_model_info");
    assert!(info.len() == 1 && info[0].contains(&digest), "{info:?}");
    let threshold = GERMAN.manifest().calibration.unwrap().threshold;
    assert_eq!(
        lines("normgate_ood_threshold"),
        [format!("normgate_ood_threshold {threshold:?}")]
    );
    assert_eq!(
        lines("normgate_ood_score_count"),
        ["normgate_ood_score_count 1"]
    );
    // The server's own metrics go on.
    let batches = lines("normgate_batch_size_count");
    assert_eq!(batches, ["normgate_batch_size_count 2"]);
    let asked = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.3";
    let openmetrics = it.server.get_as("/metrics", asked);
    let kind = openmetrics.header("content-type").unwrap_or_default();
    assert!(kind.starts_with("application/openmetrics-text"), "{kind}");
    let text = openmetrics.text();
    assert!(
        text.ends_with("\n# EOF\n") && text.matches("# EOF").count() == 1,
        "{text}"
    );
    // Scores are below zero, so sums of them are not counters.
    assert!(!metrics.contains("normgate_ood_score_sum"), "{metrics}");
    for missing in ["normgate_ood_score_sum", "normgate_ood_score_count"] {
        assert!(!text.contains(missing), "{text}");
    }
    assert!(
        text.contains("normgate_ood_score_bucket{le=\"+Inf\"} 1\n"),
        "{text}"
    );
}

#[test]
fn five_hundred_reloads_leave_memory_flat() {
    let it = Reloading::with(&[]);
    let mut after = Vec::new();
    for n in 1..=500 {
        it.reload([&ENGLISH, &GERMAN][n % 2]);
        it.server.classify("image/png", &red()).answer();
        if n % 100 == 0 {
            after.push(it.server.resident_kib());
        }
    }
    println!("resident after each 100 reloads, KiB: {after:?}");
    assert!(after[4] < after[0] * 11 / 10, "{after:?}");
    let threads = fs::read_dir(format!("/proc/{}/task", it.server.pid())).unwrap();
    assert!(threads.count() < 20, "threads of old models are left");
}
