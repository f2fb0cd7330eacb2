//! What was measured: as JSON, on the terminal, and as the tables of a document.

mod document;
mod tables;
mod targets;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::BenchError;
use crate::machine::Machine;
use crate::pictures::Input;
use crate::raw::Layout;
use crate::statistics::Spread;

pub use document::write_tables;
pub use targets::{Target, targets};

/// The results of a benchmark. Its [`Display`](fmt::Display) is for the terminal, within 100 columns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The day, in UTC.
    pub date: String,
    /// The command line.
    pub command: String,
    /// The machine.
    pub machine: Machine,
    /// Version of the Normgate that measured.
    pub normgate: String,
    /// How many rounds there were; figures are their medians.
    pub rounds: usize,
    /// Seconds of each measurement.
    pub seconds: f64,
    /// What was measured.
    pub cells: Vec<Cell>,
}

/// A model with a kind of image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    /// The model.
    pub model: String,
    /// The kind of image.
    pub input: Input,
    /// Mean size of an image's file.
    pub input_bytes: usize,
    /// The raw limit of ONNX Runtime.
    pub raw: Raw,
    /// Median time to decode an image and bring it to the model's size, in milliseconds, on one thread.
    pub decode_ms: f64,
    /// Median time of a batch of one, in milliseconds, by the number of threads of the session.
    pub inference_ms: BTreeMap<usize, f64>,
    /// The servers.
    pub servers: Vec<Server>,
}

/// The raw limit of ONNX Runtime.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Raw {
    /// The fastest layout.
    pub layout: Layout,
    /// The fastest batch.
    pub batch: usize,
    /// Images a second.
    pub images_per_second: Spread,
    /// The search for it: images a second of every layout and batch, each measured once, briefly.
    pub search: Vec<Searched>,
}

/// One step of the search for the best layout.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Searched {
    /// The layout.
    pub layout: Layout,
    /// The batch.
    pub batch: usize,
    /// Images a second.
    pub images_per_second: f64,
}

/// What a server did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Server {
    /// Its name.
    pub name: String,
    /// Its variant.
    pub variant: String,
    /// How many sessions it has, if it says so.
    pub workers: Option<usize>,
    /// Threads of one more session, for an image that is alone; 0 if there is none.
    #[serde(default)]
    pub lone_threads: Option<usize>,
    /// Seconds from starting the process to being ready; `None` if it never was.
    pub start_seconds: Option<Spread>,
    /// The largest resident memory of any round, in MiB.
    pub peak_mib: Option<f64>,
    /// At each number of connections.
    pub loads: Vec<Load>,
}

/// What a server did at a number of connections.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Load {
    /// Connections.
    pub connections: usize,
    /// Replies with status 200 per second.
    pub requests_per_second: Spread,
    /// The same as a share of the raw limit of the same round.
    pub share_of_raw: Spread,
    /// Median latency of all rounds; `None` if nothing was answered.
    pub p50_ms: Option<f64>,
    /// The latency that 99 % of answers do not exceed.
    pub p99_ms: Option<f64>,
    /// Replies with status 200.
    pub answered: u64,
    /// Other outcomes, by status or reason.
    pub errors: BTreeMap<String, u64>,
    /// Processor time of the server for each answer, in milliseconds.
    pub cpu_ms: Option<f64>,
    /// Processor time of the load generator for each answer, in microseconds.
    pub own_cpu_us: Option<f64>,
    /// Resident memory at the end, the most of all rounds, in MiB.
    pub resident_mib: Option<f64>,
}

impl Report {
    /// Reads a report.
    ///
    /// # Errors
    /// [`BenchError`] if the file cannot be read, or is not a report.
    pub fn read(path: &Path) -> Result<Self, BenchError> {
        let json = fs::read_to_string(path).map_err(BenchError::file(path))?;
        serde_json::from_str(&json).map_err(|source| BenchError::Json {
            path: path.into(),
            wanted: "a report, as --json writes it",
            source,
        })
    }

    /// Writes it as JSON.
    ///
    /// # Errors
    /// [`BenchError`] if the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), BenchError> {
        let json = serde_json::to_string_pretty(self).map_err(|source| BenchError::Json {
            path: path.into(),
            wanted: "what JSON can hold",
            source,
        })?;
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(BenchError::file(folder))?;
        }
        fs::write(path, json + "\n").map_err(BenchError::file(path))
    }
}

impl Cell {
    /// Model and kind of image, as in headings.
    pub fn title(&self) -> String {
        format!("{}, {}", self.model, self.input.title())
    }

    /// Processor time that the raw limit spends on an image, in milliseconds.
    pub fn inference_cpu_ms(&self) -> f64 {
        let threads = (self.raw.layout.sessions * self.raw.layout.threads) as f64;
        1000.0 * threads / self.raw.images_per_second.median
    }
}

impl Server {
    /// Name and variant.
    pub fn title(&self) -> String {
        match self.variant.is_empty() {
            true => self.name.clone(),
            false => format!("{}, {}", self.name, self.variant),
        }
    }

    /// What it did with this number of connections.
    pub fn at(&self, connections: usize) -> Option<&Load> {
        self.loads
            .iter()
            .find(|load| load.connections == connections)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n{}\n", tables::machine(self))?;
        for table in tables::for_terminal(self) {
            writeln!(f, "{}", table.terminal())?;
        }
        Ok(())
    }
}
