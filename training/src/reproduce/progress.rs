//! How far the runs of a command have come, and how long the rest will take.

use std::fmt::Write;

use super::results::Record;
use super::run::Run;
use super::sets::Auxiliary;
use crate::progress::duration;

/// How far a run has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Finished and measured.
    Done,
    /// So many epochs are done.
    Begun(u32),
    /// Not begun.
    Open,
    /// This process works on it.
    Running,
    /// Another process works on it.
    Elsewhere,
    /// It cannot be made here, for this reason.
    LeftOut(String),
    /// It failed, for this reason.
    Failed(String),
}

impl State {
    /// Whether it is still to be made.
    pub fn is_open(&self) -> bool {
        matches!(self, State::Open | State::Begun(_))
    }

    fn shown(&self, epochs: u32) -> String {
        match self {
            State::Done => "done".into(),
            State::Begun(done) => format!("{done}/{epochs}"),
            State::Open => "–".into(),
            State::Running => "running".into(),
            State::Elsewhere => "elsewhere".into(),
            State::LeftOut(_) => "left out".into(),
            State::Failed(_) => "failed".into(),
        }
    }
}

/// The runs of a command, in the order in which they are made.
pub struct Progress {
    /// Each with how far it has come.
    pub runs: Vec<(Run, State)>,
    /// Seconds for a unit of work, as measured.
    pace: Option<f64>,
}

impl Progress {
    /// The runs, with the pace of those that are finished.
    pub fn new(runs: Vec<(Run, State)>, finished: &[Record]) -> Self {
        let mut progress = Self { runs, pace: None };
        progress.measure(finished);
        progress
    }

    /// Measures the pace from those runs that are finished.
    pub fn measure(&mut self, finished: &[Record]) {
        let (mut seconds, mut done) = (0.0, 0.0);
        for (run, _) in &self.runs {
            if let Some(record) = finished.iter().find(|record| record.run == run.name()) {
                seconds += record.training.seconds;
                done += work(run);
            }
        }
        self.pace = (done > 0.0).then(|| seconds / done);
    }

    /// Seconds that the open runs will take.
    pub fn left(&self) -> Option<f64> {
        let open = self.runs.iter().map(|(run, state)| match state {
            State::Open | State::Running => work(run),
            State::Begun(done) => {
                work(run) * (1.0 - f64::from(*done) / f64::from(run.epochs().max(1)))
            }
            _ => 0.0,
        });
        self.pace.map(|pace| pace * open.sum::<f64>())
    }

    /// A line for each model, a column for each seed.
    pub fn table(&self) -> String {
        let mut models: Vec<String> = Vec::new();
        let mut seeds: Vec<u64> = Vec::new();
        for (run, _) in &self.runs {
            if !models.contains(&run.model.name()) {
                models.push(run.model.name());
            }
            if !seeds.contains(&run.seed) {
                seeds.push(run.seed);
            }
        }
        let width = models.iter().map(String::len).max().unwrap_or(0);
        let mut out = format!("{}\n\n  {:<width$}", self.summary(), "");
        for seed in &seeds {
            let _ = write!(out, "  {:>9}", format!("seed {seed}"));
        }
        out.push('\n');
        for model in &models {
            let _ = write!(out, "  {model:<width$}");
            for &seed in &seeds {
                let of = |(run, _): &&(Run, State)| run.seed == seed && run.model.name() == *model;
                let state = self.runs.iter().find(of);
                let text = state.map_or_else(String::new, |(run, state)| state.shown(run.epochs()));
                let _ = write!(out, "  {text:>9}");
            }
            out.push('\n');
        }
        let mut troubles: Vec<(&State, Vec<String>)> = Vec::new();
        for (run, state) in &self.runs {
            if matches!(state, State::LeftOut(_) | State::Failed(_)) {
                match troubles.iter_mut().find(|(other, _)| *other == state) {
                    Some((_, runs)) => runs.push(run.name()),
                    None => troubles.push((state, vec![run.name()])),
                }
            }
        }
        for (state, runs) in &troubles {
            if let State::LeftOut(reason) | State::Failed(reason) = state {
                let (what, first) = (state.shown(0), &runs[0]);
                let others = match runs.len() {
                    1 => String::new(),
                    count => format!(" and {} more", count - 1),
                };
                let _ = writeln!(out, "  {what}: {first}{others}: {reason}");
            }
        }
        if troubles
            .iter()
            .any(|(state, _)| matches!(state, State::LeftOut(_)))
        {
            out +=
                "  --data-root names the folder of the image sets; docs/reproduce.md lists them\n";
        }
        out
    }

