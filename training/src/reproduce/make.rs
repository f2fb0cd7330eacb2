//! Makes the runs of tables one after another, and writes the tables after each.

use normgate_evaluation::say;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use super::carry_out::{End, Workshop, commands, is_made_as_now};
use super::error::ReproduceError;
use super::progress::{Progress, State};
use super::run::Run;
use super::tables::Table;
use super::{ReproduceArgs, tell, write};

/// Makes the runs that are not finished, and writes the tables after each.
pub fn make(
    args: &ReproduceArgs,
    tables: &[Table],
    workshop: &Workshop,
    stop: &AtomicBool,
) -> Result<ExitCode, ReproduceError> {
    let mut progress = progress(args, tables, workshop)?;
    let mut has_said = false;
    loop {
        make_open(args, tables, workshop, &mut progress, stop)?;
        if stop.load(Ordering::Relaxed) {
            say!(
                "\n{}\nstopped; the same command continues",
                progress.table()
            );
            return Ok(ExitCode::from(130));
        }
        let is_elsewhere = |(_, state): &(Run, State)| *state == State::Elsewhere;
        if !progress.runs.iter().any(is_elsewhere) {
            break;
        }
        if !has_said {
            say!("waiting for the runs that another process makes");
            has_said = true;
        }
        wait(stop);
    }
    let files = write(tables, &workshop.results, args.seeds)?;
    say!("\n{}", progress.table());
    tell(&files);
    let states = || progress.runs.iter().map(|(_, state)| state);
    let failed = states().any(|state| matches!(state, State::Failed(_)));
    // Some sets may be missing for good reason; if no run has its sets, --data-root is wrong.
    let nothing = states().all(|state| matches!(state, State::LeftOut(_)));
    Ok(if failed || nothing {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// A minute, or until something says to stop.
fn wait(stop: &AtomicBool) {
    for _ in 0..60 {
        if !stop.load(Ordering::Relaxed) {
            thread::sleep(Duration::from_secs(1));
        }
    }
}

/// Makes the runs that nobody has made and nobody else makes, until something says to stop.
fn make_open(
    args: &ReproduceArgs,
    tables: &[Table],
    workshop: &Workshop,
    progress: &mut Progress,
    stop: &AtomicBool,
) -> Result<(), ReproduceError> {
    for index in 0..progress.runs.len() {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let run = progress.runs[index].0.clone();
        let is_elsewhere = progress.runs[index].1 == State::Elsewhere;
        if is_elsewhere && workshop.is_elsewhere(&run)? {
            continue;
        }
        // Another process may have finished it by now.
        if progress.runs[index].1.is_open() || is_elsewhere {
            progress.runs[index].1 = state(&run, workshop)?;
        }
        if !progress.runs[index].1.is_open() {
            continue;
        }
        progress.runs[index].1 = State::Running;
        say!("\n{}\n{}", progress.table(), run.name());
        progress.runs[index].1 = match workshop.carry_out(&run, stop) {
            Ok(End::Done) => State::Done,
            Ok(End::Elsewhere) => State::Elsewhere,
            Ok(End::Stopped) => State::Begun(workshop.epochs_done(&run) as u32),
            Err(error) => {
                say!("error: {}: {error}", run.name());
                State::Failed(error.to_string())
            }
        };
        progress.measure(&workshop.results.records()?);
        // No reason to stop: the next tables may be written again, and the runs are what takes time.
        if let Err(error) = write(tables, &workshop.results, args.seeds) {
            say!("error: {error}");
        }
    }
    Ok(())
}

pub fn progress(
    args: &ReproduceArgs,
    tables: &[Table],
    workshop: &Workshop,
) -> Result<Progress, ReproduceError> {
    let states = args.runs(tables).into_iter().map(|run| {
        let state = state(&run, workshop)?;
        Ok((run, state))
    });
    let states = states.collect::<Result<Vec<_>, ReproduceError>>()?;
    Ok(Progress::new(states, &workshop.results.records()?))
}

fn state(run: &Run, workshop: &Workshop) -> Result<State, ReproduceError> {
    if let Some(record) = workshop.results.record(&run.name())? {
        return match is_made_as_now(run, &record.commands) {
            true => Ok(State::Done),
            false => Ok(State::Failed(
                ReproduceError::OtherOptions {
                    path: workshop.results.folder(&run.name()),
                    found: record.commands.first().cloned().unwrap_or_default(),
                    wanted: commands(run)[0].clone(),
                }
                .to_string(),
            )),
        };
    }
    let possible = workshop
        .check_options(run)
        .and_then(|()| workshop.check_sets(run));
    Ok(match possible {
        Err(error) => State::LeftOut(error.to_string()),
        Ok(()) => match workshop.epochs_done(run) {
            0 => State::Open,
            done => State::Begun(done as u32),
        },
    })
}
