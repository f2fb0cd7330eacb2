//! How many workers there are, and of how many threads: measured, unless the options say.
//!
//! Many workers of one thread classify the most images a second: threads that share an operator wait for each other,
//! all the more if others want their processors, too. Beside them there is one more session, of all threads, for an
//! image that is alone in the engine: nobody else wants the processors then. One worker of all threads takes the
//! least memory, and is chosen if it does clearly more.

mod cache;
mod measure;

use normgate_core::runtime::Device;
use normgate_core::{SessionOptions, Sessions};

use super::StartError;
use crate::config::{EngineConfig, processors};
use cache::Known;
use measure::{Contest, Round};

/// If sessions do not share the model's weights, and theirs would take more bytes than this, there is one worker, and
/// nothing to measure.
const MOST_WEIGHTS: usize = 2 << 30;

/// A single worker is chosen if it does this many times what many do, with nothing else going on. A ResNet18 for
/// which both did the same reached, under load, 91 % of ONNX Runtime's limit with one worker, and 102 % with many.
const CLEARLY_MORE: f64 = 1.05;

/// An image that is alone gets a session of its own if that makes it this many times as fast.
const SOONER: f64 = 1.1;

/// If this many rounds agree, no more are measured: each delays the start by some 50 ms.
const FEWEST_ROUNDS: usize = 3;
/// After this many, it is left to another start to be sure.
const MOST_ROUNDS: usize = 5;

/// The number of inference threads, and of the threads in each that share the work of one batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Layout {
    pub workers: usize,
    pub threads: usize,
    /// The threads of one more session, for an image that is alone in the engine; 0 if there is none.
    pub lone: usize,
}

impl Layout {
    /// How many sessions there are.
    pub fn sessions(self) -> usize {
        self.workers + usize::from(self.lone > 0)
    }

    /// How each worker's session is opened. The threads of a single worker stay awake while it runs, so that they
    /// need not be woken for each operator; what else wants their processors then, above all decoding, has to wait
    /// little longer. With several workers, a thread that spins takes its processor from the others, and so does one
    /// thread too many.
    pub fn session_options(self) -> SessionOptions {
        match self.workers {
            1 => awake(self.threads),
            _ => SessionOptions {
                threads: self.threads,
                spinning: false,
            },
        }
    }

    /// How the session for an image that is alone is opened, if there is to be one.
    pub fn lone_options(self) -> Option<SessionOptions> {
        (self.lone > 0).then(|| awake(self.lone))
    }

    /// This layout; or a single worker, if many would take too much memory, each with this many bytes of weights for
    /// itself, and nobody has said how many there are to be.
    pub fn for_weights(self, each: impl FnOnce() -> usize, config: &EngineConfig) -> Self {
        let may_change = self.workers > 1 && !config.layout_is_fixed();
        if !may_change || each().saturating_mul(self.workers + 1) <= MOST_WEIGHTS {
            return self;
        }
        tracing::info!(
            "a single worker: with weights for each of several, the model would take too much memory"
        );
        Self {
            workers: 1,
            threads: self.workers * self.threads,
            lone: 0,
        }
    }

    /// The layout that the options ask for; what they leave open is measured, or known from an earlier start.
    pub fn choose(config: &EngineConfig, sessions: &Sessions) -> Result<Self, StartError> {
        let (runtime, model) = (sessions.runtime(), sessions.model());
        let device = runtime.device();
        let processors = processors();
        if config.layout_is_fixed() || device != Device::Cpu || processors == 1 {
            return Ok(Self {
                workers: config.workers(device),
                threads: config.threads_per_worker(),
                lone: config.lone_threads.unwrap_or(0),
            });
        }
        let lone = config.lone_threads.unwrap_or(processors);
        let many_and_one = Self {
            workers: processors,
            threads: 1,
            lone,
        };
        let many = Self {
            lone: 0,
            ..many_and_one
        };
        let single = Self {
            workers: 1,
            threads: processors,
            lone: 0,
        };
        let key = cache::key(model, runtime, processors, config.lone_threads);
        let is_possible = |known: &Known| [single, many, many_and_one].contains(&known.layout);
        let known = cache::read(&key).filter(is_possible);
        if let Some(known) = known.filter(|known| known.is_sure) {
            return Ok(known.layout.for_weights(|| sessions.weights_each(), config));
        }
        if many_and_one.for_weights(|| sessions.weights_each(), config) == single {
            return Ok(single);
        }
        let mut contest = Contest::new(sessions, [many, single])?;
        let is_lone_given = config.lone_threads.is_some();
        let (suits, is_clear) = settle(|| contest.round(), is_lone_given)?;
        let layout = match suits {
            Suits::Single => single,
            Suits::Many => many,
            Suits::ManyAndOne => many_and_one,
        };
        let Layout {
            workers,
            threads,
            lone,
        } = layout;
        tracing::info!(
            workers,
            threads,
            lone,
            is_clear,
            "measured how many workers suit the model"
        );
        if is_clear {
            cache::write(&key, now_known(known, layout, suits));
        }
        Ok(layout)
    }
}

