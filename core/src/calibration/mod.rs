//! Calibration: from the scores of images that were set aside to a threshold with a guarantee.
//!
//! "TPR 95 %" means two things in this field, so we always say which: see [`Convention`].
//!
//! With n calibration scores and the [ID-positive](Convention::IdPositive) convention, the threshold is the
//! `⌈(n+1)·tpr⌉`-th smallest score. Split conformal prediction (Vovk, Gammerman & Shafer, "Algorithmic Learning in a
//! Random World", 2005; Papadopoulos et al., ECML 2002) then promises, whatever the distribution, that an
//! exchangeable ID image is flagged with a probability of at most `1 - tpr`.

mod error;
mod likeness;
mod per_class;
pub(crate) mod rank;
mod thinning;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use error::CalibrationError;
pub use per_class::ClassThreshold;

use rank::{conformal_rank, samples_needed, share_rank};

/// Which images a "true positive rate" counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Convention {
    /// TPR is the share of in-distribution images that pass. Needs ID images only; a server should use this one.
    IdPositive,
    /// TPR is the share of OOD images that are caught, as in the RNA paper's tables. Needs OOD images, and holds only
    /// for images like those.
    OodPositive,
}

/// A threshold on the score, what it was derived from, and the scores behind its p-values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// What [`target_tpr`](Self::target_tpr) counts.
    pub convention: Convention,
    /// The true positive rate asked for, between 0 and 1.
    pub target_tpr: f64,
    /// An image whose score is above this is OOD, unless its class has a threshold of its own.
    pub threshold: f64,
    /// Number of ID calibration images.
    pub count: usize,
    /// Their scores, ascending. At most 10,000: if there are more, evenly spaced order statistics, the smallest and
    /// the largest included.
    pub scores: Vec<f32>,
    /// A threshold for each predicted class, in the order of the labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_class: Option<Vec<ClassThreshold>>,
    /// The share of the ID calibration images that are above the threshold that applies to them, 0 to 1. If they are
    /// few, it is lower than what new ones can expect, which is [`flag_rate`](Self::flag_rate).
    pub expected_flag_rate: f64,
    /// What the calibration images were, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
}

/// The share of new ID images that a threshold flags, 0 to 1, over all calibration sets of the same size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FlagRate {
    /// The mean.
    pub mean: f64,
    /// The standard deviation.
    pub deviation: f64,
}

impl Calibration {
    /// The conformal threshold that lets a share `tpr` of ID images pass: the `⌈(n+1)·tpr⌉`-th smallest of n `scores`
    /// of ID images that were never trained on.
    ///
    /// # Errors
    /// [`TargetOutOfRange`](CalibrationError::TargetOutOfRange) unless 0 < `tpr` < 1,
    /// [`NotFinite`](CalibrationError::NotFinite), and [`TooFew`](CalibrationError::TooFew) if that rank is above n
    /// (with fewer than 19 images for 0.95).
    pub fn id_positive(scores: &[f32], tpr: f64) -> Result<Self, CalibrationError> {
        check_target(tpr)?;
        let sorted = sorted(scores, "in-distribution")?;
        let threshold = conformal_threshold(&sorted, tpr)?;
        Ok(Self::new(Convention::IdPositive, tpr, threshold, &sorted))
    }

    /// The highest threshold that a share `tpr` of the OOD images is above; the p-values come from the ID scores.
    ///
    /// It is the threshold of FPR95 on these images. Of new ones like them, a threshold from n catches `⌈n·tpr⌉/(n+1)`
    /// on average: 94.9 % of 1,000 for 0.95, 90.5 % of 20.
    ///
    /// # Errors
    /// [`TargetOutOfRange`](CalibrationError::TargetOutOfRange),
    /// [`NotFinite`](CalibrationError::NotFinite), and [`Empty`](CalibrationError::Empty) if a side has no scores.
    pub fn ood_positive(
        id_scores: &[f32],
        ood_scores: &[f32],
        tpr: f64,
    ) -> Result<Self, CalibrationError> {
        check_target(tpr)?;
        let id = sorted(id_scores, "in-distribution")?;
        let ood = sorted(ood_scores, "out-of-distribution")?;
        if id.is_empty() {
            return Err(CalibrationError::Empty {
                side: "in-distribution",
            });
        }
        let caught = share_rank(ood.len(), tpr);
        let last_caught = ood
            .len()
            .checked_sub(caught)
            .and_then(|index| ood.get(index))
            .ok_or(CalibrationError::Empty {
                side: "out-of-distribution",
            })?;
        // Only scores above the threshold are flagged, so it must be just below this one.
        let threshold = f64::from(*last_caught).next_down();
        Ok(Self::new(Convention::OodPositive, tpr, threshold, &id))
    }

    fn new(convention: Convention, target_tpr: f64, threshold: f64, sorted: &[f32]) -> Self {
        let passed = sorted.partition_point(|&score| f64::from(score) <= threshold);
        Self {
            convention,
            target_tpr,
            threshold,
            count: sorted.len(),
            scores: thinning::thin(sorted),
            per_class: None,
            expected_flag_rate: (sorted.len() - passed) as f64 / sorted.len() as f64,
            data: None,
        }
    }

