//! Carries out a run: train, export, calibrate, evaluate; what is done already is not done again.

use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use clap::Parser;
use normgate_evaluation::EvaluationError;
use normgate_evaluation::calibrate::{CalibrateArgs, calibrate};
use normgate_evaluation::evaluate::{EvaluateArgs, evaluate};
use normgate_evaluation::machine::today;
use normgate_evaluation::say;
use normgate_evaluation::shell::command_line;
use normgate_evaluation::workbench::WorkbenchArgs;

use super::error::ReproduceError;
use super::machine;
use super::results::{Record, Results, Training};
use super::run::Run;
use super::sets::Place;
use crate::checkpoint::{self, Checkpoint, Progress};
use crate::cli::PROGRAM;
use crate::cli::execution::ExecutionArgs;
use crate::cli::train::{self, TrainArgs};
use crate::export::{ExportOptions, WeightForm, export};
use crate::history;
use crate::trainer::Outcome;

/// The model as it was exported, without a threshold.
pub const EXPORTED: &str = "exported.onnx";
/// The calibrated model.
pub const MODEL: &str = "model.onnx";
/// The folder of the evaluation.
pub const REPORT: &str = "report";
/// Locked by the process that works on the run; the system releases it whatever happens.
const LOCK: &str = "lock";

/// Where and with what runs are carried out.
pub struct Workshop {
    /// The image sets and the runs.
    pub place: Place,
    /// Where finished runs are kept.
    pub results: Results,
    /// How to train.
    pub execution: ExecutionArgs,
    /// How to evaluate.
    pub workbench: WorkbenchArgs,
}

/// How carrying out a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It is finished.
    Done,
    /// It was stopped and can be continued.
    Stopped,
    /// Another process works on it.
    Elsewhere,
}

#[derive(Parser)]
struct TrainLine {
    #[command(flatten)]
    args: TrainArgs,
}

#[derive(Parser)]
struct CalibrateLine {
    #[command(flatten)]
    args: CalibrateArgs,
}

#[derive(Parser)]
struct EvaluateLine {
    #[command(flatten)]
    args: EvaluateArgs,
}

impl Workshop {
    /// Carries out a run and, if that is not finished, first the one that it starts from.
    ///
    /// # Errors
    ///
    /// [`ReproduceError`]; what was done so far stays.
    pub fn carry_out(&self, run: &Run, stop: &AtomicBool) -> Result<End, ReproduceError> {
        self.check_sets(run)?;
        match self.first_trained(run, stop)? {
            End::Done => {}
            end => return Ok(end),
        }
        let Some(_lock) = self.lock(run)? else {
            return Ok(End::Elsewhere);
        };
        if self.train(run, stop)? == Outcome::Interrupted {
            return Ok(End::Stopped);
        }
        self.measure(run)?;
        Ok(End::Done)
    }

    /// Whether another process works on a run, or on one that it starts from.
    ///
    /// # Errors
    ///
    /// [`ReproduceError`] if that cannot be found out.
    pub fn is_elsewhere(&self, run: &Run) -> Result<bool, ReproduceError> {
        let before = run.before();
        let waits = before.map(|first| self.is_elsewhere(&first)).transpose()?;
        Ok(waits == Some(true) || self.lock(run)?.is_none())
    }

    /// How many epochs of a run are done.
    pub fn epochs_done(&self, run: &Run) -> usize {
        let progress = Progress::of(&self.place.run(&run.name()));
        progress.map_or(0, |progress| progress.epochs)
    }

    /// Checks that the trainer knows the options of a run, without carrying it out.
    ///
    /// # Errors
    ///
    /// [`ReproduceError::Unknown`] with what it does not know.
    pub fn check_options(&self, run: &Run) -> Result<(), ReproduceError> {
        parse::<TrainLine>(&run.train(&self.place)).map(|_| ())
    }

