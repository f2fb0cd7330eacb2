//! A server of its own for each test, a plain HTTP client, and images.

use std::{
    io::{BufRead, BufReader, Cursor},
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::{Arc, Mutex, mpsc},
    time::{Duration, Instant},
};

use image::{DynamicImage, ImageFormat, RgbImage};
use serde_json::Value;

/// How long anything may take before a test gives up: generous, since it only bounds failure.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub fn shipped_model() -> PathBuf {
    repository().join("models/cifar10-lt.onnx")
}

/// The `normgate` binary as a user starts it: nothing of the test's own environment that could
/// change what it does.
pub fn normgate() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_normgate"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("NORMGATE_")) {
        command.env_remove(name);
    }
    command
        .env_remove("ORT_DISABLE_TELEMETRY")
        .env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR"))
        .current_dir(repository());
    command
}

/// Runs the command line with these arguments.
pub fn run(arguments: &[&str]) -> Output {
    normgate().args(arguments).output().expect("normgate runs")
}

pub fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A command started by another program, which then becomes it.
pub fn through(outer: &[&str], inner: &Command) -> Command {
    let mut command = Command::new(outer[0]);
    command
        .args(&outer[1..])
        .arg(inner.get_program())
        .args(inner.get_args());
    for (name, value) in inner.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.current_dir(repository());
    command
}

pub struct Server {
    child: Child,
    address: String,
    log: Arc<Mutex<String>>,
}

impl Server {
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// Starts `normgate serve` on a free port and waits until it is ready.
    pub fn with(arguments: &[&str]) -> Self {
        let mut command = normgate();
        command
            .args(["serve", "--listen", "127.0.0.1:0"])
            .args(arguments);
        Self::spawn(command)
    }

    /// Starts a command that serves, and reads from its output at which address.
    pub fn spawn(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let log = Arc::new(Mutex::new(String::new()));
        let (found, address) = mpsc::channel();
        let streams: [Box<dyn std::io::Read + Send>; 2] = [
            Box::new(child.stdout.take().expect("stdout is piped")),
            Box::new(child.stderr.take().expect("stderr is piped")),
        ];
        for stream in streams {
            let (log, found) = (log.clone(), found.clone());
            std::thread::spawn(move || {
                for line in BufReader::new(stream).lines().map_while(Result::ok) {
                    let mut log = log.lock().expect("no reader panics");
                    log.push_str(&line);
                    log.push('\n');
                    drop(log);
                    // After that, so that whoever hears of it finds the line in the log.
                    if let Some(address) = address_in(&line) {
                        let _ = found.send(address);
                    }
                }
            });
        }
        drop(found);
        let address = address.recv_timeout(PATIENCE).unwrap_or_else(|_| {
            let _ = child.kill();
            panic!(
                "the server did not say where it listens:\n{}",
                log.lock().expect("no reader panics")
            );
        });
        Self {
            child,
            address,
            log,
        }
        .ready()
    }

    /// Starts a command that serves at this address, and whose output goes where the command says.
    pub fn unheard(mut command: Command, address: SocketAddr) -> Self {
        let server = Self {
            child: command.stdin(Stdio::null()).spawn().expect("it starts"),
            address: address.to_string(),
            log: Arc::default(),
        };
        until(&server, "nobody listens", || {
            TcpStream::connect(address).is_ok()
        });
        server.ready()
    }

