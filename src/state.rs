//! What all requests share.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock, Weak};
use std::time::Duration;

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
    /// The model that was replaced last, as long as anything of it is left.
    retiring: RwLock<Weak<Serving>>,
}

impl AppState {
    /// The state of a server that is about to load its model.
    pub fn new(limits: &LimitsConfig, http: &HttpConfig, io_threads: usize) -> Self {
        Self {
            intake: Arc::new(Intake::new(limits, http, io_threads)),
            connections: Connections::for_clients(http.max_connections.get()),
            metrics: Arc::default(),
            refusals: Refusals::default(),
            pause: Arc::default(),
            lifecycle: Lifecycle::default(),
            serving: RwLock::default(),
            retiring: RwLock::default(),
        }
    }

    /// The model in service. Ask once if you need more than one thing of it: the next answer may be another model.
    pub fn serving(&self) -> Result<Arc<Serving>, Problem> {
        let serving = self.serving.read();
        let serving = serving.unwrap_or_else(PoisonError::into_inner).clone();
        serving.ok_or_else(Problem::not_ready)
    }

    /// Puts a model into service. From here on every request that asks gets it.
    pub fn serve(&self, next: Arc<Serving>) {
        let serving = self.serving.write();
        let old = serving
            .unwrap_or_else(PoisonError::into_inner)
            .replace(next);
        if let Some(old) = old {
            let retiring = self.retiring.write();
            *retiring.unwrap_or_else(PoisonError::into_inner) = Arc::downgrade(&old);
        }
    }

    /// For how long a worker has hung, be it one of a model that was replaced: its threads never end.
    pub fn hangs(&self) -> Option<Duration> {
        let retiring = self.retiring.read();
        let retiring = retiring.unwrap_or_else(PoisonError::into_inner).upgrade();
        let engines = [self.serving().ok(), retiring].into_iter().flatten();
        engines.filter_map(|it| it.engine.hangs()).max()
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
