//! What can be seen of the server from outside: logs, metrics, request ids.

mod log_writer;
mod logs;
mod metrics;
mod model_metrics;
mod observe;
mod plain_metrics;
mod process;
mod refusals;
pub mod request_id;

pub use logs::{finish as finish_logs, start as start_logs};
pub use metrics::{CONTENT_TYPE as OPENMETRICS_TYPE, Levels, Metrics};
pub use model_metrics::{ModelMetrics, openmetrics_of_scores, plain_of_scores};
pub use observe::observe;
pub use plain_metrics::{CONTENT_TYPE as PLAIN_METRICS_TYPE, from_openmetrics};
pub use process::resident_bytes;
pub use refusals::{EVERY as EVERY_REFUSALS, Refusals};
