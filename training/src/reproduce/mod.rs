//! `normgate-train reproduce`: the paper's tables, each by one command.
//!
//! ```text
//! tables ─► models ─► runs ─ carry_out ─► results/runs/<run>/ ─ page ─► results/<table>.md
//!                                                                └ document ─► results/report.html
//! ```

mod carry_out;
mod document;
mod dynamics;
mod error;
mod figures;
mod machine;
mod make;
mod models;
mod page;
mod paper;
mod progress;
mod report;
mod results;
mod run;
mod sets;
mod tables;
mod tasks;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use normgate_core::runtime::Device;
use normgate_evaluation::say;
use normgate_evaluation::workbench::{RuntimeArgs, WorkbenchArgs, print};

use crate::cli::execution::ExecutionArgs;
use crate::cli::recipe::channels;
use crate::cli::train::stop_on_signal;
use crate::config::Precision;
use crate::methods::MethodKind;
use carry_out::{Workshop, commands_at};
pub use error::ReproduceError;
use make::{make, progress};
use models::Model;
use results::Results;
use run::{Run, Setting};
use sets::Place;
use tables::{TABLES, Table};
use tasks::Task;

/// Make the tables of the paper (Shin & Chung, TMLR 2024)
///
/// Trains, exports, calibrates and evaluates every model of the tables named, and after every run
/// writes each table, with the paper's figures beside. Finished runs are not made again, not for
/// another table either; to continue after an interruption, give the same command again. The first
/// seed of every model comes before the second of any, so that a whole table is there early. If the
/// command runs twice at a time, the two processes share the runs.
#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:\n  normgate-train reproduce --list\n  \
        normgate-train reproduce t2 --width 16 --epochs 30 --seeds 3\n  \
        normgate-train reproduce t2 --tables-only")]
pub struct ReproduceArgs {
    /// Tables: t2, t3, … (see --list)
    #[arg(value_name = "TABLE", required_unless_present_any = ["list", "tables_only"])]
    tables: Vec<String>,
    /// List the tables, with what each asks and how many runs it takes
    #[arg(long)]
    list: bool,
    /// List the runs, with how each is made and which image sets are missing; make none
    #[arg(long, conflicts_with = "tables_only")]
    dry_run: bool,
    /// Write the tables from finished runs, all tables if none is named; make no run
    #[arg(long)]
    tables_only: bool,
    /// Seeds of each model, 1 to N, which the tables are then made from
    #[arg(long, value_name = "N", default_value_t = 6,
        value_parser = clap::value_parser!(u64).range(1..=1000))]
    seeds: u64,
    /// Only this task [default: all that the table has]
    #[arg(long, value_name = "TASK")]
    task: Option<Task>,
    /// Only these methods, as `train --method` calls them [default: all that the table has]
    #[arg(
        long,
        value_enum,
        value_name = "METHODS",
        value_delimiter = ',',
        hide_possible_values = true
    )]
    method: Vec<MethodKind>,
    /// Channels of the first stage; ImageNet-LT's ResNet50 keeps its 64 unless --task imagenet-lt is
    /// given [default: 64]
    #[arg(long, value_name = "N", value_parser = channels)]
    width: Option<u16>,
    /// Passes over the training images; tuning of trained models has its own number, and so has
    /// ImageNet-LT unless --task imagenet-lt is given [default: 200; ImageNet-LT 100]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    epochs: Option<u32>,
    /// Precision of convolutions
    #[arg(long, value_enum, default_value = "fp32")]
    precision: Precision,
    /// The folder of the image sets, each in a folder of its own
    #[arg(
        long,
        value_name = "FOLDER",
        default_value = "data",
        env = "NORMGATE_DATA_ROOT"
    )]
    data_root: PathBuf,
    /// The folder of the runs: checkpoints, models, reports with plots
    #[arg(
        long,
        value_name = "FOLDER",
        default_value = "runs",
        env = "NORMGATE_RUNS"
    )]
    out: PathBuf,
    /// The folder of the tables, and of what they are made from
    #[arg(
        long,
        value_name = "FOLDER",
        default_value = "docs/results",
        env = "NORMGATE_RESULTS"
    )]
    results: PathBuf,
    #[command(flatten)]
    pub(crate) execution: ExecutionArgs,
    /// The ONNX Runtime library [default: ORT_DYLIB_PATH, beside the program, or in .runtime/]
    #[arg(long, env = "NORMGATE_ONNXRUNTIME", value_name = "FILE")]
    onnxruntime: Option<PathBuf>,
}

/// Carries out the command.
///
/// # Errors
///
/// [`ReproduceError`] if nothing can be done. If a run fails, the reason is printed and the others are made.
pub fn run(args: &ReproduceArgs) -> Result<ExitCode, ReproduceError> {
    if args.list {
        list(args)?;
        return Ok(ExitCode::SUCCESS);
    }
    let tables = match args.tables.is_empty() {
        true => TABLES.iter().map(|table| table()).collect(),
        false => Table::find(&args.tables).map_err(ReproduceError::Options)?,
    };
    check_choice(args, &tables)?;
    check_data_root(&args.data_root)?;
    let results = Results::new(args.results.clone());
    if args.tables_only {
        tell(&write(&tables, &results, args.seeds)?);
        return Ok(ExitCode::SUCCESS);
    }
    let workshop = Workshop {
        place: Place {
            data: args.data_root.clone(),
            runs: args.out.clone(),
        },
        results,
        execution: args.execution.clone(),
        workbench: WorkbenchArgs {
            threads: args.execution.evaluation_threads(),
            runtime: RuntimeArgs {
                // Most users will serve on a CPU, whatever trained the model.
                device: Device::Cpu,
                onnxruntime: args.onnxruntime.clone(),
            },
        },
    };
    if args.dry_run {
        return dry_run(args, &tables, &workshop);
    }
    let stop = stop_on_signal()?;
    make(args, &tables, &workshop, &stop)
}

