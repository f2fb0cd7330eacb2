use std::collections::BTreeSet;

use normgate_evaluation::reports::table::Table;

use super::{Cell, Load, Report, Server, targets};
use crate::statistics::Spread;

const NOTHING: &str = "–";

/// What the figures were measured on, in three lines.
pub(super) fn machine(report: &Report) -> String {
    let machine = &report.machine;
    let int8 = match machine.int8_instructions {
        true => "with int8 instructions",
        false => "without int8 instructions",
    };
    let rounds = match report.rounds {
        1 => "one round".into(),
        rounds => format!("medians of {rounds} rounds"),
    };
    format!(
        "{}, {} cores, {int8}, {} GiB, Linux {}\n\
         {}, Normgate {}, ONNX Runtime {}, {rounds} of {} s\n\
         {}",
        machine.processor,
        machine.cores,
        machine.memory_gib,
        machine.kernel,
        report.date,
        report.normgate,
        machine.onnxruntime,
        report.seconds,
        report.command,
    )
}

/// All tables, with titles.
pub(super) fn for_terminal(report: &Report) -> Vec<Table> {
    let mut tables = vec![Table {
        title: "ONNX Runtime alone, and decoding".into(),
        ..raw(report)
    }];
    for cell in &report.cells {
        for server in &cell.servers {
            tables.push(Table {
                title: format!("{}: {}", server.title(), cell.title()),
                note: start_up(server),
                header: strings(LOAD_HEADER),
                text_columns: 0,
                rows: server.loads.iter().map(load).collect(),
            });
        }
    }
    if has_peers(report) {
        tables.push(Table {
            title: "Best variant of each server, requests/s by connections".into(),
            ..peers(report)
        });
    }
    let targets = targets_table(report);
    if !targets.rows.is_empty() {
        tables.push(Table {
            title: "Targets".into(),
            ..targets
        });
    }
    tables
}

/// Whether more than one server was measured.
pub(super) fn has_peers(report: &Report) -> bool {
    let servers = report.cells.iter().flat_map(|cell| &cell.servers);
    servers
        .map(|server| &server.name)
        .collect::<BTreeSet<_>>()
        .len()
        > 1
}

/// The raw limit, a row for each cell.
pub(super) fn raw(report: &Report) -> Table {
    let cores = report.machine.cores;
    let row = |cell: &Cell| {
        let inference = |threads| cell.inference_ms.get(&threads).copied();
        vec![
            cell.model.clone(),
            cell.input.title().into(),
            bytes(cell.input_bytes),
            milliseconds(Some(cell.decode_ms)),
            milliseconds(inference(1)),
            milliseconds(inference(cores)),
            number(cell.raw.images_per_second.median),
            plus_minus(&cell.raw.images_per_second),
            cell.raw.layout.to_string(),
            cell.raw.batch.to_string(),
        ]
    };
    let all = format!("on {cores}");
    Table {
        title: String::new(),
        note: String::new(),
        header: strings([
            "model",
            "image",
            "file",
            "decode ms",
            "run ms",
            &all,
            "images/s",
            "±",
            "layout",
            "batch",
        ]),
        text_columns: 2,
        rows: report.cells.iter().map(row).collect(),
    }
}

const LOAD_HEADER: [&str; 9] = [
    "connections",
    "requests/s",
    "±",
    "of raw",
    "p50 ms",
    "p99 ms",
    "CPU ms",
    "MiB",
    "errors",
];

/// Every server at every number of connections.
pub(super) fn servers(report: &Report) -> Table {
    let mut rows = Vec::new();
    for cell in &report.cells {
        for (server, figures) in cell
            .servers
            .iter()
            .flat_map(|server| server.loads.iter().map(move |load| (server, load)))
        {
            let mut row = vec![cell.model.clone(), cell.input.title().into()];
            if has_peers(report) {
                row.push(server.title());
            }
            row.extend(load(figures));
            rows.push(row);
        }
    }
    let mut header = strings(["model", "image"]);
    if has_peers(report) {
        header.push("server".into());
    }
    let text_columns = header.len();
    header.extend(strings(LOAD_HEADER));
    Table {
        title: String::new(),
        note: String::new(),
        header,
        text_columns,
        rows,
    }
}

/// How long servers take to start, and how much memory they reach.
pub(super) fn starts(report: &Report) -> Table {
    let mut rows = Vec::new();
    for cell in &report.cells {
        for server in &cell.servers {
            rows.push(vec![
                cell.model.clone(),
                cell.input.title().into(),
                server.title(),
                server
                    .start_seconds
                    .map_or(NOTHING.into(), |start| decimals(start.median)),
                server
                    .start_seconds
                    .map_or(NOTHING.into(), |start| decimals(start.high)),
                server
                    .peak_mib
                    .map_or(NOTHING.into(), |peak| format!("{peak:.0}")),
            ]);
        }
    }
    Table {
        title: String::new(),
        note: String::new(),
        header: strings([
            "model",
            "image",
            "server",
            "ready after s",
            "slowest",
            "peak MiB",
        ]),
        text_columns: 3,
        rows,
    }
}

