use std::sync::Arc;

use ort::session::builder::GraphOptimizationLevel;
use thiserror::Error;

use super::scratch::Scratch;
use super::session::configure;
use super::weights::Weights;
use super::{Device, Runtime, Session, SessionError, SessionOptions};
use crate::model::Model;
use crate::onnx::OnnxError;

/// Opens any number of sessions of one model, which share its weights.
///
/// A session of its own ([`Session::new`]) lays the weights out for the processor and keeps them so, beside whatever
/// other sessions keep. Here the graph is optimised once, and the weights are laid out once: each session is opened
/// from the result, with the weights handed to it. Both kinds of session give the same answers, bit by bit.
///
/// On a graphics card, and if ONNX Runtime cannot write the optimised graph down, each session has weights of its own.
pub struct Sessions {
    runtime: Runtime,
    model: Model,
    optimised: Option<Optimised>,
}

/// A graph that ONNX Runtime has optimised for this processor, and its weights.
struct Optimised {
    graph: Vec<u8>,
    weights: Arc<Weights>,
}

/// Why sessions do not share their weights. Nobody has to know: they only take more memory.
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
}

impl Sessions {
    /// Optimises the model's graph, which takes about as long as opening one session. If the model cannot be used,
    /// opening a session says so.
    pub fn prepare(runtime: &Runtime, model: &Model) -> Self {
        let optimised = match runtime.device {
            Device::Cpu => Optimised::of(runtime, model)
                .inspect_err(|error| tracing::debug!(%error, "each session has its own weights"))
                .ok(),
            Device::Cuda { .. } => None,
        };
        Self {
            runtime: runtime.clone(),
            model: model.clone(),
            optimised,
        }
    }

    /// Opens one more session.
    ///
    /// # Errors
    /// Those of [`Session::new`].
    pub fn open(&self, options: &SessionOptions) -> Result<Session, SessionError> {
        let Self { runtime, model, .. } = self;
        if let Some(optimised) = &self.optimised {
            match optimised.open(runtime, options) {
                Ok(inner) => {
                    let weights = Arc::clone(&optimised.weights);
                    return Session::checked(runtime, model, inner, Some(weights));
                }
                Err(error) => tracing::debug!(%error, "a session has its own weights"),
            }
        }
        Session::new(runtime, model, options)
    }

    /// How many bytes of weights each session has for itself: none if they are shared, and about the model's size if
    /// not.
    pub fn weights_each(&self) -> usize {
        match self.optimised {
            Some(_) => 0,
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
        options: &SessionOptions,
    ) -> ort::Result<ort::session::Session> {
        let builder = configure(runtime, options)?
            .with_optimization_level(GraphOptimizationLevel::Disable)?;
        self.weights
            .give_to(builder)?
            .commit_from_memory(&self.graph)
    }
}
