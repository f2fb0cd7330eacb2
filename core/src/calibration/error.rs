/// Why scores gave no calibration.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CalibrationError {
    /// The true positive rate asked for is not between 0 and 1.
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
        "{found} calibration images are too few for a TPR of {target_tpr}: at least {needed} are needed. Give \
         more, or a lower TPR"
    )]
    TooFew {
        /// The number of images.
        found: usize,
        /// The fewest images that would do.
        needed: usize,
        /// The true positive rate asked for.
        target_tpr: f64,
    },
    /// Per-class thresholds were asked for with scores other than those calibrated on.
    #[error(
        "per-class thresholds need the same {expected} in-distribution scores that were calibrated on, each with its predicted class; {scores} scores and {predicted} predictions were given"
    )]
    NotTheSameImages {
        /// The number of images calibrated on.
        expected: usize,
        /// The number of scores given.
        scores: usize,
        /// The number of predictions given.
        predicted: usize,
    },
    /// A predicted class is one that the model does not have.
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
    /// Per-class thresholds were asked of an OOD-positive calibration, whose target says nothing about ID images.
    #[error(
        "per-class thresholds need the ID-positive convention: an OOD-positive target says nothing about the in-distribution images of a class"
    )]
    PerClassNeedsIdPositive,
}
