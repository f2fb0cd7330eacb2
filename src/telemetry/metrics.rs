//! The server's metric families, whatever model it serves, for Prometheus to read: base units, prefix `normgate_`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use normgate_core::preprocess::DecodeError;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::ModelMetrics;
use super::log_writer::lost_lines;
use super::process::ProcessCollector;
use crate::connections::Connections;
use crate::engine::Timings;

/// The media type of [`Metrics::render`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

type Histograms<L> = Family<L, Histogram, fn() -> Histogram>;

/// What is counted and measured from the start of the process to its end.
pub struct Metrics {
    registry: Registry,
    requests: Histograms<RequestLabels>,
    stages: Histograms<StageLabels>,
    batch_size: Histogram,
    lone: Counter,
    queue_depth: Gauge,
    connections: Gauge,
    connection_wait: Counter<f64, AtomicU64>,
    body_memory: Gauge,
    rejected: Family<ReasonLabels, Counter>,
    decode_errors: Family<FormatLabels, Counter>,
    abandoned: Counter,
    worker_panics: Counter,
    reloads: Family<ResultLabels, Counter>,
    last_reload_successful: Gauge,
    reload_in_progress: Gauge,
    log_lines_dropped: Counter,
}

/// What is looked up when somebody asks, where others keep account of it.
pub struct Levels<'a> {
    /// Images that wait.
    pub queue_depth: usize,
    /// Bytes that bodies and large answers take.
    pub body_memory: usize,
    /// The open connections.
    pub connections: &'a Connections,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RequestLabels {
    route: &'static str,
    status: u16,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct StageLabels {
    stage: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ReasonLabels {
    reason: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct FormatLabels {
    format: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ResultLabels {
    result: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct BuildLabels {
    version: &'static str,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(ProcessCollector::default()));
        let ours = registry.sub_registry_with_prefix("normgate");

        let requests = Histograms::new_with_constructor(|| Histogram::new(SECONDS));
        ours.register_with_unit(
            "request_duration",
            "From a request's head to its reply",
            Unit::Seconds,
            requests.clone(),
        );
        let stages = Histograms::new_with_constructor(|| Histogram::new(SECONDS));
        ours.register_with_unit(
            "stage_duration",
            "Time that an answered image waited (queue) and took (decode; infer: its whole batch)",
            Unit::Seconds,
            stages.clone(),
        );
        let batch_size = Histogram::new([1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0]);
        ours.register(
            "batch_size",
            "Images in a run of the model",
            batch_size.clone(),
        );
        let lone = Counter::default();
        ours.register(
            "lone_images",
            "Images that came while nothing else was being worked on, and got all processors",
            lone.clone(),
        );
        let queue_depth = Gauge::default();
        ours.register("queue_depth", "Images that wait", queue_depth.clone());
        let connections = Gauge::default();
        ours.register(
            "connections",
            "Open client connections, at most --max-connections",
            connections.clone(),
        );
        let connection_wait: Counter<f64, AtomicU64> = Counter::default();
        ours.register_with_unit(
            "connection_wait",
            "Time that new clients have waited because all of --max-connections were taken",
            Unit::Seconds,
            connection_wait.clone(),
        );
        let body_memory = Gauge::default();
        ours.register_with_unit(
            "body_memory",
            "Memory that bodies and large answers take, at most --body-memory",
            Unit::Bytes,
            body_memory.clone(),
        );
        let rejected: Family<ReasonLabels, Counter> = Family::default();
        // Those with an alert exist from the start, since a series that begins at 1 has not increased.
        for reason in [
            "overloaded",
            "body-memory-full",
            "internal-error",
            "deadline-exceeded",
        ] {
            rejected.get_or_create(&ReasonLabels { reason }).inc_by(0);
        }
        ours.register(
            "rejected",
            "Images and requests not classified, by reason",
            rejected.clone(),
        );
        let decode_errors = Family::default();
        ours.register(
            "decode_errors",
            "Images that could not be read",
            decode_errors.clone(),
        );
        let abandoned = Counter::default();
        ours.register(
            "abandoned",
            "Images that nobody waited for when their turn came: client gone, or deadline past",
            abandoned.clone(),
        );
        let worker_panics = Counter::default();
        ours.register(
            "worker_panics",
            "Caught panics in the engine, which are bugs",
            worker_panics.clone(),
        );
        let reloads: Family<ResultLabels, Counter> = Family::default();
        for result in ["ok", "failed", "unchanged"] {
            reloads.get_or_create(&ResultLabels { result }).inc_by(0);
        }
        ours.register(
            "model_reload",
            "Times that the model file was read again (SIGHUP, --watch), by result",
            reloads.clone(),
        );
        let last_reload_successful = Gauge::default();
        last_reload_successful.set(1);
        ours.register(
            "model_last_reload_successful",
            "0 while the model file is one that could not be put into service: a restart would fail",
            last_reload_successful.clone(),
        );
        let reload_in_progress = Gauge::default();
        ours.register(
            "model_reload_in_progress",
            "1 while another model is being loaded, or the replaced one still ends",
            reload_in_progress.clone(),
        );
        let log_lines_dropped = Counter::default();
        ours.register(
            "log_lines_dropped",
            "Log lines that were lost: nobody took them in time, or they could not be written",
            log_lines_dropped.clone(),
        );
        let build_info: Family<BuildLabels, Gauge> = Family::default();
        build_info
            .get_or_create(&BuildLabels {
                version: env!("CARGO_PKG_VERSION"),
            })
            .set(1);
        ours.register("build_info", "This program, as labels", build_info);

        Self {
            registry,
            requests,
            stages,
            batch_size,
            lone,
            queue_depth,
            connections,
            connection_wait,
            body_memory,
            rejected,
            decode_errors,
            abandoned,
            worker_panics,
            reloads,
            last_reload_successful,
            reload_in_progress,
            log_lines_dropped,
        }
    }
}

impl Metrics {
    /// A request was answered.
    pub fn request(&self, route: &'static str, status: u16, took: Duration) {
        let labels = RequestLabels { route, status };
        self.requests
            .get_or_create(&labels)
            .observe(took.as_secs_f64());
    }

    /// An image or a request was turned away.
    pub fn rejected(&self, reason: &'static str) {
        self.rejected.get_or_create(&ReasonLabels { reason }).inc();
    }

    /// An image could not be read; its format is told by its bytes, whatever its sender called it. One that is too
    /// large was not tried, and does not count.
    pub fn undecodable(&self, error: &DecodeError) {
        let format = match error {
            DecodeError::Corrupt { format, .. }
            | DecodeError::UnsupportedFeature { format, .. } => {
                format.media_type().trim_start_matches("image/")
            }
            DecodeError::TooLarge { .. } | DecodeError::TooLong { .. } => return,
            _ => "unknown",
        };
        self.decode_errors
            .get_or_create(&FormatLabels { format })
            .inc();
    }

    /// A batch goes into the model.
    pub fn batch(&self, images: usize) {
        self.batch_size.observe(images as f64);
    }

    /// The batch is a single image, and gets all processors.
    pub fn lone(&self) {
        self.lone.inc();
    }

    /// An image was classified.
    pub fn classified(&self, timings: &Timings) {
        for (stage, took) in [
            ("queue", timings.queue),
            ("decode", timings.decode),
            ("infer", timings.infer),
        ] {
            self.stages
                .get_or_create(&StageLabels { stage })
                .observe(took.as_secs_f64());
        }
    }

    /// A job was skipped because nobody waits for it.
    pub fn abandoned(&self) {
        self.abandoned.inc();
    }

    /// A panic was caught in the engine.
    pub fn worker_panicked(&self) {
        self.worker_panics.inc();
    }

    /// The model file was read again, and is in service (`ok`), was refused (`failed`), or is the one that was in
    /// service (`unchanged`).
    pub fn reloaded(&self, result: &'static str) {
        self.reloads.get_or_create(&ResultLabels { result }).inc();
        self.last_reload_successful
            .set(i64::from(result != "failed"));
    }

    /// A reload begins, or is done with.
    pub fn reloading(&self, is_so: bool) {
        self.reload_in_progress.set(i64::from(is_so));
    }

    /// Everything in the OpenMetrics text format, including the metrics of the model in service.
    pub fn render(
        &self,
        model: Option<&ModelMetrics>,
        levels: &Levels<'_>,
    ) -> Result<String, std::fmt::Error> {
        let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        let connections = levels.connections;
        self.queue_depth.set(count(levels.queue_depth));
        self.body_memory.set(count(levels.body_memory));
        self.connections.set(count(connections.open()));
        // The wait is measured where connections are accepted, which knows nothing of metrics.
        let waited = connections.waited().as_secs_f64();
        let wait = self.connection_wait.inner();
        wait.store(waited.to_bits(), Ordering::Relaxed);
        let dropped = self.log_lines_dropped.inner();
        dropped.store(lost_lines(), Ordering::Relaxed);
        let mut text = String::new();
        encode_registry(&mut text, &self.registry)?;
        if let Some(model) = model {
            encode_registry(&mut text, model.registry())?;
        }
        encode_eof(&mut text)?;
        Ok(text)
    }
}

/// Buckets from half a millisecond, a light model's best, to the default deadline.
const SECONDS: [f64; 14] = [
    0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0,
];
