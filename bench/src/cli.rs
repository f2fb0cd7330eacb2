//! The command line.

use std::io::{ErrorKind, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use std::{env, fs};

use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use normgate_core::Runtime;
use normgate_core::runtime::Device;
use normgate_evaluation::machine::today;
use normgate_evaluation::shell::command_line;
use normgate_evaluation::stop_signal::on_stop_signal;

use crate::error::BenchError;
use crate::machine::Machine;
use crate::models::Choice;
use crate::pictures::Input;
use crate::plan::{Plan, Preset, Row};
use crate::report::{Report, write_tables};
use crate::rounds::Bench;
use crate::server::{Contender, kill_all};

/// Measure the server against the raw limit of ONNX Runtime on this machine
///
/// Both take turns in one run, with the load generator on the same cores. The benchmark starts the
/// server. docs/performance.md says what is measured, and how.
#[derive(Parser, Debug)]
#[command(name = "normgate-bench", version, max_term_width = 100)]
pub struct Args {
    /// How much to measure; the options below change parts of it
    #[arg(long, env = "NORMGATE_BENCH_PRESET", value_enum, default_value_t)]
    pub preset: Preset,
    /// Models: cifar10-lt, resnet18, resnet50, or files; with -int8 appended, quantised
    #[arg(
        long,
        env = "NORMGATE_BENCH_MODELS",
        value_name = "MODEL",
        value_delimiter = ','
    )]
    pub models: Vec<Choice>,
    /// Images to send [default: those that suit the model]
    #[arg(long, env = "NORMGATE_BENCH_INPUTS", value_enum, value_delimiter = ',')]
    pub inputs: Vec<Input>,
    /// Numbers of connections
    #[arg(long, env = "NORMGATE_BENCH_CONNECTIONS", value_name = "N", value_delimiter = ',',
        value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub connections: Vec<u32>,
    /// How long each measurement takes
    #[arg(long, env = "NORMGATE_BENCH_SECONDS", value_name = "S", value_parser = seconds)]
    pub seconds: Option<Duration>,
    /// How often each measurement is made; medians are shown
    #[arg(long, env = "NORMGATE_BENCH_ROUNDS", value_name = "N",
        value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub rounds: Option<u32>,
    /// The server [default: normgate beside this program]
    #[arg(long, env = "NORMGATE_BENCH_SERVER", value_name = "FILE")]
    pub server: Option<PathBuf>,
    /// More arguments for the server, as one string: "--workers 1 --threads-per-worker 2"
    #[arg(
        long,
        env = "NORMGATE_BENCH_SERVE_ARGS",
        value_name = "ARGS",
        default_value = "",
        allow_hyphen_values = true
    )]
    pub serve_args: String,
    /// Also measure the servers in this JSON list, each in every round
    #[arg(long, env = "NORMGATE_BENCH_PEERS", value_name = "FILE")]
    pub peers: Option<PathBuf>,
    /// Where random models and the servers' logs are kept
    #[arg(
        long,
        env = "NORMGATE_BENCH_CACHE",
        value_name = "DIR",
        default_value = "target/bench"
    )]
    pub cache: PathBuf,
    /// Where all figures go [default: report.json in the cache]
    #[arg(long, env = "NORMGATE_BENCH_JSON", value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Update the tables in this document
    #[arg(long, env = "NORMGATE_BENCH_MARKDOWN", value_name = "FILE")]
    pub markdown: Option<PathBuf>,
    /// Measure nothing: show an earlier run's figures
    #[arg(long, env = "NORMGATE_BENCH_FROM", value_name = "JSON")]
    pub from: Option<PathBuf>,
    /// The ONNX Runtime library [default: ORT_DYLIB_PATH, beside the program, or in .runtime/]
    #[arg(long, env = "NORMGATE_ONNXRUNTIME", value_name = "FILE")]
    pub onnxruntime: Option<PathBuf>,
    /// Device that runs the models, for the raw limit and the server: cpu, cuda or cuda:N
    #[arg(
        long,
        env = "NORMGATE_DEVICE",
        value_name = "DEVICE",
        default_value = "cpu"
    )]
    pub device: Device,
}

