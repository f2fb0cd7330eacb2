//! A model in service, with everything that belongs to it and to no other: a *generation*.

use std::sync::{Arc, OnceLock};

use axum::body::Bytes;
use normgate_core::preprocess::Limits;
use normgate_core::{Manifest, Model, Runtime, Sessions};

use crate::config::EngineConfig;
use crate::engine::{Engine, Layout, StartError};
use crate::model_document::render;
use crate::telemetry::{Metrics, ModelMetrics};

/// A model that is warm. A request takes one of these, and everything that its reply says comes from it.
pub struct Serving {
    pub manifest: Arc<Manifest>,
    /// SHA-256 of the model file.
    pub digest: String,
    /// What `GET /model` answers, rendered once.
    pub model_json: Bytes,
    pub metrics: Arc<ModelMetrics>,
    pub engine: Engine,
}

/// What every model is put into service with.
pub struct Launch {
    pub runtime: Runtime,
    pub config: EngineConfig,
    pub limits: Limits,
    pub metrics: Arc<Metrics>,
    /// Chosen for the first model and kept for those that replace it, unless one is too heavy for it: nothing can be
    /// measured beside a model in service.
    pub layout: OnceLock<Layout>,
}

impl Launch {
    /// The layout of the engine that is about to start.
    pub fn layout(&self, sessions: &Sessions) -> Result<Layout, StartError> {
        if let Some(layout) = self.layout.get() {
            return Ok(layout.for_weights(|| sessions.weights_each(), &self.config));
        }
        let chosen = Layout::choose(&self.config, sessions)?;
        Ok(*self.layout.get_or_init(|| chosen))
    }

    /// Starts an engine for the model, and returns when it is warm. It takes the place of `before`, if there is one.
    pub fn start(&self, model: Model, before: Option<&Engine>) -> Result<Serving, StartError> {
        let manifest = Arc::clone(model.manifest());
        let digest = model.digest().to_owned();
        let model_json = render(&model)?;
        let metrics = Arc::new(ModelMetrics::new(&model)?);
        let engine = Engine::start(self, model, Arc::clone(&metrics), before)?;
        metrics.ready(engine.provider());
        Ok(Serving {
            manifest,
            digest,
            model_json,
            metrics,
            engine,
        })
    }
}