/// Prints how each run would be made and how far it is, and which image sets are missing.
fn dry_run(
    args: &ReproduceArgs,
    tables: &[Table],
    workshop: &Workshop,
) -> Result<ExitCode, ReproduceError> {
    let progress = progress(args, tables, workshop)?;
    for (run, _) in &progress.runs {
        let commands = commands_at(run, &workshop.place, &args.execution.given()).join("\n  ");
        print(&format!("{}\n  {commands}\n\n", run.name()))?;
    }
    print(&progress.table())?;
    Ok(ExitCode::SUCCESS)
}

/// Checks that the tables have models for the task, and for each of the methods.
fn check_choice(args: &ReproduceArgs, tables: &[Table]) -> Result<(), ReproduceError> {
    let mut models: Vec<_> = tables.iter().flat_map(Table::models).collect();
    models.retain(|model| args.task.is_none_or(|task| task == model.task));
    let mut methods: Vec<_> = models.iter().map(|it| it.method.to_string()).collect();
    methods.sort_unstable();
    methods.dedup();
    let is_there = |method: &MethodKind| models.iter().any(|model| model.method == *method);
    let problem = match args.method.iter().find(|method| !is_there(method)) {
        _ if models.is_empty() => {
            "these tables have nothing on that --task; --list says what each is about".into()
        }
        Some(method) => format!(
            "no model of these tables is trained with --method {method}; there are {}",
            methods.join(", ")
        ),
        None => return Ok(()),
    };
    Err(ReproduceError::Options(problem))
}

/// Checks that the sets can be named on a command line, where these letters have a meaning.
fn check_data_root(folder: &Path) -> Result<(), ReproduceError> {
    match folder.to_string_lossy().contains([',', '#', '=']) {
        false => Ok(()),
        true => Err(ReproduceError::Options(format!(
            "--data-root {}: a path with a comma, # or = cannot be read here: make a link to it",
            folder.display()
        ))),
    }
}

fn list(args: &ReproduceArgs) -> Result<(), ReproduceError> {
    print(&format!(
        "Table    Runs  (with --seeds {}; tables share runs)\n\n",
        args.seeds
    ))?;
    for table in TABLES.iter().map(|table| table()) {
        let runs = args.runs(std::slice::from_ref(&table)).len();
        print(&format!(
            "{:<9} {runs:>3}  {}\n               {}\n",
            table.id, table.title, table.asks
        ))?;
    }
    Ok(())
}

impl ReproduceArgs {
    /// The size and length of a task's runs. A width or a number of epochs chosen for ResNet18 on small images does
    /// not apply to ResNet50 on large ones.
    fn setting(&self, task: Task) -> Setting {
        let asked = task != Task::ImagenetLt || self.task == Some(task);
        Setting {
            width: self.width.filter(|_| asked).unwrap_or(task.about().width),
            epochs: self.epochs.filter(|_| asked).unwrap_or(task.about().epochs),
            precision: self.precision,
        }
    }

    /// The runs of the tables, each once, in the order in which they are made: a run comes after the one that it
    /// starts from.
    fn runs(&self, tables: &[Table]) -> Vec<Run> {
        let asked = |model: &&Model| {
            let of_method = self.method.is_empty() || self.method.contains(&model.method);
            self.task.is_none_or(|task| task == model.task) && of_method
        };
        let mut runs: Vec<Run> = Vec::new();
        for seed in 1..=self.seeds {
            for model in tables.iter().flat_map(Table::models).filter(asked) {
                let run = Run {
                    model: model.clone(),
                    setting: self.setting(model.task),
                    seed,
                };
                let mut chain = vec![run];
                while let Some(first) = chain.last().and_then(Run::before) {
                    chain.push(first);
                }
                for run in chain.into_iter().rev() {
                    if !runs.contains(&run) {
                        runs.push(run);
                    }
                }
            }
        }
        runs
    }
}

/// Writes the tables of what is finished of the first `seeds` seeds; returns the files.
fn write(tables: &[Table], results: &Results, seeds: u64) -> Result<Vec<PathBuf>, ReproduceError> {
    let mut pages = Vec::new();
    for table in tables {
        pages.extend(page::page(table, results, seeds)?);
    }
    let mut files = Vec::new();
    for page in &pages {
        for (file, picture) in &page.pictures {
            results.write(file, picture)?;
        }
        files.push(results.write(&format!("{}.md", page.id), &page.text)?);
    }
    if !pages.is_empty() {
        files.push(results.write("report.html", &document::document(&pages))?);
    }
    Ok(files)
}

fn tell(files: &[PathBuf]) {
    if files.is_empty() {
        say!("no run of these tables is finished yet: nothing to show");
    }
    for file in files {
        say!("written: {}", file.display());
    }
}
