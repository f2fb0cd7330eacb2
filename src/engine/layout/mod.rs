//! How many workers of how many threads: measured, where nobody says.
//!
//! Many workers of one thread classify the most images a second. One worker of all threads answers
//! a single client soonest and takes the least memory; with a heavy model it is as fast in all, with
//! a light one its threads wait for each other.

mod cache;
mod measure;

use normgate_core::runtime::Device;
use normgate_core::{Model, Runtime};

use super::PipelineError;
use crate::config::EngineConfig;

/// A single worker is chosen where it does at least this share of what many do.
const ENOUGH: f64 = 0.97;

/// Inference threads, and the threads that share the work of one batch in each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Layout {
    pub workers: usize,
    pub threads: usize,
}

impl Layout {
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
        let [rate_of_many, rate_of_single] = measure::rates(runtime, model, [many, single])?;
        let chosen = match rate_of_single >= ENOUGH * rate_of_many {
            true => single,
            false => many,
        };
        tracing::debug!(
            rate_of_many,
            rate_of_single,
            ?chosen,
            "measured the layouts"
        );
        cache::write(&key, chosen);
        Ok(chosen)
    }
}
