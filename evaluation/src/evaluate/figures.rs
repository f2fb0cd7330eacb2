//! The figures of an evaluation, as `report.json` holds them.

use normgate_core::detection::GroupAccuracy;
use normgate_core::scores::ScoreKind;
use serde::Serialize;

/// With more classes than this, nobody would read what is taken for what.
pub const MOST_LISTED: usize = 20;

/// All that was measured. It depends on the model file and the image sets only: the same ones give the same figures,
/// whatever the number of threads.
///
/// Shares are 0..=1. What is undefined (accuracy of no images) is NaN here and `null` in JSON.
#[derive(Clone, Debug, Serialize)]
pub struct Figures {
    /// The score that the model is served with.
    pub served_score: ScoreKind,
    /// The ID test set.
    pub id: IdFigures,
    /// Each set of its classes from other sources, in the order given.
    pub shifted: Vec<ShiftedFigures>,
    /// Each OOD set, in the order given.
    pub ood: Vec<OodFigures>,
    /// The mean of each score's figures over the OOD sets; empty if there are none.
    pub mean: Vec<ScoreFigures>,
    /// Each score's own ID-positive threshold, from the calibration sets given to the evaluation; empty if none was
    /// given. The served score has the model file's threshold instead.
    pub thresholds: Vec<ScoreThreshold>,
    /// The ID test set first, then its classes from other sources, in the order given.
    pub trust: Vec<TrustFigures>,
}

/// What every set has.
#[derive(Clone, Debug, Serialize)]
pub struct SetFigures {
    /// The set's name.
    pub name: String,
    /// How many images it has.
    pub images: usize,
    /// Mean L2 norm of the representation.
    pub mean_norm: f64,
    /// Mean share of the representation's entries above zero (the paper's activation ratio).
    pub activation_ratio: f64,
    /// Share flagged as OOD by the model as it is served.
    pub flagged: f64,
}

/// The ID test set.
#[derive(Clone, Debug, Serialize)]
pub struct IdFigures {
    /// What every set has; its `flagged` is the false-flag rate.
    #[serde(flatten)]
    pub set: SetFigures,
    /// Accuracy overall and by class group (by training images; only overall if the manifest has no training record).
    pub accuracy: GroupAccuracy,
    /// Accuracy on each class, in the order of the labels.
    pub accuracy_per_class: Vec<f64>,
    /// The share flagged overall and by class group.
    pub false_flags: GroupAccuracy,
    /// Share flagged of each class, in the order of the labels.
    pub false_flags_per_class: Vec<f64>,
    /// Of each class's images, the share that is taken for each class, flagged or not, in the order of the labels;
    /// empty if the model has more than [`MOST_LISTED`] classes.
    pub taken_for: Vec<Vec<f64>>,
    /// Expected calibration error of the softmax confidence, 15 bins.
    pub ece: f64,
}

/// A set of the model's classes from another source.
#[derive(Clone, Debug, Serialize)]
pub struct ShiftedFigures {
    /// What every set has; its `flagged` is the false-flag rate.
    #[serde(flatten)]
    pub set: SetFigures,
    /// As [`IdFigures::taken_for`].
    pub taken_for: Vec<Vec<f64>>,
}

/// An OOD set.
#[derive(Clone, Debug, Serialize)]
pub struct OodFigures {
    /// What every set has; its `flagged` is the share caught.
    #[serde(flatten)]
    pub set: SetFigures,
    /// The share that is taken for each class, flagged or not; empty as in [`IdFigures::taken_for`].
    pub taken_for: Vec<f64>,
    /// How each score tells it from the ID set.
    pub scores: Vec<ScoreFigures>,
}

/// How well one score tells ID from OOD; OOD is the positive class.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ScoreFigures {
    /// The score.
    pub score: ScoreKind,
    /// Area under the ROC curve.
    pub auroc: f64,
    /// Area under the precision-recall curve, as average precision.
    pub aupr: f64,
    /// Share of ID images flagged at the threshold that flags 95 % of OOD images: the paper's
    /// FPR95.
    pub fpr95_ood_positive: f64,
    /// Share of OOD images that pass at the threshold that lets 95 % of ID images pass.
    pub fpr95_id_positive: f64,
}

/// The threshold of one score.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ScoreThreshold {
    /// The score.
    pub score: ScoreKind,
    /// Scores above it are flagged.
    pub threshold: f64,
}

/// What the flags are worth on images of the model's own classes: are the answers that are not
/// flagged better than all?
#[derive(Clone, Debug, Serialize)]
pub struct TrustFigures {
    /// The set's name.
    pub name: String,
    /// How many images it has.
    pub images: usize,
    /// The score that flags, with the served threshold or with its own.
    pub score: ScoreKind,
    /// Share flagged.
    pub flagged: f64,
    /// Accuracy of all answers.
    pub accuracy: f64,
    /// Accuracy of the answers not flagged.
    pub accuracy_unflagged: f64,
}
