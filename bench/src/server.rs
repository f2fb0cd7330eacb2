//! The servers that are measured: started by the benchmark, each as a process group of its own.

use std::collections::BTreeMap;
use std::env;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use serde::Deserialize;

use crate::error::BenchError;
use crate::load::Head;
use crate::machine::cores;

/// How long a server may take to start: Python servers spend seconds on their imports.
const START: Duration = Duration::from_secs(120);

/// How long it may take to stop before it is killed.
const STOP: Duration = Duration::from_secs(10);

/// How often it is asked whether it is ready.
const ASK: Duration = Duration::from_millis(2);

/// Lines of a server's log that are quoted.
const QUOTED: usize = 15;

/// The process groups that are alive, so that an interrupt can kill them.
static LIVING: Mutex<Vec<u32>> = Mutex::new(Vec::new());

/// A server to measure.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Contender {
    /// Its name in tables.
    pub name: String,
    /// What distinguishes it from others of that name, such as its number of workers.
    #[serde(default)]
    pub variant: String,
    /// The program and its arguments; `{model}`, `{port}` and `{cores}` are filled in.
    pub command: Vec<String>,
    /// Environment variables, filled in likewise.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// The path that answers 200 when it is ready.
    pub ready: String,
    /// The path that takes images.
    pub path: String,
    /// How it takes them.
    #[serde(default)]
    pub body: Body,
}

/// How a server takes an image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Body {
    /// The file is the body.
    #[default]
    Raw,
    /// Base64 in JSON: `{"image": "…"}`.
    Json,
    /// Base64 in the JSON of the Open Inference Protocol.
    OpenInference,
}

impl Contender {
    /// Normgate's own server.
    pub fn normgate(program: &Path, arguments: &[String]) -> Self {
        let mut command = vec![program.display().to_string()];
        command.extend(
            [
                "serve",
                "--model",
                "{model}",
                "--listen",
                "127.0.0.1:{port}",
            ]
            .map(String::from),
        );
        command.extend_from_slice(arguments);
        Self {
            name: "Normgate".into(),
            variant: arguments.join(" "),
            command,
            environment: BTreeMap::new(),
            ready: "/readyz".into(),
            path: "/classify".into(),
            body: Body::Raw,
        }
    }

    /// Starts it with a model and waits until it is ready; what it prints goes to a file in `logs`.
    ///
    /// # Errors
    /// [`BenchError::Server`] with the end of what it printed, if it does not become ready.
    pub fn start(&self, model: &Path, logs: &Path) -> Result<Running, BenchError> {
        let began = Instant::now();
        let mut running = self.spawn(model, logs)?;
        loop {
            let reply = get(running.address, &self.ready);
            if let Some((200, body)) = reply {
                running.started_in = began.elapsed();
                running.workers = number(&body, "workers");
                running.lone_threads = number(&body, "lone_threads");
                return Ok(running);
            }
            if running.has_ended() {
                return Err(running.failure("ended before it was ready"));
            }
            if began.elapsed() > START {
                return Err(running.failure("did not become ready"));
            }
            thread::sleep(ASK);
        }
    }

    fn spawn(&self, model: &Path, logs: &Path) -> Result<Running, BenchError> {
        let failure = |what: String| BenchError::Server {
            name: self.name.clone(),
            what,
            log: String::new(),
        };
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let address = free.map_err(|error| failure(format!("found no free port: {error}")))?;
        let fill = |text: &String| {
            let model = model.display().to_string();
            text.replace("{model}", &model)
                .replace("{port}", &address.port().to_string())
                .replace("{cores}", &cores().to_string())
        };
        let Some((program, arguments)) = self.command.split_first() else {
            return Err(failure("has no command".into()));
        };
        fs::create_dir_all(logs).map_err(BenchError::file(logs))?;
        let letters = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
        let title: String = format!("{} {}", self.name, self.variant);
        let name: String = title.trim().to_lowercase().chars().map(letters).collect();
        let path = logs.join(format!("{name}.log"));
        let log = File::create(&path).map_err(BenchError::file(&path))?;
        let errors = log.try_clone().map_err(BenchError::file(&path))?;
        let mut command = Command::new(fill(program));
        for (name, _) in env::vars_os() {
            if name.to_string_lossy().starts_with("NORMGATE_") {
                command.env_remove(name);
            }
        }
        let child = command
            .args(arguments.iter().map(fill))
            // Measurements of earlier starts, perhaps on a busy machine, are neither used nor changed.
            .env("XDG_CACHE_HOME", cache_home(logs))
            .env("PEER_MODEL", model)
            .env("PEER_PORT", address.port().to_string())
            .envs(
                self.environment
                    .iter()
                    .map(|(name, value)| (name, fill(value))),
            )
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors)
            .process_group(0)
            .spawn()
            .map_err(|error| failure(format!("could not be started ({program}): {error}")))?;
        living(|groups| groups.push(child.id()));
        Ok(Running {
            name: self.name.clone(),
            child,
            log: path,
            address,
            started_in: Duration::ZERO,
            workers: None,
            lone_threads: None,
        })
    }
}

