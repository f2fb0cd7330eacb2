//! The metric families of a model. They come and go with it: their counts begin at zero with each model, as with each
//! start of the process, and no series of a model outlives it.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::SystemTime;

use normgate_core::classifier::NotCalibrated;
use normgate_core::{Calibration, Classification, Manifest, Model};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

type FloatGauge = Gauge<f64, AtomicU64>;

/// What a histogram of scores has in the text formats, and should not.
const SCORE_SUM: &str = "normgate_ood_score_sum ";
const SCORE_COUNT: &str = "normgate_ood_score_count ";

/// What is counted and measured of one model.
pub struct ModelMetrics {
    registry: Registry,
    manifest: Arc<Manifest>,
    /// The manifest's, ready to be shared with the series.
    labels: Box<[Arc<str>]>,
    digest: String,
    predictions: Family<PredictionLabels, Counter>,
    verdicts: Family<VerdictLabels, Counter>,
    score: Histogram,
    info: Family<ModelLabels, Gauge>,
    loaded: FloatGauge,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct PredictionLabels {
    label: Arc<str>,
    ood: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct VerdictLabels {
    ood: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ModelLabels {
    name: String,
    version: String,
    digest: String,
    provider: &'static str,
}

impl ModelMetrics {
    /// The families for this model.
    pub fn new(model: &Model) -> Result<Self, NotCalibrated> {
        let manifest = Arc::clone(model.manifest());
        let calibration = manifest.calibrated()?;
        let mut registry = Registry::default();
        let ours = registry.sub_registry_with_prefix("normgate");

        let predictions = Family::default();
        ours.register(
            "predictions",
            "Answers by label and verdict",
            predictions.clone(),
        );
        let verdicts: Family<VerdictLabels, Counter> = Family::default();
        // Both exist from the start, since a series that begins at 1 has not increased. Of those by label, of which
        // there may be thousands, most of a few OOD images would never be seen.
        for ood in ["false", "true"] {
            verdicts.get_or_create(&VerdictLabels { ood }).inc_by(0);
        }
        ours.register("verdicts", "Answers by verdict", verdicts.clone());
        let score = Histogram::new(score_buckets(calibration));
        ours.register(
            "ood_score",
            "Scores of answered images; the buckets are quantiles of the calibration scores",
            score.clone(),
        );
        let threshold = FloatGauge::default();
        threshold.set(calibration.threshold);
        ours.register(
            "ood_threshold",
            "Scores above it are flagged, unless the predicted class has a threshold of its own",
            threshold,
        );
        let expected = FloatGauge::default();
        expected.set(calibration.expected_share_flagged());
        ours.register(
            "expected_flag_ratio",
            "Share of in-distribution images that the threshold is expected to flag",
            expected,
        );
        let info = Family::default();
        ours.register(
            "model_info",
            "The model in service, as labels",
            info.clone(),
        );
        let loaded = FloatGauge::default();
        ours.register_with_unit(
            "model_loaded_timestamp",
            "When the model in service was warm, in Unix time",
            Unit::Seconds,
            loaded.clone(),
        );
        Ok(Self {
            registry,
            labels: manifest
                .labels
                .iter()
                .map(|it| it.as_str().into())
                .collect(),
            digest: model.digest().to_owned(),
            predictions,
            verdicts,
            score,
            info,
            loaded,
            manifest,
        })
    }

    /// The model is warm, on this execution provider.
    pub fn ready(&self, provider: &'static str) {
        let labels = ModelLabels {
            name: self.manifest.name.clone(),
            version: self.manifest.version.clone(),
            digest: self.digest.clone(),
            provider,
        };
        self.info.get_or_create(&labels).set(1);
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        self.loaded.set(now.unwrap_or_default().as_secs_f64());
    }

    /// An image was classified.
    pub fn classified(&self, answer: &Classification) {
        self.score.observe(f64::from(answer.score));
        let label = self.labels.get(answer.class_index);
        let label = label.cloned().unwrap_or_default();
        let ood = if answer.is_ood { "true" } else { "false" };
        self.predictions
            .get_or_create(&PredictionLabels { label, ood })
            .inc();
        self.verdicts.get_or_create(&VerdictLabels { ood }).inc();
    }

    /// The families, to be written out.
    pub(super) fn registry(&self) -> &Registry {
        &self.registry
    }
}

/// The text without what OpenMetrics does not allow for a histogram with buckets below zero: a sum, which falls with
/// each score below zero, so that every rate of it is wrong, and the count, which comes with a sum or not at all
/// (OpenMetrics 1.0, *Histogram*).
pub fn openmetrics_of_scores(text: &str) -> String {
    without(text, &[SCORE_SUM, SCORE_COUNT])
}

/// The same for the older format, which has a count with every histogram.
pub fn plain_of_scores(text: &str) -> String {
    without(text, &[SCORE_SUM])
}

fn without(text: &str, samples: &[&str]) -> String {
    text.split_inclusive('\n')
        .filter(|line| !samples.iter().any(|sample| line.starts_with(sample)))
        .collect()
}

/// Buckets into which known shares of ID images fall, so that a drift of the traffic away from the calibration data
/// shows as a change of shape; and the threshold itself.
fn score_buckets(calibration: &Calibration) -> Vec<f64> {
    let quantiles = [0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0];
    let mut buckets: Vec<f64> = quantiles
        .iter()
        .filter_map(|&q| calibration.score_at(q))
        .map(f64::from)
        .chain([calibration.threshold])
        .collect();
    buckets.sort_by(f64::total_cmp);
    buckets.dedup();
    buckets
}