/// What the next start is told. The usual answer holds at once. Any other may come from a neighbour who was busy
/// throughout, and is believed when two starts have found it.
fn now_known(before: Option<Known>, layout: Layout, suits: Suits) -> Known {
    let is_found_again = before.is_some_and(|before| before.layout == layout);
    Known {
        layout,
        is_sure: suits == Suits::ManyAndOne || is_found_again,
    }
}

/// Which layout the machine does most with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Suits {
    Single,
    Many,
    ManyAndOne,
}

/// Measures until it is clear what suits the machine, or for the most rounds that there may be: in some of them, the
/// machine may be busy with starting up.
fn settle<E>(
    mut round: impl FnMut() -> Result<Round, E>,
    is_lone_given: bool,
) -> Result<(Suits, bool), E> {
    let mut rounds = Vec::new();
    loop {
        rounds.push(round()?);
        let (suits, is_clear) = what_suits(&rounds, is_lone_given);
        // The usual answer is believed soon. A neighbour on one processor, which slows down whatever wants all of
        // them, can make the other answers appear for a while, and what is kept holds for all starts to come.
        let is_usual = suits == Suits::ManyAndOne;
        let is_settled = is_clear && is_usual && rounds.len() >= FEWEST_ROUNDS;
        if is_settled || rounds.len() >= MOST_ROUNDS {
            return Ok((suits, is_clear));
        }
    }
}

/// What the best of all rounds says, figure by figure: whatever else the machine does can only slow a layout down.
/// And whether all rounds say the same, or four of five: if they disagree, something else was going on, and the next
/// start may know better.
fn what_suits(rounds: &[Round], is_lone_given: bool) -> (Suits, bool) {
    let best = rounds
        .iter()
        .copied()
        .reduce(Round::best)
        .unwrap_or_default();
    let suits = best.suits(is_lone_given);
    let agree = rounds
        .iter()
        .filter(|round| round.suits(is_lone_given) == suits);
    let agree = agree.count();
    (suits, 5 * agree >= 4 * rounds.len())
}

impl Round {
    /// If the lone session's threads are given, even as none, it does not matter whether it helps.
    fn suits(&self, is_lone_given: bool) -> Suits {
        let ([many, single], [one, all]) = (self.together, self.alone);
        if single >= CLEARLY_MORE * many {
            Suits::Single
        } else if is_lone_given || all >= SOONER * one {
            Suits::ManyAndOne
        } else {
            Suits::Many
        }
    }
}