    /// Checks that the image sets of a run are there.
    ///
    /// # Errors
    ///
    /// [`ReproduceError::MissingSets`] with those that are not.
    pub fn check_sets(&self, run: &Run) -> Result<(), ReproduceError> {
        let missing: Vec<_> = run
            .sets()
            .into_iter()
            .map(|set| self.place.set(&set))
            .filter(|path| !Path::new(path).exists())
            .collect();
        match missing.is_empty() {
            true => Ok(()),
            false => Err(ReproduceError::MissingSets(missing.join(", "))),
        }
    }

    /// Trains the chain of runs that a run starts from, if there is one.
    fn first_trained(&self, run: &Run, stop: &AtomicBool) -> Result<End, ReproduceError> {
        let Some(first) = run.before() else {
            return Ok(End::Done);
        };
        match self.first_trained(&first, stop)? {
            End::Done => {}
            end => return Ok(end),
        }
        let Some(_lock) = self.lock(&first)? else {
            return Ok(End::Elsewhere);
        };
        Ok(match self.train(&first, stop)? {
            Outcome::Finished => End::Done,
            Outcome::Interrupted => End::Stopped,
        })
    }

    fn lock(&self, run: &Run) -> Result<Option<fs::File>, ReproduceError> {
        let folder = self.place.run(&run.name());
        let path = folder.join(LOCK);
        let file = |source| ReproduceError::File {
            path: path.clone(),
            source,
        };
        fs::create_dir_all(&folder).map_err(file)?;
        let lock = fs::File::create(&path).map_err(file)?;
        crate::lock::take(lock).map_err(file)
    }

    /// Starts training, continues it, or finds it done.
    fn train(&self, run: &Run, stop: &AtomicBool) -> Result<Outcome, ReproduceError> {
        let folder = self.place.run(&run.name());
        let command = shown("train", &run.train(&Place::canonical()));
        let resume = folder.join(checkpoint::FILE_NAME).exists();
        let line = if resume {
            let checkpoint = Checkpoint::load(&folder)?;
            let [by_hand, ..] = commands_at(run, &self.place, &self.execution.given());
            let made_by = &checkpoint.config.command;
            // By this program, or by whoever has typed what `--dry-run` printed.
            if ![&command, &by_hand]
                .into_iter()
                .any(|it| same_outcome(made_by, it))
            {
                return Err(ReproduceError::OtherOptions {
                    path: folder,
                    found: checkpoint.config.command,
                    wanted: command,
                });
            }
            if checkpoint.progress.epochs >= checkpoint.config.recipe.epochs {
                return Ok(Outcome::Finished);
            }
            vec!["--resume".into(), folder.to_string_lossy().into_owned()]
        } else {
            run.train(&self.place)
        };
        let mut args = parse::<TrainLine>(&line)?.args;
        args.execution = self.execution.clone();
        let (mut trainer, _lock) = train::prepare(&args, command)?;
        Ok(trainer.run(stop)?)
    }

    /// Exports, calibrates and evaluates a trained run, and keeps its figures.
    fn measure(&self, run: &Run) -> Result<(), ReproduceError> {
        let name = run.name();
        let folder = self.place.run(&name);
        let checkpoint = Checkpoint::load(&folder)?;
        let options = ExportOptions {
            name: name.clone(),
            version: "1.0.0".into(),
            description: None,
            weights: WeightForm::default(),
        };
        export(&checkpoint, &options)?.save(&folder.join(EXPORTED))?;

        let mut args = parse::<CalibrateLine>(&run.calibrate(&self.place))?.args;
        args.workbench = self.workbench.clone();
        calibrate(&args)?;

        let mut args = parse::<EvaluateLine>(&run.evaluate(&self.place))?.args;
        args.workbench = self.workbench.clone();
        let mut commands = commands(run);
        let mut evaluation = match evaluate(&args) {
            // The network has learnt next to nothing: the scores that need no fitting are measured anyway.
            Err(EvaluationError::Fit { data, source }) => {
                say!("leaving out the scores that are fitted: {data}: {source}");
                args.fit_data.clear();
                commands[3] = shown("evaluate", &unfitted(run.evaluate(&Place::canonical())));
                evaluate(&args)
            }
            done => done,
        }?;
        evaluation.report.command = commands[3].clone();
        evaluation
            .report
            .write(&folder.join(REPORT), &evaluation.plots)?;

        let path = folder.join(REPORT).join("report.json");
        let report = fs::read(&path).map_err(|source| ReproduceError::File {
            path: path.clone(),
            source,
        })?;
        let history = history::load(&folder, checkpoint.progress.epochs)?;
        let training = Training::of(&history).ok_or_else(|| {
            ReproduceError::Options(format!("{name} has no epoch in its history"))
        })?;
        let record = Record {
            commands: commands.into(),
            run: name,
            setting: run.setting,
            seed: run.seed,
            machine: machine::describe(self.execution.device),
            date: today(),
            training,
        };
        self.results.keep(&record, &report, &history)
    }
}