/// Where servers keep what they measure at their first start.
pub fn cache_home(logs: &Path) -> PathBuf {
    logs.join("cache")
}

/// A server that is ready. Dropping this kills it.
pub struct Running {
    name: String,
    child: Child,
    log: PathBuf,
    /// Where it listens.
    pub address: SocketAddr,
    /// From starting the process to the first 200.
    pub started_in: Duration,
    /// Inference threads with a session each, if it says so.
    pub workers: Option<usize>,
    /// Threads of one more session, for an image that is alone, if it says so.
    pub lone_threads: Option<usize>,
}

impl Running {
    /// Its process group.
    pub fn group(&self) -> u32 {
        self.child.id()
    }

    /// Whether the process has ended.
    pub fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// What went wrong, with the end of its log.
    pub fn failure(&self, what: &str) -> BenchError {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let last = &lines[lines.len().saturating_sub(QUOTED)..];
        BenchError::Server {
            name: self.name.clone(),
            what: what.into(),
            log: last.join("\n"),
        }
    }

    /// Asks it to stop, and waits.
    pub fn stop(mut self) {
        signal(self.group(), Signal::TERM);
        let began = Instant::now();
        while !self.has_ended() && began.elapsed() < STOP {
            thread::sleep(ASK);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let group = self.group();
        // Its children too, which may have outlived it.
        signal(group, Signal::KILL);
        let _ = self.child.wait();
        living(|groups| groups.retain(|living| *living != group));
    }
}

/// Kills every server that the benchmark started.
pub fn kill_all() {
    living(|groups| groups.iter().for_each(|&group| signal(group, Signal::KILL)));
}

fn living(change: impl FnOnce(&mut Vec<u32>)) {
    change(&mut LIVING.lock().unwrap_or_else(PoisonError::into_inner));
}

fn signal(group: u32, signal: Signal) {
    if let Some(group) = i32::try_from(group).ok().and_then(Pid::from_raw) {
        let _ = kill_process_group(group, signal);
    }
}

/// Status and body of a GET, if there is an answer.
fn get(address: SocketAddr, path: &str) -> Option<(u16, Vec<u8>)> {
    let patience = Duration::from_secs(2);
    let mut stream = TcpStream::connect_timeout(&address, patience).ok()?;
    stream.set_read_timeout(Some(patience)).ok()?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).ok()?;
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).ok()?;
    let head = Head::read(&reply).ok()??;
    let body = reply.split_off(head.body_at.min(reply.len()));
    Some((head.status, body))
}

fn number(ready: &[u8], name: &str) -> Option<usize> {
    let ready: serde_json::Value = serde_json::from_slice(ready).ok()?;
    ready.get(name)?.as_u64().map(|number| number as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Contender {
        Contender {
            command: ["sh", "-c", script].map(String::from).into(),
            ..Contender::normgate(Path::new("sh"), &[])
        }
    }

    #[test]
    fn a_server_that_ends_at_once_is_an_error_with_its_last_words() {
        let logs = tempfile::tempdir().unwrap();
        let script = "echo port {port} >&2; echo model {model}; exit 3";
        let error = shell(script)
            .start(Path::new("a.onnx"), logs.path())
            .err()
            .unwrap();
        let message = error.to_string();
        assert!(message.contains("ended before it was ready"), "{message}");
        assert!(
            message.contains("model a.onnx") && !message.contains("{port}"),
            "{message}"
        );
    }

    #[test]
    fn a_server_gets_the_variables_that_are_its_own() {
        let logs = tempfile::tempdir().unwrap();
        let mut contender = shell("echo library $NORMGATE_ONNXRUNTIME; exit 3");
        let own = ("NORMGATE_ONNXRUNTIME".into(), "a.so".into());
        contender.environment.extend([own]);
        let error = contender.start(Path::new(""), logs.path()).err().unwrap();
        assert!(error.to_string().contains("library a.so"), "{error}");
    }

    #[test]
    fn a_server_is_killed_with_all_its_children() {
        let logs = tempfile::tempdir().unwrap();
        let running = shell("sleep 1000 & sleep 1000")
            .spawn(Path::new(""), logs.path())
            .unwrap();
        let group = running.group();
        let began = Instant::now();
        drop(running);
        while crate::processes::cpu_time(group).is_some() {
            assert!(began.elapsed() < Duration::from_secs(60));
        }
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let contender = Contender::normgate(Path::new("no/such/server"), &[]);
        let logs = tempfile::tempdir().unwrap();
        let error = contender
            .start(Path::new("a.onnx"), logs.path())
            .err()
            .unwrap();
        assert!(error.to_string().contains("no/such/server"), "{error}");
    }
}