/// Parses the command line, measures, and prints.
pub fn run() -> ExitCode {
    let args = Args::parse();
    // Servers are process groups of their own, which Ctrl-C does not reach.
    let _ = on_stop_signal(|| {
        kill_all();
        std::process::exit(130);
    });
    match bench(&args).and_then(|report| show(&args, &report)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Measures, or reads the report of an earlier run.
///
/// # Errors
/// [`BenchError`].
pub fn bench(args: &Args) -> Result<Report, BenchError> {
    if let Some(path) = &args.from {
        return Report::read(path);
    }
    let runtime = Runtime::load(args.onnxruntime.as_deref())?.on(args.device)?;
    let plan = args.plan();
    let contenders = args.contenders()?;
    let bar = progress(plan.steps(contenders.len()));
    // The server accepts only an absolute path for the place where it keeps its measurements.
    let cache = std::path::absolute(&args.cache).map_err(|source| BenchError::File {
        path: args.cache.clone(),
        source,
    })?;
    let bench = Bench {
        runtime: &runtime,
        plan: &plan,
        contenders: &contenders,
        logs: cache.join("logs"),
        bar: &bar,
    };
    let mut report = Report {
        date: today(),
        command: command_line(env::args_os()),
        machine: Machine::this(runtime.version()),
        normgate: env!("CARGO_PKG_VERSION").into(),
        rounds: plan.rounds,
        seconds: plan.time.as_secs_f64(),
        cells: Vec::new(),
    };
    let json = args.json.clone();
    let json = json.unwrap_or_else(|| args.cache.join("report.json"));
    let partial = json.with_added_extension("partial");
    for row in &plan.rows {
        bar.set_message(format!("{}: loading", row.model));
        let (path, model) = row.model.open(&runtime, &args.cache)?;
        for &input in &row.inputs {
            let cell = bench.cell(&path, &model, &row.model.to_string(), input)?;
            report.cells.push(cell);
            // If a later cell fails, an hour's figures are not lost, nor those of the run before.
            report.write(&partial)?;
        }
    }
    fs::rename(&partial, &json).map_err(BenchError::file(&json))?;
    bar.finish_and_clear();
    Ok(report)
}

fn show(args: &Args, report: &Report) -> Result<(), BenchError> {
    if let Some(path) = &args.markdown {
        write_tables(report, path)?;
    }
    match std::io::stdout().write_all(report.to_string().as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(BenchError::file("standard output")(error))
        }
        _ => Ok(()),
    }
}

impl Args {
    fn plan(&self) -> Plan {
        let mut plan = self.preset.plan();
        if !self.models.is_empty() {
            let row = |model: &Choice| Row {
                model: model.clone(),
                inputs: model.inputs(),
            };
            plan.rows = self.models.iter().map(row).collect();
        }
        if !self.inputs.is_empty() {
            plan.rows
                .iter_mut()
                .for_each(|row| row.inputs.clone_from(&self.inputs));
        }
        if !self.connections.is_empty() {
            plan.connections = self
                .connections
                .iter()
                .map(|&count| count as usize)
                .collect();
        }
        plan.time = self.seconds.unwrap_or(plan.time);
        plan.rounds = self.rounds.map_or(plan.rounds, |rounds| rounds as usize);
        plan
    }

    fn contenders(&self) -> Result<Vec<Contender>, BenchError> {
        let arguments = self.serve_args.split_whitespace().map(String::from);
        let mut arguments: Vec<_> = arguments.collect();
        if self.device != Device::Cpu {
            arguments.extend(["--device".into(), self.device.to_string()]);
        }
        let mut normgate = Contender::normgate(&self.server()?, &arguments);
        // Not as an argument: reports name a server by its arguments.
        if let Some(path) = &self.onnxruntime {
            let path = path.display().to_string();
            let environment = &mut normgate.environment;
            environment.insert("NORMGATE_ONNXRUNTIME".into(), path);
        }
        let mut contenders = vec![normgate];
        if let Some(path) = &self.peers {
            let json = fs::read_to_string(path).map_err(BenchError::file(path))?;
            let peers: Vec<Contender> =
                serde_json::from_str(&json).map_err(|source| BenchError::Json {
                    path: path.clone(),
                    wanted: "a list of peers like bench/peers/peers.json",
                    source,
                })?;
            contenders.extend(peers);
        }
        Ok(contenders)
    }

    fn server(&self) -> Result<PathBuf, BenchError> {
        if let Some(path) = &self.server {
            return Ok(path.clone());
        }
        let here = env::current_exe().unwrap_or_default();
        let beside = here.with_file_name("normgate");
        match beside.is_file() {
            true => Ok(beside),
            false => Err(BenchError::Options(format!(
                "there is no {}: build it (`make build`), or name the server with --server",
                beside.display()
            ))),
        }
    }
}

fn progress(steps: u64) -> ProgressBar {
    let bar = ProgressBar::new(steps);
    let template = "{msg:46!} {bar:24} {pos}/{len}, {eta} left";
    // This fails only if the template has a mistake; the default style is then good enough.
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    // A tick is cheap, and too rare to show in the measurements.
    bar.enable_steady_tick(Duration::from_secs(1));
    bar
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text
        .parse()
        .ok()
        .filter(|seconds| (0.05..=3600.0).contains(seconds));
    let seconds = seconds.ok_or("give a number of seconds from 0.05 to 3600")?;
    Ok(Duration::from_secs_f64(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn options_change_parts_of_the_preset() {
        let args = [
            "normgate-bench",
            "--preset",
            "quick",
            "--models",
            "resnet50,a.onnx",
        ];
        let mut plan = Args::parse_from(args).plan();
        assert_eq!(plan.rows[0].inputs, Choice::Resnet50.inputs());
        assert_eq!(plan.connections, Preset::Quick.plan().connections);
        let args = args
            .into_iter()
            .chain(["--inputs", "png32", "--seconds", "0.5"]);
        plan = Args::parse_from(args.chain(["--rounds", "1", "--connections", "2,3"])).plan();
        assert!(plan.rows.iter().all(|row| row.inputs == [Input::Png32]));
        assert_eq!((plan.connections, plan.rounds), (vec![2, 3], 1));
        assert_eq!(plan.time, Duration::from_millis(500));
        Args::try_parse_from(["normgate-bench", "--seconds", "0"]).unwrap_err();
        Args::try_parse_from(["normgate-bench", "--rounds", "0"]).unwrap_err();
    }

    #[test]
    fn the_server_gets_the_device_and_the_library_of_the_raw_limit() {
        let server = |options: &[&str]| {
            let args = ["normgate-bench", "--server", "normgate"];
            let args = Args::parse_from(args.iter().chain(options));
            args.contenders().unwrap().remove(0)
        };
        let usual = server(&["--onnxruntime", "a.so"]);
        assert_eq!(usual.environment["NORMGATE_ONNXRUNTIME"], "a.so");
        assert_eq!(usual.variant, "");
        let on_gpu = server(&["--device", "cuda", "--onnxruntime", "b.so"]);
        assert_eq!(on_gpu.environment["NORMGATE_ONNXRUNTIME"], "b.so");
        assert_eq!(on_gpu.variant, "--device cuda:0");
    }
}
