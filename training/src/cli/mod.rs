//! The command line of `normgate-train`: the table of its commands, a file for each.

pub(crate) mod execution;
mod explained;
mod export;
mod method;
mod preset;
pub(crate) mod recipe;
mod run_folder;
pub(crate) mod train;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use normgate_evaluation::EvaluationError;
use normgate_evaluation::calibrate::{self, CalibrateArgs};
use normgate_evaluation::evaluate::{self, EvaluateArgs};
use normgate_evaluation::say;

use crate::reproduce::{self, ReproduceArgs};

/// The trainer's name in the command lines that runs record.
pub(crate) const PROGRAM: &str = "normgate-train";

/// Train image classifiers that know when they should not answer
///
/// `export` turns a run into a model file with two outputs, logits and representation; `calibrate` gives
/// it a threshold, and `normgate serve` serves it. `reproduce` makes the tables of the RNA paper.
#[derive(Debug, Parser)]
#[command(
    name = PROGRAM,
    version,
    max_term_width = 100,
    after_help = "Start here:\n  \
        normgate-train train --data photos/train --aux photos/other --hold-out all=10% --out runs/mine\n  \
        normgate-train export runs/mine --out photos.onnx\n  \
        normgate-train calibrate photos.onnx --data runs/mine/held-out\n  \
        normgate-train evaluate photos.onnx --id photos/test --ood photos/strange --out report"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Train(Box<train::TrainArgs>),
    Export(export::ExportArgs),
    Calibrate(Box<CalibrateArgs>),
    Evaluate(Box<EvaluateArgs>),
    Reproduce(Box<ReproduceArgs>),
}

impl Command {
    fn trains_on_cpu(&self) -> bool {
        match self {
            Command::Train(args) => args.execution.is_on_cpu(),
            Command::Reproduce(args) => args.execution.is_on_cpu(),
            Command::Export(_) | Command::Calibrate(_) | Command::Evaluate(_) => false,
        }
    }
}

/// Carries out the command line, and says what went wrong. `keep_freed_memory` is called before anything that trains
/// on the CPU: it tells the allocator to keep what is freed, which needs `unsafe` code.
#[must_use]
pub fn run(keep_freed_memory: fn()) -> ExitCode {
    let parsed = Cli::try_parse().map_err(explained::explained);
    let command = parsed.unwrap_or_else(|error| error.exit()).command;
    if command.trains_on_cpu() {
        keep_freed_memory();
    }
    let result = match command {
        Command::Train(args) => train::train(&args).map_err(Into::into),
        Command::Export(args) => export::run(&args),
        Command::Calibrate(args) => done(calibrate::run(&args)),
        Command::Evaluate(args) => done(evaluate::run(&args)),
        Command::Reproduce(args) => reproduce::run(&args).map_err(Into::into),
    };
    result.unwrap_or_else(|error: Box<dyn std::error::Error>| {
        say!("error: {error}");
        ExitCode::FAILURE
    })
}

fn done(result: Result<(), EvaluationError>) -> Result<ExitCode, Box<dyn std::error::Error>> {
    result?;
    Ok(ExitCode::SUCCESS)
}
