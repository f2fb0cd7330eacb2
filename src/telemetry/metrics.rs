//! The metric families, for Prometheus to read: base units, prefix `normgate_`.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use normgate_core::preprocess::DecodeError;
use normgate_core::{Calibration, Classification, Manifest};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::process::ProcessCollector;
use crate::engine::Timings;

/// The media type of [`Metrics::render`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

type Histograms<L> = Family<L, Histogram, fn() -> Histogram>;
type FloatGauge = Gauge<f64, AtomicU64>;

/// Everything that is counted and measured.
pub struct Metrics {
    registry: Registry,
    labels: Vec<String>,
    requests: Histograms<RequestLabels>,
    stages: Histograms<StageLabels>,
    batch_size: Histogram,
    queue_depth: Gauge,
    rejected: Family<ReasonLabels, Counter>,
    decode_errors: Family<FormatLabels, Counter>,
    predictions: Family<PredictionLabels, Counter>,
    score: Histogram,
    abandoned: Counter,
    worker_panics: Counter,
    model_info: Family<ModelLabels, Gauge>,
    model: ModelLabels,
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
struct PredictionLabels {
    label: String,
    ood: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ModelLabels {
    name: String,
    version: String,
    digest: String,
    provider: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct BuildLabels {
    version: &'static str,
}

impl Metrics {
    /// All families, for this model.
    pub fn new(manifest: &Manifest, digest: &str, calibration: &Calibration) -> Self {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(ProcessCollector));
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
            "What an answered image waited (queue) and took (decode; infer: its whole batch)",
            Unit::Seconds,
            stages.clone(),
        );
        let batch_size = Histogram::new([1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0]);
        ours.register(
            "batch_size",
            "Images in a run of the model",
            batch_size.clone(),
        );
        let queue_depth = Gauge::default();
        ours.register("queue_depth", "Images that wait", queue_depth.clone());
        let rejected: Family<ReasonLabels, Counter> = Family::default();
        // Those with an alert exist from the start: a series that begins at 1 has not increased.
        for reason in ["overloaded", "internal-error", "deadline-exceeded"] {
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
        let predictions = Family::default();
        ours.register(
            "predictions",
            "Answers by label and verdict",
            predictions.clone(),
        );
        let score = Histogram::new(score_buckets(calibration));
        ours.register(
            "ood_score",
            "Scores of answered images; the buckets are quantiles of the calibration scores",
            score.clone(),
        );
        let abandoned = Counter::default();
        ours.register(
            "abandoned",
            "Images whose client left before their turn",
            abandoned.clone(),
        );
        let worker_panics = Counter::default();
        ours.register(
            "worker_panics",
            "Panics caught in the engine: bugs",
            worker_panics.clone(),
        );
        let threshold = FloatGauge::default();
        threshold.set(calibration.threshold);
        ours.register("ood_threshold", "Scores above it are called OOD", threshold);
        let expected = FloatGauge::default();
        expected.set(calibration.expected_flag_rate);
        ours.register(
            "expected_flag_ratio",
            "Share of in-distribution images that calibration flagged",
            expected,
        );
        let model_info = Family::default();
        ours.register(
            "model_info",
            "The model in service, as labels",
            model_info.clone(),
        );
        let build_info: Family<BuildLabels, Gauge> = Family::default();
        build_info
            .get_or_create(&BuildLabels {
                version: env!("CARGO_PKG_VERSION"),
            })
            .set(1);
        ours.register("build_info", "This program, as labels", build_info);

        let model = ModelLabels {
            name: manifest.name.clone(),
            version: manifest.version.clone(),
            digest: digest.to_owned(),
            provider: String::new(),
        };
        Self {
            registry,
            labels: manifest.labels.clone(),
            requests,
            stages,
            batch_size,
            queue_depth,
            rejected,
            decode_errors,
            predictions,
            score,
            abandoned,
            worker_panics,
            model_info,
            model,
        }
    }

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

    /// An image could not be read; its format by its bytes, whatever its sender called it.
    pub fn undecodable(&self, error: &DecodeError) {
        let format = match error {
            DecodeError::Corrupt { format, .. }
            | DecodeError::UnsupportedFeature { format, .. } => {
                format.media_type().trim_start_matches("image/")
            }
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

    /// An image was classified.
    pub fn classified(&self, answer: &Classification, timings: &Timings) {
        for (stage, took) in [
            ("queue", timings.queue),
            ("decode", timings.decode),
            ("infer", timings.infer),
        ] {
            self.stages
                .get_or_create(&StageLabels { stage })
                .observe(took.as_secs_f64());
        }
        self.score.observe(f64::from(answer.score));
        let label = self
            .labels
            .get(answer.class_index)
            .cloned()
            .unwrap_or_default();
        let ood = if answer.is_ood { "true" } else { "false" };
        self.predictions
            .get_or_create(&PredictionLabels { label, ood })
            .inc();
    }

    /// A job was skipped, since nobody waits for it.
    pub fn abandoned(&self) {
        self.abandoned.inc();
    }

    /// A panic was caught in the engine.
    pub fn worker_panicked(&self) {
        self.worker_panics.inc();
    }

    /// The engine runs, on this execution provider.
    pub fn ready(&self, provider: &str) {
        let labels = ModelLabels {
            provider: provider.to_owned(),
            ..self.model.clone()
        };
        self.model_info.get_or_create(&labels).set(1);
    }

    /// Everything in the OpenMetrics text format.
    pub fn render(&self, queue_depth: usize) -> Result<String, std::fmt::Error> {
        self.queue_depth
            .set(i64::try_from(queue_depth).unwrap_or(i64::MAX));
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

/// From half a millisecond, a light model's best, to the default deadline.
const SECONDS: [f64; 14] = [
    0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0,
];

/// Buckets that an ID image falls into with known shares, so that a drift of the traffic away from
/// the calibration data shows as a change of shape; and the threshold itself.
fn score_buckets(calibration: &Calibration) -> Vec<f64> {
    let scores = &calibration.scores;
    let last = scores.len().saturating_sub(1);
    let quantiles = [0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0];
    let mut buckets: Vec<f64> = quantiles
        .iter()
        .filter_map(|q| scores.get((q * last as f64).round() as usize))
        .map(|score| f64::from(*score))
        .chain([calibration.threshold])
        .collect();
    buckets.sort_by(f64::total_cmp);
    buckets.dedup();
    buckets
}
