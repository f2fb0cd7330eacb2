//! The log: to standard error, as text or JSON.
//!
//! A thread of its own writes it. Whoever reads the other end, a container's runtime or a pipe, may stop reading, and
//! then a write waits for ever: what waits must not be a request, a probe or the end of the process.

use std::io::{self, IsTerminal};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use normgate_core::printable::on_one_line;
use tracing_subscriber::field::MakeExt;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::debug_fn;
use tracing_subscriber::fmt::writer::BoxMakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

use super::log_writer::LogWriter;
use crate::config::{LogConfig, LogFormat};

/// How long the end of the process waits for the last lines to be taken.
const LAST_LINES: Duration = Duration::from_secs(1);

static WRITER: Mutex<Option<LogWriter>> = Mutex::new(None);

/// At info, leaves out what the ONNX Runtime binding says at every start: that it was made for another version, which
/// is intended.
fn quieter(level: Targets) -> Targets {
    let asked = level.iter().any(|(target, _)| target.starts_with("ort"));
    match level.default_level() {
        Some(LevelFilter::INFO) if !asked => level.with_target("ort", LevelFilter::WARN),
        _ => level,
    }
}

/// Starts logging for the process, panics included.
pub fn start(config: &LogConfig) {
    let writer = match LogWriter::start(io::stderr()) {
        Ok(writer) => {
            *own_writer() = Some(writer.clone());
            BoxMakeWriter::new(move || writer.clone())
        }
        // The system gives no thread: then whoever logs has to wait.
        Err(_) => BoxMakeWriter::new(io::stderr),
    };
    let lines = fmt::layer().with_writer(writer);
    let lines = match config.log_format {
        LogFormat::Text => lines
            .with_ansi(io::stderr().is_terminal())
            .fmt_fields(on_one_line_each())
            .boxed(),
        LogFormat::Json => lines
            .json()
            .flatten_event(true)
            .with_span_list(false)
            .boxed(),
    };
    let level = quieter(config.log_level.clone());
    let registry = tracing_subscriber::registry().with(lines.with_filter(level));
    // Fails only if there is a subscriber already, and then that one does the work.
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

/// Fields of an event that stay on its line: words of a file, a client or ONNX Runtime could end it, or act on a
/// terminal.
fn on_one_line_each() -> impl for<'a> FormatFields<'a> + Send + Sync + 'static {
    let field = debug_fn(|out, field, value| {
        let value = on_one_line(format!("{value:?}").trim_end());
        match field.name() {
            "message" => write!(out, "{value}"),
            name => write!(out, "{name}={value}"),
        }
    });
    field.delimited(" ")
}

/// Has the last lines written, as far as somebody takes them within a second.
pub fn finish() {
    let writer = own_writer().take();
    if let Some(writer) = writer {
        writer.finish(LAST_LINES);
    }
}

fn own_writer() -> MutexGuard<'static, Option<LogWriter>> {
    WRITER.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::Written;

    #[test]
    fn no_word_of_an_event_ends_its_line_or_acts_on_the_terminal() {
        let out = Written::default();
        let writer = out.clone();
        let layer = fmt::layer()
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .fmt_fields(on_one_line_each());
        let subscriber = tracing_subscriber::registry().with(layer);
        tracing::subscriber::with_default(subscriber, || {
            let error = "no good\n2026 ERROR forged\u{1b}[31m\n";
            tracing::warn!(%error, count = 3, name = "x", "of a model\nand more");
        });
        let written = String::from_utf8(out.0.lock().unwrap().clone()).unwrap();
        let rest = written.split_once("tests: ").unwrap().1;
        assert_eq!(
            rest,
            "of a model\\nand more error=no good\\n2026 ERROR forged\\u{1b}[31m count=3 name=\"x\"\n"
        );
    }
}
