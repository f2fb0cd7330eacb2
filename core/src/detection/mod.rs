//! Detection and classification metrics. **OOD is the positive class; a larger score is more OOD.**
//!
//! Ties are handled as in scikit-learn: images with the same score are one point of a curve. All curves come from one
//! sort, O(n log n).

mod calibration_error;
mod curve;
mod groups;

#[cfg(test)]
mod tests;

pub use calibration_error::ece;
pub use groups::{ClassGroup, GroupAccuracy, accuracy, class_groups, group_accuracy};

use crate::calibration::rank::share_rank;
use curve::Curve;

/// Why a metric has no value.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DetectionError {
    /// There is nothing to tell apart.
    #[error("there are no {side} scores: a detection metric needs both sides")]
    Empty {
        /// `in-distribution` or `out-of-distribution`.
        side: &'static str,
    },
    /// A score is NaN, so it is neither above nor below any threshold.
    #[error(
        "the {side} score of image {index} (counted from 0) is NaN: check the model's output for that image"
    )]
    NotANumber {
        /// `in-distribution` or `out-of-distribution`.
        side: &'static str,
        /// Position among the scores, from 0.
        index: usize,
    },
    /// The true positive rate at which to measure is out of range.
    #[error("the true positive rate is {tpr}; it must be above 0 and at most 1, for example 0.95")]
    RateOutOfRange {
        /// What was asked for.
        tpr: f64,
    },
}

/// Area under the ROC curve: the probability that an OOD image scores above an ID image, with a tie counted as half.
/// 0 to 1.
///
/// # Errors
/// [`DetectionError::Empty`] and [`DetectionError::NotANumber`]; infinite scores are fine.
pub fn auroc(id: &[f32], ood: &[f32]) -> Result<f64, DetectionError> {
    let curve = Curve::new(id, ood)?;
    // Twice the area, in whole images, as trapezoids between neighbouring points.
    let doubled: u128 = curve
        .steps()
        .map(|(from, to)| ((to.id - from.id) as u128) * ((from.ood + to.ood) as u128))
        .sum();
    Ok(doubled as f64 / (2.0 * id.len() as f64 * ood.len() as f64))
}

/// Area under the precision-recall curve with OOD positive, as average precision `Σ (R_i - R_{i-1})·P_i` (no
/// interpolation), 0 to 1. For random scores it is the share of OOD images.
///
/// # Errors
/// As [`auroc`].
pub fn aupr(id: &[f32], ood: &[f32]) -> Result<f64, DetectionError> {
    let curve = Curve::new(id, ood)?;
    let area: f64 = curve
        .steps()
        .map(|(from, to)| {
            let gained = (to.ood - from.ood) as f64;
            gained * to.ood as f64 / (to.ood + to.id) as f64
        })
        .sum();
    Ok(area / ood.len() as f64)
}

/// FPR at a TPR with **OOD positive**: the share of ID images flagged at the highest threshold that catches at least
/// a share `tpr` of the OOD images.
///
/// With 0.95 this is the RNA paper's FPR95. (The paper's code takes the share nearest to 0.95: without equal scores,
/// at most one image more or less.)
///
/// # Errors
/// As [`auroc`], and [`DetectionError::RateOutOfRange`] unless 0 < `tpr` ≤ 1.
pub fn fpr_at_tpr_ood_positive(id: &[f32], ood: &[f32], tpr: f64) -> Result<f64, DetectionError> {
    check_rate(tpr)?;
    let curve = Curve::new(id, ood)?;
    let needed = share_rank(ood.len(), tpr);
    let flagged = curve
        .points
        .iter()
        .find(|point| point.ood >= needed)
        .map_or(id.len(), |p| p.id);
    Ok(flagged as f64 / id.len() as f64)
}

/// FPR at a TPR with **ID positive**: the share of OOD images that pass at the lowest threshold that lets at least a
/// share `tpr` of the ID images pass. This is what a server with a 95 % threshold does.
///
/// # Errors
/// As [`fpr_at_tpr_ood_positive`].
pub fn fpr_at_tpr_id_positive(id: &[f32], ood: &[f32], tpr: f64) -> Result<f64, DetectionError> {
    check_rate(tpr)?;
    let curve = Curve::new(id, ood)?;
    let flagged_at_most = id.len() - share_rank(id.len(), tpr);
    let caught = curve
        .points
        .iter()
        .rfind(|p| p.id <= flagged_at_most)
        .map_or(0, |p| p.ood);
    Ok((ood.len() - caught) as f64 / ood.len() as f64)
}

/// The ROC curve as (false positive rate, true positive rate) with OOD positive: from (0, 0) to (1, 1), one point for
/// each distinct score, with scores falling.
///
/// # Errors
/// As [`auroc`].
pub fn roc(id: &[f32], ood: &[f32]) -> Result<Vec<(f64, f64)>, DetectionError> {
    let curve = Curve::new(id, ood)?;
    let share = |count: usize, side: &[f32]| count as f64 / side.len() as f64;
    Ok(curve
        .points
        .iter()
        .map(|point| (share(point.id, id), share(point.ood, ood)))
        .collect())
}

/// Share of a representation's entries that are above 0 (paper, Sec. 5.2: the activation ratio of the last ReLU). NaN
/// if it is empty.
pub fn activation_ratio(representation: &[f32]) -> f64 {
    let active = representation.iter().filter(|&&entry| entry > 0.0).count();
    active as f64 / representation.len() as f64
}

fn check_rate(tpr: f64) -> Result<(), DetectionError> {
    if tpr > 0.0 && tpr <= 1.0 {
        return Ok(());
    }
    Err(DetectionError::RateOutOfRange { tpr })
}
