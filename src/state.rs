//! What all requests share.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use crate::body::Intake;
use crate::config::{HttpConfig, LimitsConfig};
use crate::connections::Connections;
use crate::pause::Pause;
use crate::problem::Problem;
use crate::serving::Serving;
use crate::telemetry::{Metrics, Refusals};

/// Everything a route may need.
pub struct AppState {
    pub intake: Arc<Intake>,
    pub connections: Arc<Connections>,
    pub metrics: Arc<Metrics>,
    pub refusals: Refusals,
    pub pause: Arc<Pause>,
    pub lifecycle: Lifecycle,
    /// `None` until the first model is warm.
    serving: RwLock<Option<Arc<Serving>>>,
}

impl AppState {
    /// The state of a server that is about to load its model.
    pub fn new(limits: &LimitsConfig, http: &HttpConfig) -> Self {
        Self {
            intake: Arc::new(Intake::new(limits, http)),
            connections: Connections::for_clients(http.max_connections.get()),
            metrics: Arc::default(),
            refusals: Refusals::default(),
            pause: Arc::default(),
            lifecycle: Lifecycle::default(),
            serving: RwLock::default(),
        }
    }

    /// The model in service. Whoever needs more than one thing of it asks once: the next answer may
    /// be another model.
    pub fn serving(&self) -> Result<Arc<Serving>, Problem> {
        let serving = self.serving.read();
        let serving = serving.unwrap_or_else(PoisonError::into_inner).clone();
        serving.ok_or_else(Problem::not_ready)
    }

    /// Puts a model into service. From here on every request that asks gets it.
    pub fn serve(&self, next: Arc<Serving>) {
        let serving = self.serving.write();
        *serving.unwrap_or_else(PoisonError::into_inner) = Some(next);
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
