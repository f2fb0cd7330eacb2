//! The server opens no connection outward: ONNX Runtime's usage telemetry is off.

use std::{fs, process::Command};

use crate::support::{Server, normgate, png};

#[test]
fn no_connection_is_opened_to_anywhere() {
    let traced = |trace: &std::path::Path| {
        let mut command = Command::new("strace");
        command
            .args([
                "-f",
                "-qq",
                // Lets signals reach strace although it writes to a file.
                "--interruptible=waiting",
                "-e",
                "trace=connect,sendto,sendmsg,sendmmsg",
                "-o",
            ])
            .arg(trace);
        command
    };
    if Command::new("strace").arg("-V").output().is_err() {
        return normgate_testing::left_out("no_connection_is_opened_to_anywhere", "strace");
    }
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("calls");

    // The check proves itself first: that it would see a connection at all.
    let health = traced(&trace)
        .arg(normgate().get_program())
        .args(["health", "--listen", "127.0.0.1:9"])
        .output();
    assert!(health.is_ok_and(|output| !output.status.success()));
    let seen = outward(&trace, true);
    assert!(
        !seen.is_empty(),
        "strace showed no call of a connection that was tried"
    );

    let served = normgate();
    let mut command = traced(&trace);
    command
        .arg(served.get_program())
        .args(["serve", "--listen", "127.0.0.1:0"]);
    command
        .current_dir(crate::support::repository())
        .env_remove("ORT_DISABLE_TELEMETRY");
    let server = Server::spawn(command);
    for _ in 0..20 {
        server.classify("image/png", &png()).answer();
    }
    server.get("/metrics");
    // Telemetry is uploaded from a thread of its own, some time after the start.
    std::thread::sleep(std::time::Duration::from_secs(5));
    // strace passes it on; if strace were killed, the server would live on without it.
    server.signal("TERM");
    server.wait();
    let calls = outward(&trace, false);
    assert!(calls.is_empty(), "{calls:#?}");
}

/// The calls that would reach another machine, and those on loopback, too, if asked for.
fn outward(trace: &std::path::Path, loopback: bool) -> Vec<String> {
    let calls = fs::read_to_string(trace).expect("strace wrote its file");
    let leaves = |line: &&str| {
        let names_an_address = line.contains("AF_INET");
        let stays = line.contains("\"127.0.0.1\"") || line.contains("\"::1\"");
        names_an_address && (loopback || !stays)
    };
    calls.lines().filter(leaves).map(str::to_owned).collect()
}
