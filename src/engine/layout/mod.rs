//! How many workers of how many threads: measured, where nobody says.
//!
//! Many workers of one thread classify the most images a second: threads that share an operator wait
//! for each other, the more so where others want their processors too. Beside them there is one more
//! session, of all threads, for an image that is alone in the engine: nobody else wants the processors
//! then. One worker of all threads takes the least memory, and is chosen where it does clearly more.

mod cache;
mod measure;

use normgate_core::runtime::Device;
use normgate_core::{Model, Runtime, SessionOptions};

use super::PipelineError;
use crate::config::{EngineConfig, processors};
use measure::Round;

/// Each worker's session has weights of its own. Where they would take more bytes than this, there is
/// one worker, and nothing to measure.
const MOST_WEIGHTS: usize = 2 << 30;

/// A single worker is chosen where it does so many times what many do, with nothing else going on: that
/// ResNet18 for which both did the same did 91 % of ONNX Runtime's limit with one under load, and 102 %
/// with many.
const CLEARLY_MORE: f64 = 1.05;

/// An image that is alone gets a session of its own where that makes it so many times as fast.
const SOONER: f64 = 1.1;

/// Inference threads, and the threads that share the work of one batch in each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Layout {
    pub workers: usize,
    pub threads: usize,
    /// The threads of one more session, for an image that is alone in the engine; 0: there is none.
    pub lone: usize,
}

impl Layout {
    /// How each worker's session is opened. The threads of a single one stay awake while it runs, and
    /// need not be woken for each operator; what else wants their processors then, decoding above
    /// all, has to wait little longer. Of several workers, a thread that spins takes its processor
    /// from the others, and so does one thread too many.
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

    /// As the options say; what they leave open is measured, or known from an earlier start.
    pub fn choose(
        config: &EngineConfig,
        runtime: &Runtime,
        model: &Model,
    ) -> Result<Self, PipelineError> {
        let device = runtime.device();
        let processors = config.processors();
        if config.layout_is_fixed() || device != Device::Cpu || processors == 1 {
            return Ok(Self {
                workers: config.workers(device),
                threads: config.threads_per_worker(),
                lone: match device {
                    Device::Cpu => config.lone_threads.unwrap_or(0),
                    Device::Cuda(_) => 0,
                },
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
        let key = cache::key(model, runtime, processors, lone);
        let is_possible = |known: &Self| [single, many, many_and_one].contains(known);
        if let Some(known) = cache::read(&key).filter(is_possible) {
            return Ok(known);
        }
        if model.bytes().len().saturating_mul(processors + 1) > MOST_WEIGHTS {
            return Ok(single);
        }
        let rounds = measure::rounds(runtime, model, [many, single])?;
        // Whatever else the machine does only takes from a layout: its best round is the truest.
        let best = rounds.into_iter().reduce(Round::best).unwrap_or_default();
        let layout = match best.single_suits() {
            true => single,
            false if config.lone_threads.is_none() && !best.lone_is_sooner() => many,
            false => many_and_one,
        };
        // Where the rounds disagree, something else was going on: the next start may know better.
        let is_clear = rounds
            .iter()
            .all(|round| round.single_suits() == best.single_suits());
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
            cache::write(&key, layout);
        }
        Ok(layout)
    }
}

impl Round {
    fn single_suits(&self) -> bool {
        let [many, single] = self.together;
        single >= CLEARLY_MORE * many
    }

    fn lone_is_sooner(&self) -> bool {
        let [one, all] = self.alone;
        all >= SOONER * one
    }
}

/// A session whose threads stay awake while it runs, unless they are more than there are processors.
fn awake(threads: usize) -> SessionOptions {
    SessionOptions {
        threads,
        spinning: (2..=processors()).contains(&threads),
    }
}