/// The four commands that make and measure a run, as they are shown and compared.
pub fn commands(run: &Run) -> [String; 4] {
    commands_at(run, &Place::canonical(), "")
}

/// The same, with the sets and the runs in their real places, and options for how it is carried out.
pub fn commands_at(run: &Run, place: &Place, execution: &str) -> [String; 4] {
    let folder = place.run(&run.name());
    let file = |name: &str| -> String { folder.join(name).to_string_lossy().into_owned() };
    let exported = [
        folder.to_string_lossy().into_owned(),
        "--out".into(),
        file(EXPORTED),
    ];
    [
        shown("train", &run.train(place)) + execution,
        shown("export", &exported),
        shown("calibrate", &run.calibrate(place)),
        shown("evaluate", &run.evaluate(place)),
    ]
}

/// An evaluation's options without the images to fit scores to.
fn unfitted(mut line: Vec<String>) -> Vec<String> {
    if let Some(place) = line.iter().position(|word| word == "--fit-data") {
        line.drain(place..place + 2);
    }
    line
}

/// Whether a run that was recorded with these commands would be made by the same training now.
pub fn is_made_as_now(run: &Run, recorded: &[String]) -> bool {
    let [training, ..] = commands(run);
    recorded
        .first()
        .is_some_and(|made| same_outcome(made, &training))
}

/// Whether two commands train the same model: `--monitor` only watches.
fn same_outcome(one: &str, other: &str) -> bool {
    let deciding = |command: &str| {
        let Some((before, watched)) = command.split_once(" --monitor ") else {
            return command.to_owned();
        };
        let after = match watched.strip_prefix('\'') {
            Some(quoted) => quoted.split_once('\'').map_or("", |(_, after)| after),
            None => watched.find(' ').map_or("", |end| &watched[end..]),
        };
        format!("{before}{after}")
    };
    deciding(one) == deciding(other)
}

fn shown(command: &str, arguments: &[String]) -> String {
    let program = [PROGRAM, command].into_iter();
    command_line(program.chain(arguments.iter().map(String::as_str)))
}

fn parse<T: Parser>(line: &[String]) -> Result<T, ReproduceError> {
    let words = std::iter::once(PROGRAM).chain(line.iter().map(String::as_str));
    T::try_parse_from(words).map_err(|error| {
        let text = error.to_string();
        let first = text.lines().next().unwrap_or_default();
        let first = first.strip_prefix("error: ").unwrap_or(first);
        ReproduceError::Unknown(first.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::same_outcome;

    #[test]
    fn what_is_watched_makes_no_other_run_and_everything_else_does() {
        let plain = "normgate-train train --data a --seed 1 --out r";
        for watched in [
            "normgate-train train --data a --seed 1 --monitor 'x=b#class!=c,y=d' --out r",
            "normgate-train train --data a --seed 1 --monitor b --out r",
            "normgate-train train --data a --seed 1 --out r --monitor b",
        ] {
            assert!(same_outcome(watched, plain), "{watched}");
            assert!(!same_outcome(
                watched,
                "normgate-train train --data a --seed 2 --out r"
            ));
        }
        assert!(!same_outcome(
            plain,
            "normgate-train train --data a --seed 1 --out s"
        ));
    }
}
