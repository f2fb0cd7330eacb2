//! The log, and what happens if nobody reads it.

use std::fs::File;
use std::io::Write;
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{Server, normgate, png, through, until};
use crate::wire::{connect, exchange, metric};

#[test]
fn a_log_that_nobody_takes_holds_up_no_request_no_probe_and_no_end() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("log");
    let made = Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    // The other end is open, so that the pipe takes lines until it is full.
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
    // If the log had held it up, it would have waited for ever: nobody else would have ended it.
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
fn all_that_were_turned_away_are_in_the_log_by_the_end_also_files_of_a_form() {
    let server = Server::with(&["--workers", "1", "--queue-capacity", "1"]);
    let mut form = Vec::new();
    for name in 0..20 {
        let head = format!("form-data; name=\"f\"; filename=\"{name}\"");
        form.extend(format!("--B\r\nContent-Disposition: {head}\r\n\r\n").into_bytes());
        form.extend(png());
        form.extend(b"\r\n");
    }
    form.extend(b"--B--\r\n");
    let answer = server.classify("multipart/form-data; boundary=B", &form);
    let answer = answer.answer();
    let results = answer["results"].as_array().unwrap();
    let refused: Vec<_> = results.iter().filter(|it| it["status"] == 429).collect();
    assert!(refused.len() > 1, "{answer}");
    let detail = refused[0]["detail"].as_str().unwrap();
    assert!(detail.contains("send fewer at once"), "{detail}");
    server.signal("TERM");
    until(&server, "it stopped", || server.log().contains("stopped"));
    let log = server.log();
    let counts = log.split("refused=").skip(1);
    let counts = counts.map(|rest| rest.split(' ').next().unwrap().parse::<usize>().unwrap());
    assert_eq!(counts.sum::<usize>(), refused.len(), "{log}");
}

#[test]
fn a_method_as_long_as_a_head_is_cut_in_the_log() {
    let server = Server::start();
    let request = format!("{} /livez HTTP/1.1\r\nhost: x\r\n\r\n", "A".repeat(30_000));
    let status = exchange(&mut connect(&server), request.as_bytes());
    assert_eq!(status, Some(405));
    until(&server, "it is logged", || {
        server.log().contains("status=405")
    });
    let log = server.log();
    let line = log
        .lines()
        .find(|line| line.contains("status=405"))
        .unwrap();
    assert!(line.len() < 400, "{} bytes", line.len());
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
    // Nor does a command line that makes no sense come in another form.
    let wrong = ["serve", "--workers", "many", "--log-format=json"];
    let ended = normgate().args(wrong).output().unwrap();
    assert_eq!(ended.status.code(), Some(2));
    let line: serde_json::Value = serde_json::from_slice(&ended.stderr).unwrap();
    assert!(
        line["message"].as_str().unwrap().contains("'many'"),
        "{line}"
    );
    // A log that is switched off does not have the error.
    let off = normgate()
        .args(arguments)
        .args(["json", "--log-level", "off"])
        .output();
    assert!(off.unwrap().stderr.starts_with(b"error: "));
}

#[test]
fn a_standard_output_that_nobody_takes_holds_up_no_start_and_no_end() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("out");
    let made = Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    let mut full = File::options().read(true).write(true).open(&pipe).unwrap();
    full.write_all(&[b'x'; 64 << 10]).unwrap();
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let mut serve = normgate();
    serve.args(["serve", "--listen", &address.to_string()]);
    serve.stdout(full).stderr(Stdio::null());
    let server = Server::unheard(serve, address);
    server.classify("image/png", &png()).answer();
    server.signal("TERM");
    assert_eq!(server.wait().code(), Some(0));
}

#[test]
fn lines_that_cannot_be_written_are_counted() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let mut serve = normgate();
    serve.args(["serve", "--listen", &address.to_string()]);
    serve.args(["--log-level", "debug"]);
    serve.stdout(Stdio::null());
    serve.stderr(File::options().write(true).open("/dev/full").unwrap());
    let server = Server::unheard(serve, address);
    until(&server, "no line was lost", || {
        let lost = metric(&server, "normgate_log_lines_dropped_total");
        drop(server.get("/livez"));
        lost > 0.0
    });
    server.signal("TERM");
    assert_eq!(server.wait().code(), Some(0));
}

#[test]
fn what_cannot_be_said_does_not_change_the_exit_code() {
    let full = || File::options().write(true).open("/dev/full").unwrap();
    for (arguments, code) in [
        (&["serve", "--model", "no/such/file"][..], 1),
        (&["classify", "no/such/file"], 1),
        (&["health", "--listen", "127.0.0.1:9"], 1),
    ] {
        let ended = normgate().args(arguments).stderr(full()).status().unwrap();
        assert_eq!(ended.code(), Some(code), "{arguments:?}");
    }
}
