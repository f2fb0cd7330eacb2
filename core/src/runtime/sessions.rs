use std::sync::{Arc, Mutex, PoisonError};

use ort::session::builder::GraphOptimizationLevel;
use thiserror::Error;

use super::int8::has_int8_instructions;
use super::scratch::Scratch;
use super::session::{configure, unloadable};
use super::weights::Weights;
use super::{Device, Runtime, Session, SessionError, SessionOptions};
use crate::model::Model;
use crate::onnx::OnnxError;

/// Opens any number of sessions of one model, which share its weights.
///
/// A session of its own ([`Session::new`]) lays the weights out for the processor and keeps them so, beside whatever
/// other sessions keep. Here the graph is optimised once, and each session is opened from the result, with the weights
/// handed to it. What kernels lay out once more is kept once. Both kinds of session give the same answers, bit by bit.
///
/// Each session has weights of its own on a graphics card, if ONNX Runtime cannot write the optimised graph down, and
/// with int8, whose kernels lay the weights out themselves and do not share the result (ONNX Runtime 1.32).
pub struct Sessions {
    runtime: Runtime,
    model: Model,
    optimised: Option<Optimised>,
    /// The session that showed that weights can be shared, for the first who wants one like it.
    first: Mutex<Option<Session>>,
}

/// A graph that ONNX Runtime has optimised for this processor, and its weights.
struct Optimised {
    graph: Vec<u8>,
    weights: Arc<Weights>,
}

/// Why sessions do not share their weights. They work all the same, but take more memory.
#[derive(Debug, Error)]
pub(super) enum NotShared {
    #[error("ONNX Runtime: {0}")]
    Runtime(#[from] ort::Error),
    #[error("a file for the optimised graph: {0}")]
    Scratch(#[from] std::io::Error),
    #[error("the optimised graph: {0}")]
    Graph(#[from] OnnxError),
    #[error("the weights: {0}")]
    Weights(#[from] ndarray::ShapeError),
    #[error("the graph has others within it")]
    Nested,
    #[error(transparent)]
    Session(#[from] SessionError),
}

impl Sessions {
    /// Optimises the model's graph and opens a first session. If the model cannot be used, opening another says so.
    pub fn prepare(runtime: &Runtime, model: &Model) -> Self {
        let is_int8 = model.manifest().quantization.is_some() && has_int8_instructions();
        let shared = match runtime.device {
            Device::Cpu if !is_int8 => share(runtime, model)
                .inspect_err(|error| tracing::info!(%error, "each session has its own weights"))
                .ok(),
            _ => None,
        };
        let (optimised, first) = shared.unzip();
        Self {
            runtime: runtime.clone(),
            model: model.clone(),
            optimised,
            first: Mutex::new(first),
        }
    }

    /// Opens one more session.
    ///
    /// # Errors
    /// Those of [`Session::new`].
    pub fn open(&self, options: &SessionOptions) -> Result<Session, SessionError> {
        let Self { runtime, model, .. } = self;
        let Some(optimised) = &self.optimised else {
            return Session::new(runtime, model, options);
        };
        // Held while opening: each session reads a copy of the graph for a moment, so they are opened one at a time.
        let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(first) = first.take_if(|_| *options == SessionOptions::default()) {
            return Ok(first);
        }
        // The first one worked, so this is not expected. Whatever it is, a session of its own says it of the model.
        optimised.open(runtime, model, options).or_else(|error| {
            tracing::info!(%error, "a session has its own weights");
            Session::new(runtime, model, options)
        })
    }

    /// About how many bytes each session has for itself, of those in the model file: next to none if all weights are
    /// shared, and all if none are. Only constants of the graph as float32, int32, int8 and uint8 are.
    pub fn weights_each(&self) -> usize {
        match &self.optimised {
            Some(optimised) => optimised
                .graph
                .len()
                .saturating_sub(optimised.weights.bytes()),
            None => self.model.bytes().len(),
        }
    }

    /// The model.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The runtime that it is opened with.
    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }
}

/// The optimised graph, and a session opened from it: some kernels refuse shared weights only then.
fn share(runtime: &Runtime, model: &Model) -> Result<(Optimised, Session), NotShared> {
    let optimised = Optimised::of(runtime, model)?;
    let first = optimised.open(runtime, model, &SessionOptions::default())?;
    Ok((optimised, first))
}

impl Optimised {
    fn of(runtime: &Runtime, model: &Model) -> Result<Self, NotShared> {
        let scratch = Scratch::new()?;
        let mut builder = configure(runtime, &SessionOptions::default())?
            .with_optimized_model_path(scratch.path())
            .map_err(ort::Error::from)?;
        drop(builder.commit_from_memory(model.bytes())?);
        let graph = scratch.read()?;
        let weights = Arc::new(Weights::of(&graph)?);
        Ok(Self { graph, weights })
    }

    fn open(
        &self,
        runtime: &Runtime,
        model: &Model,
        options: &SessionOptions,
    ) -> Result<Session, SessionError> {
        let inner = configure(runtime, options)
            .and_then(|builder| self.weights.give_to(builder))
            .and_then(|builder| {
                Ok(builder.with_optimization_level(GraphOptimizationLevel::Disable)?)
            })
            .and_then(|mut builder| builder.commit_from_memory(&self.graph))
            .map_err(unloadable(runtime, model))?;
        Session::checked(runtime, model, inner, Some(Arc::clone(&self.weights)))
    }
}
