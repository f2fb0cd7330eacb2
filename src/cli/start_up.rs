//! What the server says when it is ready.

use std::fmt;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use normgate_core::Manifest;

use crate::config::reachable;
use crate::engine::Engine;

/// A photo in this repository, for whoever starts the server there.
const EXAMPLE: &str = "docs/images/cat.jpg";

/// The facts of a start.
pub struct StartUp<'a> {
    pub model: &'a Path,
    pub manifest: &'a Manifest,
    pub digest: &'a str,
    pub engine: &'a Engine,
    /// ONNX Runtime's version.
    pub runtime: &'a str,
    pub address: SocketAddr,
    /// An image to put into the `curl` line.
    pub example: Option<&'a Path>,
    pub took: Duration,
}

impl StartUp<'_> {
    /// For people on standard output, or as one line of the log.
    pub fn announce(&self, for_people: bool) -> io::Result<()> {
        if for_people {
            let mut out = io::stdout().lock();
            write!(out, "{self}")?;
            return out.flush();
        }
        tracing::info!(
            address = %format_args!("http://{}/", self.address),
            model = self.manifest.title(),
            digest = self.digest,
            onnxruntime = self.runtime,
            provider = self.engine.provider(),
            workers = self.engine.workers(),
            seconds = self.took.as_secs_f64(),
            "ready"
        );
        Ok(())
    }

    fn example(&self) -> String {
        let example = self
            .example
            .or_else(|| Some(Path::new(EXAMPLE)).filter(|path| path.is_file()));
        let path = example
            .unwrap_or(Path::new("photo.jpg"))
            .display()
            .to_string();
        let plain = |c: char| c.is_alphanumeric() || "/._-+,:@%".contains(c);
        match path.chars().all(plain) {
            true => format!("@{path}"),
            false => format!("'@{}'", path.replace('\'', r"'\''")),
        }
    }
}

impl fmt::Display for StartUp<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            manifest,
            engine,
            runtime,
            ..
        } = self;
        let here = reachable(self.address);
        writeln!(
            f,
            "\nNormgate is ready after {:.2} s.\n",
            self.took.as_secs_f64()
        )?;
        writeln!(
            f,
            "  model    {} ({} labels), {}",
            manifest.title(),
            manifest.labels.len(),
            self.model.display()
        )?;
        if let Some(calibration) = &manifest.calibration {
            writeln!(
                f,
                "  verdict  OOD above a {} score of {:.3}, as {:.1} % of known images are",
                manifest.score,
                calibration.threshold,
                calibration.expected_flag_rate * 100.0,
            )?;
        }
        let workers = engine.workers();
        let plural = if workers == 1 { "" } else { "s" };
        writeln!(
            f,
            "  engine   ONNX Runtime {runtime}, {}, {workers} worker{plural}",
            engine.provider()
        )?;
        writeln!(f, "  address  http://{}/", self.address)?;
        writeln!(
            f,
            "\nOpen http://{here}/ and drop a photo there, or try:\n  curl --data-binary {} \
             http://{here}/classify\n",
            self.example()
        )
    }
}
