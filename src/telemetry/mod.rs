//! What can be seen of the server from outside: logs, metrics, request ids.

mod logs;
mod metrics;
mod model_metrics;
mod observe;
mod process;
mod refusals;
mod request_id;

pub use logs::start as start_logs;
pub use metrics::{CONTENT_TYPE as METRICS_TYPE, Metrics};
pub use model_metrics::ModelMetrics;
pub use observe::observe;
#[cfg(test)]
pub use process::resident_bytes;
pub use refusals::Refusals;
