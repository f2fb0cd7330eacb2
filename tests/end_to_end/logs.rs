//! The log, and what happens if nobody reads it.

use std::fs::File;
use std::io::Write;
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{Server, normgate, png, through, until};
use crate::wire::metric;

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
