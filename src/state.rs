//! What all requests share.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use axum::body::Bytes;
use normgate_core::classifier::NotCalibrated;
use normgate_core::{Manifest, Model};

use crate::body::Intake;
use crate::config::{HttpConfig, LimitsConfig};
use crate::engine::Engine;
use crate::problem::Problem;
use crate::routes::model::render;
use crate::telemetry::Metrics;

/// Everything a route may need.
pub struct AppState {
    pub manifest: Arc<Manifest>,
    /// SHA-256 of the model file.
    pub digest: String,
    /// What `GET /model` answers, rendered once.
    pub model_json: Bytes,
    pub intake: Intake,
    pub metrics: Arc<Metrics>,
    pub lifecycle: Lifecycle,
    /// Empty until the model is warm.
    pub engine: OnceLock<Engine>,
}

/// Why a model cannot be put into service.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// It has no threshold.
    #[error(transparent)]
    NotCalibrated(#[from] NotCalibrated),
    /// Its manifest has no JSON form.
    #[error("the model's manifest cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

impl AppState {
    /// The state of a server that is about to start its engine.
    pub fn new(
        model: &Model,
        limits: &LimitsConfig,
        http: &HttpConfig,
    ) -> Result<Self, StateError> {
        let manifest = Arc::clone(model.manifest());
        let calibration = manifest.calibration.as_ref().ok_or_else(|| NotCalibrated {
            name: manifest.name.clone(),
            version: manifest.version.clone(),
        })?;
        Ok(Self {
            digest: model.digest().to_owned(),
            model_json: render(model)?,
            intake: Intake::new(limits, http),
            metrics: Arc::new(Metrics::new(&manifest, model.digest(), calibration)),
            lifecycle: Lifecycle::default(),
            engine: OnceLock::new(),
            manifest,
        })
    }

    /// Whether the engine had started and has no worker left, which only a new process can mend.
    pub fn is_beyond_help(&self) -> bool {
        self.engine
            .get()
            .is_some_and(|engine| engine.workers() == 0)
    }

    /// The engine, or why there is none to ask.
    pub fn engine(&self) -> Result<&Engine, Problem> {
        let engine = self.engine.get();
        let engine =
            engine.ok_or_else(|| Problem::not_ready("the model is being loaded and warmed up"))?;
        match engine.workers() {
            0 => Err(no_worker_left()),
            _ => Ok(engine),
        }
    }
}

/// Why nothing is answered any more.
pub fn no_worker_left() -> Problem {
    Problem::not_ready("no worker is left to answer; the log says why")
}

/// Serving, or on the way out.
#[derive(Default)]
pub struct Lifecycle(AtomicBool);

impl Lifecycle {
    /// From now on, new work should go elsewhere.
    pub fn stop(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether the server has been told to stop.
    pub fn is_stopping(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
