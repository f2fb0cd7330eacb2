//! What all requests share.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use axum::body::Bytes;
use normgate_core::Manifest;

use crate::body::Intake;
use crate::engine::Engine;
use crate::problem::Problem;
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

impl AppState {
    /// The engine, or why there is none to ask.
    pub fn engine(&self) -> Result<&Engine, Problem> {
        let engine = self.engine.get();
        let engine =
            engine.ok_or_else(|| Problem::not_ready("the model is being loaded and warmed up"))?;
        match engine.workers() {
            0 => Err(Problem::not_ready(
                "no worker is left to answer; the log says why",
            )),
            _ => Ok(engine),
        }
    }
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
