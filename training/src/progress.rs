//! How a run is going, on stderr: a bar on a terminal, elsewhere a line now and then.

use normgate_evaluation::say;
use std::collections::VecDeque;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::history::Epoch;

/// How often the figures are updated. Reading them makes a GPU wait, so not at each step.
const ON_TERMINAL: Duration = Duration::from_millis(500);
const ELSEWHERE: Duration = Duration::from_secs(60);

/// Shows a run's progress.
#[derive(Debug)]
pub struct Display {
    bar: Option<ProgressBar>,
    shown: Instant,
    done: usize,
    pace: Pace,
    steps: usize,
    epochs: usize,
}

impl Display {
    /// For a run of `epochs` epochs and `steps` steps, of which `first_step` are done.
    #[must_use]
    pub fn new(epochs: usize, steps: usize, first_step: usize) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(steps as u64);
            let template = "{wide_bar} {percent:>3} %  {msg}";
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
            bar
        });
        Self {
            bar,
            shown: Instant::now(),
            done: first_step,
            pace: Pace::default(),
            steps,
            epochs,
        }
    }

    /// Whether it is time to show figures again.
    #[must_use]
    pub fn is_due(&self) -> bool {
        let every = if self.bar.is_some() {
            ON_TERMINAL
        } else {
            ELSEWHERE
        };
        self.shown.elapsed() >= every
    }

    /// Shows the means of an epoch so far, when `done` steps of the run are done.
    pub fn show(&mut self, epoch: &Epoch, done: usize) {
        let steps = done.saturating_sub(self.done);
        self.pace.add(self.shown.elapsed().as_secs_f64(), steps);
        (self.shown, self.done) = (Instant::now(), done);
        let left = self.pace.time_for(self.steps.saturating_sub(done));
        let left = left.map_or_else(|| "?".into(), duration);
        let line = format!("{}  {left} left", self.line(epoch));
        match &self.bar {
            Some(bar) => {
                bar.set_position(done as u64);
                bar.set_message(line);
            }
            None => say!("{line}"),
        }
    }

    /// Takes the bar away and leaves a last line.
    pub fn finish(&mut self, epoch: &Epoch) {
        let line = self.line(epoch);
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        say!("{line}");
    }

    fn line(&self, epoch: &Epoch) -> String {
        format!(
            "epoch {}/{}  loss {:.3}  correct {:.1} %  {:.0} images/s",
            epoch.epoch,
            self.epochs,
            epoch.loss,
            epoch.accuracy * 100.0,
            epoch.images_per_second
        )
    }
}

/// How long a step takes: the median of what was shown last, so that what is left does not depend on a pause.
#[derive(Debug, Default)]
struct Pace(VecDeque<f64>);

impl Pace {
    const LAST: usize = 9;

    fn add(&mut self, seconds: f64, steps: usize) {
        if steps > 0 {
            self.0.push_front(seconds / steps as f64);
            self.0.truncate(Self::LAST);
        }
    }

    fn time_for(&self, steps: usize) -> Option<f64> {
        let mut times: Vec<f64> = self.0.iter().copied().collect();
        times.sort_by(f64::total_cmp);
        let step = times.get(times.len() / 2)?;
        Some(step * steps as f64)
    }
}

/// Seconds for people: `45 s`, `12 min`, `3 h 05 min`.
#[must_use]
pub fn duration(seconds: f64) -> String {
    let minutes = (seconds / 60.0).round() as u64;
    match minutes {
        _ if seconds < 90.0 => format!("{seconds:.0} s"),
        0..120 => format!("{minutes} min"),
        _ => format!("{} h {:02} min", minutes / 60, minutes % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_follows_the_pace_and_not_a_pause() {
        let mut pace = Pace::default();
        assert_eq!(pace.time_for(10), None);
        for (seconds, steps) in [(1.0, 2), (0.0, 0), (1.0, 2), (3600.0, 1), (1.0, 2)] {
            pace.add(seconds, steps);
        }
        assert_eq!(pace.time_for(10), Some(5.0));
        for _ in 0..Pace::LAST {
            pace.add(2.0, 1);
        }
        assert_eq!(pace.time_for(10), Some(20.0));
    }

    #[test]
    fn durations_are_told_in_the_unit_that_fits() {
        assert_eq!(duration(0.4), "0 s");
        assert_eq!(duration(89.0), "89 s");
        assert_eq!(duration(720.0), "12 min");
        assert_eq!(duration(3.0 * 3600.0 + 310.0), "3 h 05 min");
    }
}