/// For each cell the best variant of each server at each number of connections.
pub(super) fn peers(report: &Report) -> Table {
    let loads = || {
        report
            .cells
            .iter()
            .flat_map(|cell| &cell.servers)
            .flat_map(|s| &s.loads)
    };
    let connections: BTreeSet<usize> = loads().map(|load| load.connections).collect();
    let mut rows = Vec::new();
    for cell in &report.cells {
        let mut names: Vec<&str> = Vec::new();
        for server in &cell.servers {
            if !names.contains(&server.name.as_str()) {
                names.push(&server.name);
            }
        }
        for name in names {
            let variants = || cell.servers.iter().filter(|server| server.name == name);
            let best = |&connections: &usize| {
                let loads = variants().filter_map(|server| server.at(connections));
                let rates = loads.map(|load| load.requests_per_second.median);
                rates.reduce(f64::max)
            };
            let least = |of: fn(&Server) -> Option<f64>| variants().filter_map(of).reduce(f64::min);
            let mut row = vec![cell.model.clone(), cell.input.title().into(), name.into()];
            row.extend(
                connections
                    .iter()
                    .map(|connections| best(connections).map_or(NOTHING.into(), number)),
            );
            let start = least(|server| server.start_seconds.map(|start| start.median));
            row.push(start.map_or(NOTHING.into(), decimals));
            let peak = least(|server| server.peak_mib);
            row.push(peak.map_or(NOTHING.into(), |peak| format!("{peak:.0}")));
            rows.push(row);
        }
    }
    let mut header = strings(["model", "image", "server"]);
    header.extend(connections.iter().map(usize::to_string));
    header.extend(strings(["ready s", "peak MiB"]));
    Table {
        title: String::new(),
        note: String::new(),
        header,
        text_columns: 3,
        rows,
    }
}

/// The targets that this report can be held against.
pub(super) fn targets_table(report: &Report) -> Table {
    let rows = targets(report).into_iter().map(|target| {
        let verdict = if target.reached { "reached" } else { "missed" };
        vec![target.what, verdict.into(), target.wanted, target.found]
    });
    Table {
        title: String::new(),
        note: String::new(),
        header: strings(["target", "", "wanted", "found"]),
        text_columns: 2,
        rows: rows.collect(),
    }
}

fn load(load: &Load) -> Vec<String> {
    let errors = load
        .errors
        .iter()
        .map(|(reason, count)| format!("{count} × {reason}"));
    let errors = errors.collect::<Vec<_>>().join(", ");
    vec![
        load.connections.to_string(),
        number(load.requests_per_second.median),
        plus_minus(&load.requests_per_second),
        format!("{:.1} %", 100.0 * load.share_of_raw.median),
        milliseconds(load.p50_ms),
        milliseconds(load.p99_ms),
        milliseconds(load.cpu_ms),
        load.resident_mib
            .map_or(NOTHING.into(), |mib| format!("{mib:.0}")),
        if errors.is_empty() {
            "0".into()
        } else {
            errors
        },
    ]
}

fn start_up(server: &Server) -> String {
    let mut facts = Vec::new();
    if let Some(start) = &server.start_seconds {
        facts.push(format!("ready after {} s", decimals(start.median)));
    }
    if let Some(peak) = server.peak_mib {
        facts.push(format!("at most {peak:.0} MiB resident"));
    }
    if let Some(workers) = server.workers {
        facts.push(format!("workers: {workers}"));
    }
    if let Some(threads) = server.lone_threads.filter(|&threads| threads > 0) {
        facts.push(format!("an image alone gets {threads} threads"));
    }
    let limits = server
        .loads
        .iter()
        .filter(|load| is_generator_s_limit(load));
    facts.extend(limits.map(|load| {
        let connections = load.connections;
        format!("at {connections} connections the load generator is the limit")
    }));
    facts.join(", ")
}

/// Whether the load generator's one thread had hardly time to spare.
fn is_generator_s_limit(load: &Load) -> bool {
    let share = |own_us: f64| own_us * 1e-6 * load.requests_per_second.median;
    load.own_cpu_us.is_some_and(|own| share(own) > 0.8)
}

fn strings<const N: usize>(texts: [&str; N]) -> Vec<String> {
    texts.map(String::from).into()
}

/// At least three significant digits, with a comma for thousands.
pub(super) fn number(value: f64) -> String {
    match value {
        ..10.0 => format!("{value:.2}"),
        ..100.0 => format!("{value:.1}"),
        _ => {
            let digits = format!("{value:.0}");
            match digits.len().checked_sub(3) {
                Some(at @ 1..=3) => format!("{},{}", &digits[..at], &digits[at..]),
                _ => digits,
            }
        }
    }
}

pub(super) fn milliseconds(value: Option<f64>) -> String {
    match value {
        None => NOTHING.into(),
        Some(value) if value < 10.0 => format!("{value:.3}"),
        Some(value) => format!("{value:.1}"),
    }
}

fn decimals(value: f64) -> String {
    format!("{value:.2}")
}

/// What is measured once has no spread.
fn plus_minus(spread: &Spread) -> String {
    if spread.low == spread.high {
        return NOTHING.into();
    }
    format!("{:.1} %", 100.0 * spread.relative())
}

fn bytes(count: usize) -> String {
    match count {
        0..100_000 => format!("{:.1} kB", count as f64 / 1e3),
        _ => format!("{:.1} MB", count as f64 / 1e6),
    }
}
