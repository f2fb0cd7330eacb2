/// Why no calibration came of the scores.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CalibrationError {
    /// The true positive rate asked for is no share that can be promised.
    #[error("the target TPR is {target_tpr}; it must lie between 0 and 1, for example 0.95")]
    TargetOutOfRange {
        /// What was asked for.
        target_tpr: f64,
    },
    /// A score is NaN or infinite: the model's output is broken.
    #[error(
        "the {side} score of image {index} (counted from 0) is {value}; every score must be finite: check the model's output for that image"
    )]
    NotFinite {
        /// `in-distribution` or `out-of-distribution`.
        side: &'static str,
        /// Position among the scores, from 0.
        index: usize,
        /// The score.
        value: f32,
    },
    /// A side has no scores at all.
    #[error("there are no {side} scores to calibrate on")]
    Empty {
        /// `in-distribution` or `out-of-distribution`.
        side: &'static str,
    },
    /// There are too few images for a finite threshold.
    #[error(
        "{found} calibration images are too few for a TPR of {target_tpr}: at least {needed} are needed"
    )]
    TooFew {
        /// Images there were.
        found: usize,
        /// Images that would do.
        needed: usize,
        /// The true positive rate asked for.
        target_tpr: f64,
    },
    /// Per-class thresholds were asked of scores other than those calibrated on.
    #[error(
        "per-class thresholds need the same {expected} in-distribution scores that were calibrated on, each with its predicted class; {scores} scores and {predicted} predictions were given"
    )]
    NotTheSameImages {
        /// Images calibrated on.
        expected: usize,
        /// Scores given.
        scores: usize,
        /// Predictions given.
        predicted: usize,
    },
    /// A predicted class that the model does not have.
    #[error(
        "image {index} (counted from 0) is predicted as class {class}, but there are only {classes} classes"
    )]
    NoSuchClass {
        /// Position among the predictions, from 0.
        index: usize,
        /// The prediction.
        class: usize,
        /// Number of classes.
        classes: usize,
    },
    /// Per-class thresholds share out the ID images' flags, which an OOD-positive target does not
    /// speak of.
    #[error(
        "per-class thresholds need the ID-positive convention: an OOD-positive target says nothing about the in-distribution images of a class"
    )]
    PerClassNeedsIdPositive,
}
