//! SIGHUP at awkward times.

use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use normgate_core::{Manifest, Model};
use normgate_testing::left_out;

use super::{count, wait_for};
use crate::{
    models::ENGLISH,
    support::{PATIENCE, Server, normgate, repository, shipped_model},
};

/// A server whose model takes a while to load.
fn slow(model: &Path) -> Server {
    fs::copy(shipped_model(), model).unwrap();
    Server::with(&["--model", model.to_str().unwrap(), "--workers", "24"])
}

#[test]
fn sigterm_during_a_reload_stops_with_success() {
    for delay in [0, 1, 10, 50, 200] {
        let folder = tempfile::tempdir().unwrap();
        let model = folder.path().join("model.onnx");
        let server = slow(&model);
        ENGLISH.put(&model);
        server.signal("HUP");
        thread::sleep(Duration::from_millis(delay));
        server.signal("TERM");
        assert_eq!(server.wait().code(), Some(0), "after {delay} ms");
    }
}

#[test]
fn many_signals_at_once_are_one_reload_or_few() {
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("model.onnx");
    let server = slow(&model);
    let next = Model::open(&model).unwrap();
    let mut manifest = Manifest::clone(next.manifest());
    manifest.version = "next".into();
    next.with_manifest(manifest).unwrap().save(&model).unwrap();
    // For as long as the first reload takes: each signal is there before the last is dealt with.
    let deadline = Instant::now() + PATIENCE;
    let mut signals = 0;
    while count(&server, "ok") == 0 {
        assert!(Instant::now() < deadline, "never reloaded");
        server.signal("HUP");
        signals += 1;
    }
    thread::sleep(Duration::from_secs(1));
    let unchanged = count(&server, "unchanged");
    assert!(unchanged <= 3, "{unchanged} after {signals} signals");
    assert_eq!(count(&server, "ok"), 1);
}

#[test]
fn sighup_during_start_up_is_a_reload_after_it() {
    // If the server was ready before the signal came, there was nothing to see.
    let was_in_time = (0..10).any(|_| is_reloaded_after_sighup_during_start_up());
    assert!(was_in_time, "always ready too soon");
}

/// False if it was ready already.
fn is_reloaded_after_sighup_during_start_up() -> bool {
    // A port known from the start, since the server says where it listens only when it is ready.
    let port = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = port.local_addr().unwrap().to_string();
    drop(port);
    let mut command = normgate();
    command.args(["serve", "--listen", &address, "--workers", "24"]);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let server = Killed(command.spawn().unwrap());
    let deadline = Instant::now() + PATIENCE;
    let patiently = || {
        assert!(Instant::now() < deadline, "never there");
        thread::sleep(Duration::from_millis(1));
    };
    // Once it accepts connections, it heeds signals.
    while get(&address, "/livez").is_none() {
        patiently();
    }
    if get(&address, "/readyz").is_none_or(|reply| !reply.starts_with("HTTP/1.1 503")) {
        return false;
    }
    let pid = server.0.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-HUP", &pid])
            .status()
            .unwrap()
            .success()
    );
    let reloaded = "normgate_model_reload_total{result=\"unchanged\"} 1\n";
    while !get(&address, "/metrics").is_some_and(|metrics| metrics.contains(reloaded)) {
        patiently();
    }
    true
}

/// `script` stands for the terminal: when it dies, so does the terminal.
#[test]
fn closing_the_terminal_stops_the_server_as_it_stops_any_program() {
    if Command::new("script").arg("--version").output().is_err() {
        return left_out("closing_the_terminal", "`script` of util-linux");
    }
    let serve = format!(
        "exec {} serve --listen 127.0.0.1:0",
        env!("CARGO_BIN_EXE_normgate")
    );
    let mut command = like(&normgate(), "script");
    command.args(["--quiet", "--command", &serve, "/dev/null"]);
    let terminal = Server::spawn(command);
    let children = format!("/proc/{0}/task/{0}/children", terminal.pid());
    let pid = fs::read_to_string(children).unwrap().trim().to_owned();
    let kill = |signal: &str| Command::new("kill").args([signal, &pid]).status().unwrap();
    assert!(kill("-HUP").success());
    wait_for(&terminal, "unchanged", 1);
    terminal.signal("KILL");
    let deadline = Instant::now() + PATIENCE;
    let alive =
        || fs::read_to_string(format!("/proc/{pid}/cmdline")).is_ok_and(|it| !it.is_empty());
    while alive() {
        if Instant::now() > deadline {
            kill("-KILL");
            panic!("the server goes on without its terminal");
        }
        thread::sleep(Duration::from_millis(10));
    }
}

/// A command in the same environment.
fn like(other: &Command, program: &str) -> Command {
    let mut command = Command::new(program);
    for (name, _) in other.get_envs().filter(|(_, value)| value.is_none()) {
        command.env_remove(name);
    }
    command.current_dir(repository());
    command
}

struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The reply as it came; `None` if nobody answers.
fn get(address: &str, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    let head = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).ok()?;
    let mut reply = String::new();
    stream.read_to_string(&mut reply).ok()?;
    Some(reply)
}
