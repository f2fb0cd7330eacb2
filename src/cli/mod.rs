//! The command table.

mod classify;
mod failure;
mod health;
mod histogram;
mod inspect;
mod serve;
mod start_up;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use normgate_evaluation::calibrate::{self, CalibrateArgs};
use normgate_evaluation::evaluate::{self, EvaluateArgs};

use failure::Failure;

/// Classify images, and say when an image is of nothing the model knows.
///
/// One model file holds everything: the network, its labels, how images are prepared, and the
/// calibrated threshold beyond which an image is called out of distribution (OOD).
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
    Calibrate(CalibrateArgs),
    Evaluate(EvaluateArgs),
}

/// Parses the command line, runs the command, and prints its error, if any, for people.
///
/// The exit code is 0 on success, 2 for a command line that makes no sense, and 1 for anything
/// else that went wrong.
pub fn run() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Serve(args) => serve::run(*args),
        Command::Classify(args) => classify::run(&args),
        Command::Inspect(args) => inspect::run(&args),
        Command::Health(args) => health::run(&args),
        Command::Calibrate(args) => calibrate::run(&args).map_err(Failure::from),
        Command::Evaluate(args) => evaluate::run(&args).map_err(Failure::from),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        // `normgate inspect … | head`: whoever read has read enough.
        Err(failure) if failure.is_broken_pipe() => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
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
    fn every_option_of_serve_can_be_set_by_an_environment_variable() {
        let command = Cli::command();
        let serve = command.find_subcommand("serve").unwrap();
        for option in serve.get_arguments().filter(|a| a.get_long().is_some()) {
            let name = option.get_long().unwrap();
            if matches!(name, "help" | "version") {
                continue;
            }
            let variable = option
                .get_env()
                .unwrap_or_else(|| panic!("--{name} has none"));
            assert!(
                variable.to_string_lossy().starts_with("NORMGATE_"),
                "--{name}"
            );
        }
    }
}
