//! The log: to standard error, as text or JSON.

use std::io::IsTerminal;

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

use crate::config::{LogConfig, LogFormat};

/// At info, the ONNX Runtime binding says at every start that it was made for another version,
/// which is meant to be so.
fn quieter(level: Targets) -> Targets {
    let asked = level.iter().any(|(target, _)| target.starts_with("ort"));
    match level.default_level() {
        Some(LevelFilter::INFO) if !asked => level.with_target("ort", LevelFilter::WARN),
        _ => level,
    }
}

/// Starts logging for the process, panics included.
pub fn start(config: &LogConfig) {
    let lines = fmt::layer().with_writer(std::io::stderr);
    let lines = match config.log_format {
        LogFormat::Text => lines.with_ansi(std::io::stderr().is_terminal()).boxed(),
        LogFormat::Json => lines
            .json()
            .flatten_event(true)
            .with_span_list(false)
            .boxed(),
    };
    let level = quieter(config.log_level.clone());
    let registry = tracing_subscriber::registry().with(lines.with_filter(level));
    // Fails only where a subscriber is there already, and then that one does the work.
    if registry.try_init().is_ok() {
        std::panic::set_hook(Box::new(|panic| {
            let place = panic
                .location()
                .map(ToString::to_string)
                .unwrap_or_default();
            let message = panic.payload_as_str().unwrap_or("no message");
            tracing::error!(place, "panicked: {message}");
        }));
    }
}
