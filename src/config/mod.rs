//! The options, with a struct for each concern. Every flag is also an environment variable `NORMGATE_…`.

mod engine;
mod http;
mod limits;
mod log;
mod model;
mod reload;
mod units;

pub use engine::{EngineConfig, processors};
pub use http::{HttpConfig, parse_address, parse_address_or_none, reachable};
pub use limits::{ImageLimits, LimitsConfig};
pub use log::{LogConfig, LogFormat};
pub use model::{DEFAULT_MODEL, ModelConfig};
pub use reload::ReloadConfig;
pub use units::{parse_any_duration, parse_count, parse_duration, show_bytes};
