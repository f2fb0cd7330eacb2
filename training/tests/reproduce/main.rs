//! `normgate-train reproduce` on sets of a few images of noise, and on figures known beforehand.
#![forbid(unsafe_code)]

mod runs;
mod sets;
mod tables;

use std::path::Path;
use std::process::{Command, Output};

/// The command with everything in `folder`: sets in `data`, runs in `runs`, tables in `results`.
fn command(folder: &Path, arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_normgate-train"));
    command
        .current_dir(folder)
        .env_remove("NORMGATE_THREADS")
        .env_remove("NORMGATE_DEVICE")
        .env_remove("NORMGATE_DATA_ROOT")
        .env_remove("NORMGATE_RUNS")
        .args(["reproduce", "--results", "results"])
        .args(arguments.split_whitespace());
    command
}

fn reproduce(folder: &Path, arguments: &str) -> (Output, String) {
    let output = command(folder, arguments).output().unwrap();
    let text = [output.stdout.clone(), output.stderr.clone()].concat();
    (output, String::from_utf8_lossy(&text).into_owned())
}

/// What the command said, which must succeed.
fn made(folder: &Path, arguments: &str) -> String {
    let (output, said) = reproduce(folder, arguments);
    assert!(output.status.success(), "{said}");
    said
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
