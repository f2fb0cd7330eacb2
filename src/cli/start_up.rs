//! What the server says when it is ready.

use std::fmt;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::thread;
use std::time::Duration;

use normgate_core::Calibration;

use crate::config::reachable;
use crate::serving::Serving;

/// A photo in this repository, for users who start the server there.
const EXAMPLE: &str = "docs/images/cat.jpg";

/// The facts of a start.
pub struct StartUp<'a> {
    pub model: &'a Path,
    pub serving: &'a Serving,
    /// ONNX Runtime's version.
    pub runtime: &'a str,
    pub address: SocketAddr,
    pub probe_address: Option<SocketAddr>,
    pub took: Duration,
}

impl StartUp<'_> {
    /// Prints it on standard output for people, or logs it as one line.
    pub fn announce(&self, for_people: bool) -> io::Result<()> {
        if for_people {
            let text = self.to_string();
            let write = move || {
                let mut out = io::stdout().lock();
                let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
                if let Err(error) = written {
                    tracing::warn!(%error, "the start could not be announced");
                }
            };
            // Nobody may read it, and then writing never ends.
            thread::Builder::new().name("start".into()).spawn(write)?;
            return Ok(());
        }
        tracing::info!(
            address = %format_args!("http://{}/", self.address),
            probes = self.probe_address.map(|address| format!("http://{address}/")),
            model = self.serving.manifest.title(),
            digest = self.serving.digest,
            onnxruntime = self.runtime,
            provider = self.serving.engine.provider(),
            workers = self.serving.engine.layout().workers,
            threads_per_worker = self.serving.engine.layout().threads,
            lone_threads = self.serving.engine.layout().lone,
            seconds = self.took.as_secs_f64(),
            "ready"
        );
        Ok(())
    }
}

/// An image for the `curl` line.
fn example() -> &'static str {
    match Path::new(EXAMPLE).is_file() {
        true => EXAMPLE,
        false => "photo.jpg",
    }
}

impl fmt::Display for StartUp<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            serving, runtime, ..
        } = self;
        let Serving {
            manifest, engine, ..
        } = serving;
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
                "  verdict  OOD if {} is above {}; flags {} of ID images",
                manifest.score,
                thresholds(calibration),
                id_flagged(calibration),
            )?;
        }
        let layout = engine.layout();
        let plural = |n| if n == 1 { "" } else { "s" };
        writeln!(
            f,
            "  engine   ONNX Runtime {runtime}, {}, {} worker{} of {} thread{}{}",
            engine.provider(),
            layout.workers,
            plural(layout.workers),
            layout.threads,
            plural(layout.threads),
            match layout.lone {
                0 => String::new(),
                lone => format!("; {lone} for an image that is alone"),
            }
        )?;
        writeln!(f, "  address  http://{}/", self.address)?;
        if let Some(address) = self.probe_address {
            writeln!(f, "  probes   http://{address}/livez, /readyz, /metrics")?;
        }
        writeln!(
            f,
            "\nOpen http://{here}/ and drop a photo there, or try:\n  curl --data-binary @{} \
             http://{here}/classify\n",
            example()
        )
    }
}

/// The threshold, or the smallest and the largest if classes have their own.
fn thresholds(calibration: &Calibration) -> String {
    match calibration.thresholds_by_class() {
        Some([least, most]) => format!("{least:.3} to {most:.3} (by class)"),
        None => format!("{:.3}", calibration.threshold),
    }
}

/// The share of ID images that the threshold is expected to flag.
fn id_flagged(calibration: &Calibration) -> String {
    format!("{:.1} %", calibration.expected_share_flagged() * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_calibration_that_flagged_nothing_does_not_promise_that_nothing_will_be() {
        let scores: Vec<f32> = (0..100).map(|n| n as f32).collect();
        let said = |n: usize| id_flagged(&Calibration::id_positive(&scores[..n], 0.95).unwrap());
        assert_eq!(said(19), "5.0 %");
        assert_eq!(said(100), "5.0 %");
    }
}