    /// The threshold for an image of this predicted class: the class's own if it has one, otherwise the global one.
    pub fn threshold_for(&self, predicted: usize) -> f64 {
        self.per_class
            .as_ref()
            .and_then(|classes| classes.get(predicted))
            .map_or(self.threshold, |class| class.threshold)
    }

    /// Whether an image with this score and predicted class is flagged as OOD: its score is above the class's
    /// threshold ([`threshold_for`](Self::threshold_for)), or is NaN.
    pub fn is_ood(&self, score: f32, predicted: usize) -> bool {
        let passes = f64::from(score) <= self.threshold_for(predicted);
        !passes
    }

    /// How many new ID images will be flagged; `None` for an OOD-positive calibration, which promises nothing about
    /// ID images.
    ///
    /// The share that a threshold from n images flags is distributed as Beta(n+1-k, k), with k = ⌈(n+1)·tpr⌉ (Vovk,
    /// "Conditional validity of inductive conformal predictors", ACML 2012, Sec. 2), if no two scores are equal; if
    /// some are, fewer images are flagged. Per-class thresholds count by their number of images.
    pub fn flag_rate(&self) -> Option<FlagRate> {
        if self.convention != Convention::IdPositive {
            return None;
        }
        let sizes = self.images_of_thresholds();
        let all = sizes.iter().sum::<usize>().max(1) as f64;
        let (mut mean, mut variance) = (0.0, 0.0);
        for size in sizes {
            let (n, share) = (size as f64, size as f64 / all);
            let flagged = (n + 1.0 - conformal_rank(size, self.target_tpr) as f64) / (n + 1.0);
            mean += share * flagged;
            variance += share * share * flagged * (1.0 - flagged) / (n + 2.0);
        }
        Some(FlagRate {
            mean,
            deviation: variance.sqrt(),
        })
    }

    /// The share of new ID images that is expected to be flagged, 0 to 1: the mean [`flag_rate`](Self::flag_rate), or
    /// for an OOD-positive calibration the share of its own ID images.
    pub fn expected_share_flagged(&self) -> f64 {
        self.flag_rate()
            .map_or(self.expected_flag_rate, |rate| rate.mean)
    }

    /// The least and the greatest threshold, if predicted classes have their own: the one
    /// [`threshold`](Self::threshold) then judges no image.
    pub fn thresholds_by_class(&self) -> Option<[f64; 2]> {
        let thresholds = || self.per_class.iter().flatten().map(|class| class.threshold);
        Some([
            thresholds().reduce(f64::min)?,
            thresholds().reduce(f64::max)?,
        ])
    }

    /// The quantile `q`, 0 to 1, of the calibration scores that were kept: 0 gives the smallest, 0.5 the median, 1 the
    /// largest. `None` if there are none.
    pub fn score_at(&self, q: f64) -> Option<f32> {
        let last = self.scores.len().checked_sub(1)?;
        self.scores.get((q * last as f64).round() as usize).copied()
    }

    /// The conformal p-value of "this image is in-distribution": `(1 + #{calibration scores ≥ score}) / (count + 1)`.
    ///
    /// Above 0, at most 1, and never larger for a larger score; smallest for NaN. It knows nothing of classes or of
    /// the threshold, so per-class thresholds can contradict it.
    ///
    /// It agrees with the threshold if the calibration is ID-positive, has no per-class thresholds and kept all its
    /// scores: with `k = ⌈(n+1)·tpr⌉`, an image is flagged if and only if its p-value is at most `1 - k/(n+1)`, the
    /// largest multiple of `1/(n+1)` that is not above `1 - tpr`. (That is in exact arithmetic: in floating point,
    /// `1.0 - 0.9` is below 0.1. To flag, use [`is_ood`](Self::is_ood), or compare with a literal.)
    ///
    /// If scores were thinned out, it is the largest p-value that those left allow, at most 1/9,999 above the exact
    /// one. So it still keeps its promise: on ID images it is at most α with a probability of at most α.
    pub fn p_value(&self, score: f32) -> f64 {
        let below = thinning::count_surely_below(&self.scores, self.count, score);
        let at_or_above = self.count.saturating_sub(below);
        (at_or_above as f64 + 1.0) / (self.count as f64 + 1.0)
    }
}

fn check_target(tpr: f64) -> Result<(), CalibrationError> {
    if tpr > 0.0 && tpr < 1.0 {
        return Ok(());
    }
    Err(CalibrationError::TargetOutOfRange { target_tpr: tpr })
}

fn sorted(scores: &[f32], side: &'static str) -> Result<Vec<f32>, CalibrationError> {
    if let Some(index) = scores.iter().position(|score| !score.is_finite()) {
        return Err(CalibrationError::NotFinite {
            side,
            index,
            value: scores[index],
        });
    }
    let mut sorted = scores.to_vec();
    sorted.sort_unstable_by(f32::total_cmp);
    Ok(sorted)
}

fn conformal_threshold(sorted: &[f32], tpr: f64) -> Result<f64, CalibrationError> {
    conformal_rank(sorted.len(), tpr)
        .checked_sub(1)
        .and_then(|index| sorted.get(index))
        .map(|&score| f64::from(score))
        .ok_or_else(|| CalibrationError::TooFew {
            found: sorted.len(),
            needed: samples_needed(tpr),
            target_tpr: tpr,
        })
}
