//! The log: to standard error, as text or JSON.
//!
//! A thread of its own writes it. Whoever reads the other end, a container's runtime or a pipe, may
//! stop reading, and a write then waits for ever: it must not be a request, a probe or the end of
//! the process that does.

use std::io::IsTerminal;
use std::sync::{Mutex, OnceLock, PoisonError};

use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

use crate::config::{LogConfig, LogFormat};

/// Lines that wait to be written. What is said beyond them is counted, and lost.
const MOST_WAITING: usize = 4096;

static WRITER: Mutex<Option<WorkerGuard>> = Mutex::new(None);
static DROPPED: OnceLock<ErrorCounter> = OnceLock::new();

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
    let (writer, guard) = NonBlockingBuilder::default()
        .buffered_lines_limit(MOST_WAITING)
        .thread_name("log")
        .finish(std::io::stderr());
    let _ = DROPPED.set(writer.error_counter());
    *writer_guard() = Some(guard);
    let lines = fmt::layer().with_writer(writer);
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

/// Has the last lines written, as far as somebody takes them within a second. Nothing is logged
/// after this.
pub fn finish() {
    let writer = writer_guard().take();
    drop(writer);
}

/// Lines that were lost since nobody took them.
pub fn dropped_lines() -> u64 {
    DROPPED
        .get()
        .map_or(0, |counter| counter.dropped_lines() as u64)
}

fn writer_guard() -> std::sync::MutexGuard<'static, Option<WorkerGuard>> {
    WRITER.lock().unwrap_or_else(PoisonError::into_inner)
}