/// A session whose threads stay awake while it runs, unless they are more than there are processors.
fn awake(threads: usize) -> SessionOptions {
    SessionOptions {
        threads,
        spinning: (2..=processors()).contains(&threads),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    fn round(many: f64, single: f64, one: f64, all: f64) -> Round {
        Round {
            together: [many, single],
            alone: [one, all],
        }
    }

    #[test]
    fn a_single_worker_has_to_do_clearly_more_and_a_lone_session_to_be_clearly_sooner() {
        for (measured, suits) in [
            (round(100.0, 95.0, 50.0, 90.0), Suits::ManyAndOne),
            (round(100.0, 104.0, 50.0, 90.0), Suits::ManyAndOne),
            (round(100.0, 106.0, 50.0, 90.0), Suits::Single),
            (round(100.0, 95.0, 50.0, 54.0), Suits::Many),
            (round(100.0, 106.0, 50.0, 40.0), Suits::Single),
        ] {
            assert_eq!(
                what_suits(&[measured], false),
                (suits, true),
                "{measured:?}"
            );
        }
    }

    #[test]
    fn three_rounds_that_agree_on_the_usual_are_enough_and_five_are_measured_else() {
        let [many, single] =
            [(100.0, 60.0), (60.0, 100.0)].map(|(many, single)| round(many, single, 50.0, 90.0));
        let measured = |rounds: [Round; 5]| {
            let mut left = rounds.iter();
            let next = || left.next().copied().ok_or("no sixth round");
            let settled = settle(next, false);
            (settled.unwrap(), 5 - left.len())
        };
        let first_differs = [single, many, many, many, many];
        assert_eq!(measured([many; 5]), ((Suits::ManyAndOne, true), 3));
        assert_eq!(measured([single; 5]), ((Suits::Single, true), 5));
        assert_eq!(measured(first_differs), ((Suits::ManyAndOne, true), 5));
        let no_gain = round(100.0, 60.0, 50.0, 50.0);
        assert_eq!(measured([no_gain; 5]), ((Suits::Many, true), 5));
        assert_eq!(
            measured([no_gain, no_gain, no_gain, many, many]),
            ((Suits::ManyAndOne, false), 5)
        );
        assert_eq!(
            measured([single, many, many, single, many]),
            ((Suits::ManyAndOne, false), 5)
        );
    }

    #[test]
    fn an_unusual_layout_is_measured_again_until_two_starts_find_the_same() {
        let layout = |workers, threads, lone| Layout {
            workers,
            threads,
            lone,
        };
        let (single, many, usual) = (layout(1, 2, 0), layout(2, 1, 0), layout(2, 1, 2));
        let known = |layout, is_sure| Known { layout, is_sure };
        let once = known(single, false);
        for (before, layout, suits, is_sure) in [
            (None, usual, Suits::ManyAndOne, true),
            (None, single, Suits::Single, false),
            (Some(once), single, Suits::Single, true),
            (Some(once), many, Suits::Many, false),
            (Some(once), usual, Suits::ManyAndOne, true),
        ] {
            let now = now_known(before, layout, suits);
            assert_eq!(now, known(layout, is_sure), "{before:?}");
        }
    }

    #[test]
    fn a_model_too_large_for_many_workers_gets_one_unless_their_number_is_given() {
        #[derive(clap::Parser)]
        struct Options {
            #[command(flatten)]
            engine: EngineConfig,
        }
        let config = |line: &str| Options::parse_from(line.split(' ')).engine;
        let many = Layout {
            workers: 64,
            threads: 1,
            lone: 64,
        };
        let single = Layout {
            workers: 1,
            threads: 64,
            lone: 0,
        };
        let measured = config("normgate");
        assert_eq!(many.for_weights(|| 3 << 20, &measured), many);
        assert_eq!(many.for_weights(|| 100 << 20, &measured), single);
        assert_eq!(single.for_weights(|| 1 << 31, &measured), single);
        let given = config("normgate --workers 64");
        assert_eq!(many.for_weights(|| 100 << 20, &given), many);
    }

    #[test]
    fn what_means_the_same_layout_is_no_disagreement() {
        let sooner = round(100.0, 60.0, 50.0, 90.0);
        let no_gain = round(100.0, 60.0, 50.0, 50.0);
        let rounds = [sooner, no_gain, no_gain];
        assert_eq!(what_suits(&rounds, false), (Suits::ManyAndOne, false));
        assert_eq!(what_suits(&rounds, true), (Suits::ManyAndOne, true));
    }

    #[test]
    fn of_several_rounds_each_figure_counts_where_it_was_best_and_disagreement_is_said() {
        // Many workers were disturbed in the first round, the single one in the second.
        let rounds = [
            round(60.0, 100.0, 50.0, 50.0),
            round(99.0, 70.0, 40.0, 80.0),
        ];
        assert_eq!(what_suits(&rounds, false), (Suits::ManyAndOne, false));
        // The session for an image alone was disturbed in the second round.
        let rounds = [
            round(100.0, 60.0, 50.0, 80.0),
            round(99.0, 60.0, 50.0, 40.0),
        ];
        assert_eq!(what_suits(&rounds, false), (Suits::ManyAndOne, false));
        let rounds = [
            round(60.0, 100.0, 50.0, 50.0),
            round(80.0, 99.0, 50.0, 90.0),
        ];
        assert_eq!(what_suits(&rounds, false), (Suits::Single, true));
    }
}
