//! Whoever reads the log.

use std::fs::File;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::{Server, normgate, png, through, until};

#[test]
fn a_log_that_nobody_takes_holds_up_no_request_no_probe_and_no_end() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("log");
    let made = Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    // Open at its other end, so that it takes lines until it is full.
    let _reader = File::options().read(true).write(true).open(&pipe).unwrap();
    let mut serve = normgate();
    serve.args(["serve", "--listen", "127.0.0.1:0", "--log-level", "debug"]);
    let redirect = format!("exec \"$@\" 2>'{}'", pipe.display());
    let server = Server::spawn(through(&["sh", "-c", &redirect, "sh"], &serve));
    let lost = || {
        let metrics = server.get("/metrics").text();
        let line = metrics
            .lines()
            .find_map(|line| line.strip_prefix("normgate_log_lines_dropped_total "));
        line.unwrap().parse::<u64>().unwrap()
    };
    // 64 KiB fit into the pipe, and 4,096 lines into the server.
    until(&server, "no line was lost", || {
        (0..200).for_each(|_| drop(server.get("/livez")));
        lost() > 0
    });
    server.classify("image/png", &png()).answer();
    let told = Instant::now();
    server.signal("TERM");
    assert_eq!(server.wait().code(), Some(0));
    // Nobody would have ended it otherwise: it was held up for ever.
    assert!(told.elapsed() < Duration::from_secs(60));
}

#[test]
fn a_flood_of_refusals_has_few_lines() {
    let server = Server::start();
    let started = Instant::now();
    (0..500).for_each(|_| drop(server.get("/no/such/path")));
    let seconds = started.elapsed().as_secs() as usize + 2;
    let refused = server.log().matches("status=404").count();
    assert!(
        (1..=10 * seconds).contains(&refused),
        "{refused} lines in {seconds} s"
    );
}

#[test]
fn a_start_that_fails_is_told_in_the_form_of_the_log() {
    let arguments = ["serve", "--model", "no/such/file", "--log-format"];
    let said = |format: &str| {
        let ended = normgate().args(arguments).arg(format).output().unwrap();
        assert_eq!(ended.status.code(), Some(1));
        String::from_utf8(ended.stderr).unwrap()
    };
    let line: serde_json::Value = serde_json::from_str(&said("json")).unwrap();
    assert_eq!(line["level"], "ERROR");
    assert!(
        line["message"].as_str().unwrap().contains("no/such/file"),
        "{line}"
    );
    assert!(said("text").starts_with("error: "));
    // A log that is switched off has nothing of it.
    let off = normgate()
        .args(arguments)
        .args(["json", "--log-level", "off"])
        .output();
    assert!(off.unwrap().stderr.starts_with(b"error: "));
}
