//! The command table.

mod classify;
mod failure;
mod health;
mod histogram;
mod image_file;
mod inspect;
mod listen;
mod model_file;
mod parse;
mod serve;
mod start_up;
mod terminal;
mod variables;

use std::process::ExitCode;

use crate::Allocator;
use clap::{Parser, Subcommand};
use normgate_evaluation::adopt::{self, AdoptArgs};
use normgate_evaluation::calibrate::{self, CalibrateArgs};
use normgate_evaluation::evaluate::{self, EvaluateArgs};
use normgate_evaluation::quantize::{self, QuantizeArgs};

use failure::Failure;

/// Classify images, and flag those that look like nothing the model was trained on.
///
/// One model file holds everything: the network, its labels, how images are prepared, and the
/// calibrated threshold above which an image is flagged as out of distribution (OOD).
#[derive(Parser)]
#[command(
    name = "normgate",
    version,
    propagate_version = true,
    max_term_width = 100
)]
#[command(after_help = "Start here:\n  normgate serve\n  normgate classify photo.jpg")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Serve(Box<serve::ServeArgs>),
    Classify(classify::ClassifyArgs),
    Inspect(inspect::InspectArgs),
    Health(health::HealthArgs),
    Adopt(AdoptArgs),
    Calibrate(CalibrateArgs),
    Evaluate(EvaluateArgs),
    Quantize(QuantizeArgs),
}

/// Parses the command line, runs the command, and prints its error, if any, for people.
///
/// `allocator` is told when something takes much memory, and when much was freed.
///
/// The exit code is 0 on success, 2 for a command line that makes no sense, and 1 for anything else that went wrong.
pub fn run(allocator: Allocator) -> ExitCode {
    let outcome = match parse::parse::<Cli>().command {
        Command::Serve(args) => serve::run(*args, allocator),
        Command::Classify(args) => classify::run(&args),
        Command::Inspect(args) => inspect::run(&args),
        Command::Health(args) => health::run(&args),
        Command::Adopt(args) => adopt::run(&args).map_err(Failure::from),
        Command::Calibrate(args) => calibrate::run(&args).map_err(Failure::from),
        Command::Evaluate(args) => evaluate::run(&args).map_err(Failure::from),
        Command::Quantize(args) => quantize::run(&args).map_err(Failure::from),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        // `normgate inspect … | head`: the reader has read enough.
        Err(failure) if failure.is_broken_pipe() => ExitCode::SUCCESS,
        Err(Failure::Logged(code)) => code,
        Err(failure) => {
            terminal::complain(&format!("error: {failure}"));
            failure.exit_code()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_table_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_option_can_be_set_by_an_environment_variable() {
        for name in ["serve", "classify", "inspect", "health"] {
            let mut table = Cli::command();
            table.build();
            let command = table.find_subcommand(name).unwrap();
            for option in command.get_arguments() {
                let Some(flag) = option
                    .get_long()
                    .filter(|flag| !["help", "version"].contains(flag))
                else {
                    continue;
                };
                let variable = option.get_env().and_then(|variable| variable.to_str());
                let expected = format!("NORMGATE_{}", flag.to_uppercase().replace('-', "_"));
                let expected = match (name, flag) {
                    ("health", _) => expected.replace("NORMGATE", "NORMGATE_HEALTH"),
                    _ => expected,
                };
                assert_eq!(variable, Some(expected.as_str()), "{name} --{flag}");
            }
        }
    }
}
