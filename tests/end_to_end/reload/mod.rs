//! Putting another model into the file that is served.

mod refused;
mod signals;
mod swap;
mod watch;

use std::{
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

use image::{ImageFormat, Rgb, RgbImage};
use tempfile::TempDir;

use crate::{
    models::{ENGLISH, Kind, signs},
    support::{PATIENCE, Server, encoded},
};

/// A server, and the file that it serves.
struct Reloading {
    server: Server,
    model: PathBuf,
    _folder: TempDir,
}

impl Reloading {
    fn with(arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let model = folder.path().join("model.onnx");
        ENGLISH.put(&model);
        let model_argument = model.to_str().unwrap();
        let all = [&["--model", model_argument, "--workers", "2"], arguments].concat();
        Self {
            server: Server::with(&all),
            model,
            _folder: folder,
        }
    }

    /// Puts a model into the file, asks for a reload, and waits for it.
    fn reload(&self, kind: &Kind) {
        let before = self.count("ok");
        kind.put(&self.model);
        self.server.signal("HUP");
        self.wait_for("ok", before + 1);
    }

    fn count(&self, result: &str) -> u64 {
        count(&self.server, result)
    }

    fn wait_for(&self, result: &str, least: u64) {
        wait_for(&self.server, result, least);
    }

    /// The `nth` line of the log with these words.
    fn wait_for_log(&self, words: &str, nth: usize) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let log = self.server.log();
            let mut lines = log.lines().filter(|line| line.contains(words));
            if let Some(line) = lines.nth(nth - 1) {
                return line.to_owned();
            }
            assert!(Instant::now() < deadline, "never {nth} × {words}:\n{log}");
            thread::sleep(Duration::from_millis(5));
        }
    }

    #[track_caller]
    fn assert_serves(&self, kind: &Kind) {
        let reply = self.server.classify("image/png", &red()).answer();
        assert_eq!(signs(&reply), kind.signs());
        let model = self.server.get("/model").answer();
        let ready = self.server.get("/readyz").answer();
        let digest = ready["model"]["digest"].as_str().unwrap();
        assert_eq!(model["digest"], digest);
        assert_eq!(digest, kind.model().digest());
        assert_eq!(model["version"], kind.version);
        assert_eq!(ready["model"]["version"], kind.version);
    }
}

/// `normgate_model_reload_total` with this result.
fn count(server: &Server, result: &str) -> u64 {
    let metrics = server.get("/metrics").text();
    let start = format!("normgate_model_reload_total{{result=\"{result}\"}} ");
    let line = metrics.lines().find_map(|line| line.strip_prefix(&start));
    let line = line.unwrap_or_else(|| panic!("no {start} in:\n{metrics}"));
    line.parse().unwrap()
}

#[track_caller]
fn wait_for(server: &Server, result: &str, least: u64) {
    let deadline = Instant::now() + PATIENCE;
    while count(server, result) < least {
        assert!(
            Instant::now() < deadline,
            "never {least} {result}:\n{}",
            server.log()
        );
        thread::sleep(Duration::from_millis(5));
    }
}

fn red() -> Vec<u8> {
    let picture = RgbImage::from_pixel(8, 8, Rgb([255, 0, 0]));
    encoded(picture, ImageFormat::Png)
}