    fn ready(self) -> Self {
        let deadline = Instant::now() + PATIENCE;
        while self.get("/readyz").status != 200 {
            assert!(Instant::now() < deadline, "never ready:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
        self
    }

    pub fn address(&self) -> &str {
        &self.address
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn log(&self) -> String {
        self.log.lock().expect("no reader panics").clone()
    }

    pub fn get(&self, path: &str) -> Reply {
        self.get_as(path, "*/*")
    }

    pub fn get_as(&self, path: &str, accept: &str) -> Reply {
        let url = format!("http://{}{path}", self.address);
        Reply::of(
            agent()
                .get(&url)
                .header("accept", accept)
                .call()
                .unwrap_or_else(|error| panic!("GET {url}: {error}\n{}", self.log())),
        )
    }

    /// Posts to `/classify`.
    pub fn classify(&self, content_type: &str, body: &[u8]) -> Reply {
        self.post("/classify", &[("content-type", content_type)], body)
    }

    pub fn post(&self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        self.try_post(path, headers, body)
            .unwrap_or_else(|error| panic!("POST {path}: {error}\n{}", self.log()))
    }

    pub fn try_post(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Reply, ureq::Error> {
        let mut request = agent().post(format!("http://{}{path}", self.address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send(body).map(Reply::of)
    }

    pub fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .args([format!("-{name}"), self.pid().to_string()])
            .status();
        assert!(status.expect("kill runs").success());
    }

    pub fn wait(mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("the child can be waited for") {
                return status;
            }
            assert!(Instant::now() < deadline, "still running:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Resident memory in KiB, as Linux counts it.
    pub fn resident_kib(&self) -> u64 {
        self.memory_kib("VmRSS:")
    }

    /// The most that it has been since the start.
    pub fn peak_kib(&self) -> u64 {
        self.memory_kib("VmHWM:")
    }

    fn memory_kib(&self, what: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid()))
            .expect("the server lives");
        let line = status.lines().find(|line| line.starts_with(what));
        line.expect("Linux says it")
            .split_whitespace()
            .nth(1)
            .and_then(|kib| kib.parse().ok())
            .expect("a number of KiB")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until a server has done or become what it should.
pub fn until(server: &Server, what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "never: {what}\n{}", server.log());
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn address_in(line: &str) -> Option<String> {
    let rest = line.split("http://").nth(1)?;
    let end = rest
        .find(|c: char| !(c.is_ascii_digit() || c == '.' || c == ':'))
        .unwrap_or(rest.len());
    let address = &rest[..end];
    address
        .parse::<std::net::SocketAddr>()
        .is_ok()
        .then(|| address.to_owned())
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(PATIENCE))
        .build()
        .into()
}

#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Reply {
    fn of(mut response: ureq::http::Response<ureq::Body>) -> Self {
        let headers = response.headers().iter();
        let headers = headers
            .map(|(k, v)| (k.to_string(), v.to_str().unwrap_or("").to_owned()))
            .collect();
        Self {
            status: response.status().as_u16(),
            headers,
            body: response.body_mut().read_to_vec().expect("a whole body"),
        }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(k, _)| k.eq_ignore_ascii_case(name))
            .map(|(_, v)| v.as_str())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e} in: {}", self.text()))
    }

    /// The JSON of a 200; anything else fails the test with what came instead.
    pub fn answer(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text());
        self.json()
    }

    /// The problem document, after checking that it is one (RFC 9457) and has this status.
    pub fn problem(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        assert_eq!(
            self.header("content-type"),
            Some("application/problem+json")
        );
        let problem = self.json();
        assert_eq!(problem["status"], status);
        for field in ["type", "title", "detail"] {
            assert!(
                problem[field].as_str().is_some_and(|text| !text.is_empty()),
                "{field}: {problem}"
            );
        }
        problem
    }
}

/// An image with some structure, the same each time.
pub fn picture(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        let wave =
            |f: f32| ((f * x as f32).sin() * (f * 1.7 * y as f32).cos() * 90.0 + 128.0) as u8;
        image::Rgb([wave(0.11), wave(0.07), wave(0.19)])
    })
}

pub fn encoded(picture: RgbImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::from(picture)
        .write_to(&mut bytes, format)
        .expect("the format can be written");
    bytes.into_inner()
}

pub fn png() -> Vec<u8> {
    encoded(picture(48, 40), ImageFormat::Png)
}
