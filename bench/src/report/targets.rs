use super::tables::milliseconds;
use super::{Cell, Report, Server};
use crate::models::Choice;
use crate::pictures::Input;

/// The share of the raw limit that the server should reach on two cores.
const SHARE: [(Choice, f64); 3] = [
    (Choice::Shipped, 0.90),
    (Choice::Resnet18, 0.97),
    (Choice::Resnet50, 0.97),
];
const LATENCY_MS: f64 = 0.15;
const RESIDENT_MIB: f64 = 60.0;
const START_SECONDS: f64 = 0.5;
const LARGE_PHOTO_CPU_MS: f64 = 30.0;

/// A target, and what was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// What is to be reached.
    pub what: String,
    /// Whether it is reached.
    pub reached: bool,
    /// The bound.
    pub wanted: String,
    /// What was measured.
    pub found: String,
}

/// The targets that the report has figures for: Normgate's, on the models of this benchmark, with images of the
/// model's own size and with large photos. They are for two cores.
pub fn targets(report: &Report) -> Vec<Target> {
    let mut targets = Vec::new();
    if report.machine.cores != 2 {
        return targets;
    }
    for (choice, share) in SHARE {
        let name = choice.to_string();
        for cell in report.cells.iter().filter(|cell| cell.model == name) {
            let Some(server) = cell.servers.iter().find(|server| server.name == "Normgate") else {
                continue;
            };
            if choice.inputs().first() == Some(&cell.input) {
                targets.extend(throughput(cell, server, share));
                targets.extend(latency(report.machine.cores, cell, server));
            }
            if choice == Choice::Shipped && cell.input == Input::Png32 {
                targets.extend(footprint(cell, server));
            }
            if cell.input == Input::Jpeg12mp {
                targets.extend(large_photo(cell, server));
            }
        }
    }
    targets
}

fn throughput(cell: &Cell, server: &Server, share: f64) -> Option<Target> {
    let found = server.at(64)?.share_of_raw.median;
    Some(Target {
        what: format!("{}: 64 connections", cell.title()),
        reached: found >= share,
        wanted: format!("≥ {:.0} % of raw", 100.0 * share),
        found: format!("{:.1} %", 100.0 * found),
    })
}

/// Latency, compared with inference in a session with as many threads as an image that is alone gets: those of the
/// session for such images, or else the cores divided by the workers.
fn latency(cores: usize, cell: &Cell, server: &Server) -> Option<Target> {
    let shared = cores / server.workers?.max(1);
    let threads = server
        .lone_threads
        .filter(|&threads| threads > 0)
        .unwrap_or(shared);
    let alone = cell.decode_ms + cell.inference_ms.get(&threads.max(1))?;
    let found = server.at(1)?.p50_ms?;
    Some(Target {
        what: format!("{}: p50 at one connection", cell.title()),
        reached: found <= alone + LATENCY_MS,
        wanted: format!("≤ {} + {LATENCY_MS} ms", milliseconds(Some(alone))),
        found: format!("{} ms", milliseconds(Some(found))),
    })
}

fn footprint(cell: &Cell, server: &Server) -> Vec<Target> {
    let resident = server
        .loads
        .iter()
        .filter_map(|load| load.resident_mib)
        .reduce(f64::max);
    let memory = resident.map(|found| Target {
        what: format!("{}: resident memory", cell.title()),
        reached: found <= RESIDENT_MIB,
        wanted: format!("≤ {RESIDENT_MIB} MiB"),
        found: format!("{found:.1} MiB"),
    });
    // As a rule that is the first, which measures the layout.
    let start = server.start_seconds.map(|found| Target {
        what: format!("{}: slowest start", cell.title()),
        reached: found.high <= START_SECONDS,
        wanted: format!("≤ {START_SECONDS} s"),
        found: format!("{:.2} s", found.high),
    });
    memory.into_iter().chain(start).collect()
}

/// Processor time beyond the raw limit's inference: that of decoding and of the server itself.
fn large_photo(cell: &Cell, server: &Server) -> Option<Target> {
    let loads = server.loads.iter().filter(|load| load.connections <= 64);
    let found = loads.filter_map(|load| load.cpu_ms).reduce(f64::max)? - cell.inference_cpu_ms();
    Some(Target {
        what: format!("{}: CPU beside inference", cell.title()),
        reached: found <= LARGE_PHOTO_CPU_MS,
        wanted: format!("≤ {LARGE_PHOTO_CPU_MS} ms"),
        found: format!("{} ms", milliseconds(Some(found))),
    })
}
