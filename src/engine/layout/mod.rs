//! How many workers of how many threads: measured, where nobody says.
//!
//! Many workers of one thread classify the most images a second. One worker of all threads answers
//! a single client soonest and takes the least memory; with a heavy model it is as fast in all, with
//! a light one its threads wait for each other.

mod cache;
mod measure;

use normgate_core::runtime::Device;
use normgate_core::{Model, Runtime, SessionOptions};

use super::PipelineError;
use crate::config::{EngineConfig, processors};

/// Each worker's session has weights of its own. Where they would take more bytes than this, there is
/// one worker, and nothing to measure.
const MOST_WEIGHTS: usize = 2 << 30;

/// A single worker is chosen where it does at least this share of what many do: it halves the time,
/// or better, that a single client waits.
const ENOUGH: f64 = 0.95;

/// Inference threads, and the threads that share the work of one batch in each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Layout {
    pub workers: usize,
    pub threads: usize,
}

impl Layout {
    /// How each worker's session is opened. The threads of a single one stay awake while it runs, and
    /// need not be woken for each operator; what else wants their processors then, decoding above
    /// all, has to wait little longer. Of several workers, a thread that spins takes its processor
    /// from the others, and so does one thread too many.
    pub fn session_options(self) -> SessionOptions {
        SessionOptions {
            threads: self.threads,
            spinning: self.workers == 1 && (2..=processors()).contains(&self.threads),
        }
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
            });
        }
        let many = Self {
            workers: processors,
            threads: 1,
        };
        let single = Self {
            workers: 1,
            threads: processors,
        };
        let key = cache::key(model, runtime, processors);
        if let Some(known) = cache::read(&key).filter(|known| [many, single].contains(known)) {
            return Ok(known);
        }
        if model.bytes().len().saturating_mul(processors) > MOST_WEIGHTS {
            return Ok(single);
        }
        let rounds = measure::rounds(runtime, model, [many, single])?;
        // Whatever else the machine does only takes from a layout: its best round is the truest.
        let best = |layout: usize| rounds.iter().map(|round| round[layout]).fold(0.0, f64::max);
        let suits = |[many, single]: [f64; 2]| single >= ENOUGH * many;
        let is_single = suits([best(0), best(1)]);
        let Layout { workers, threads } = if is_single { single } else { many };
        // Where the rounds disagree, something else was going on: the next start may know better.
        let is_clear = rounds.iter().all(|&round| suits(round) == is_single);
        tracing::info!(
            workers,
            threads,
            is_clear,
            "measured how many workers suit the model"
        );
        if is_clear {
            cache::write(&key, Layout { workers, threads });
        }
        Ok(Layout { workers, threads })
    }
}