    fn summary(&self) -> String {
        let count = |what: fn(&State) -> bool| self.runs.iter().filter(|(_, s)| what(s)).count();
        let open = count(State::is_open);
        let mut line = format!(
            "Runs: {}; {} done, {} running, {open} left",
            self.runs.len(),
            count(|state| *state == State::Done),
            count(|state| matches!(state, State::Running | State::Elsewhere)),
        );
        for (what, count) in [
            (
                "left out",
                count(|state| matches!(state, State::LeftOut(_))),
            ),
            ("failed", count(|state| matches!(state, State::Failed(_)))),
        ] {
            if count > 0 {
                let _ = write!(line, ", {count} {what}");
            }
        }
        match self.left() {
            Some(seconds) if seconds > 0.0 => line + &format!("; about {} left", duration(seconds)),
            None if open > 0 => line + "; the first will show how long they take",
            _ => line,
        }
    }
}

/// Roughly how much a run computes: thousands of images times epochs times multiplications an image.
fn work(run: &Run) -> f64 {
    let thousands = run.model.task.about().work;
    let width = f64::from(run.setting.width);
    let mut per_image = run.model.method.views() as f64;
    if run.model.auxiliary != Auxiliary::None {
        let size = run
            .model
            .options
            .iter()
            .find(|(option, _)| *option == "aux-batch-size");
        let size = size.and_then(|(_, size)| size.parse::<f64>().ok());
        per_image += size.unwrap_or(128.0) / 128.0;
    }
    let is_cut = run
        .model
        .options
        .contains(&("epoch-end", "shortest".into()));
    let share = match run.model.auxiliary {
        Auxiliary::First(count) if is_cut => (count as f64 / 1000.0 / thousands).min(1.0),
        _ => 1.0,
    };
    thousands * share * per_image * f64::from(run.epochs()) * width * width
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Precision;
    use crate::reproduce::models::{ce, rna};
    use crate::reproduce::results::Training;
    use crate::reproduce::run::Setting;
    use crate::reproduce::tasks::Task;

    fn run(index: usize, seed: u64) -> Run {
        let model = [ce(Task::Cifar10Lt), rna(Task::Cifar10Lt)][index].clone();
        let setting = Setting {
            width: 2,
            epochs: 30,
            precision: Precision::Fp32,
        };
        Run {
            model,
            setting,
            seed,
        }
    }

    fn record(run: &Run, seconds: f64) -> Record {
        Record {
            run: run.name(),
            setting: run.setting,
            seed: run.seed,
            commands: Vec::new(),
            machine: String::new(),
            date: String::new(),
            training: Training {
                seconds,
                images_per_second: 1.0,
                id_norm: 1.0,
                auxiliary_norm: None,
            },
        }
    }

    #[test]
    fn the_time_left_follows_from_what_was_measured() {
        let runs = vec![
            (run(0, 1), State::Done),
            (run(1, 1), State::Begun(15)),
            (run(1, 2), State::LeftOut("no images".into())),
        ];
        assert_eq!(Progress::new(runs.clone(), &[]).left(), None);
        // RNA sees twice as many images as CE, and half of the epochs are done.
        let progress = Progress::new(runs, &[record(&run(0, 1), 100.0)]);
        assert_eq!(progress.left(), Some(100.0));
        let table = progress.table();
        for part in [
            "Runs: 3; 1 done, 0 running, 1 left, 1 left out; about 2 min left",
            "seed 1     seed 2",
            "done",
            "15/30",
            "left out: cifar10-lt-rna-w2-e30-s2: no images",
        ] {
            assert!(table.contains(part), "{part}: {table}");
        }
    }
}
