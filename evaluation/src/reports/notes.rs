//! What a reader of the figures should not overlook.

use normgate_core::calibration::Convention;

use super::{CalibrationRecord, Report};
use crate::evaluate::figures::{Figures, OodFigures};
use crate::reports::table::decimals;

/// A difference of this many standard deviations is not chance.
const SURE: f64 = 4.0;

/// A sentence of about a line for each thing that is wrong with the model as it is served.
pub(super) fn of(report: &Report) -> Vec<String> {
    let figures = &report.figures;
    let others = figures
        .ood
        .iter()
        .filter_map(|set| upside_down(figures, set));
    let doubts = report.doubts.iter().map(|doubt| format!("Note: {doubt}"));
    doubts
        .chain(unkept(&report.model.calibration, figures))
        .chain(others)
        .collect()
}

/// An ID-positive threshold's promise is for images from the same source as the calibration images.
fn unkept(calibration: &CalibrationRecord, figures: &Figures) -> Option<String> {
    let set = &figures.id.set;
    let promised = 1.0 - calibration.target_tpr;
    let images = 1.0 / set.images.max(1) as f64 + 1.0 / calibration.count.max(1) as f64;
    let deviation = (promised * (1.0 - promised) * images).sqrt();
    let is_kept = set.flagged <= promised + SURE * deviation;
    if is_kept || calibration.convention != Convention::IdPositive {
        return None;
    }
    Some(format!(
        "Note: {} % of {} are flagged, not {} %: calibrate on images like these",
        decimals(100.0 * set.flagged),
        set.name,
        decimals(100.0 * promised).trim_end_matches(".00"),
    ))
}

/// A score that is worse than chance passes what it should flag.
fn upside_down(figures: &Figures, set: &OodFigures) -> Option<String> {
    let served = set
        .scores
        .iter()
        .find(|it| it.score == figures.served_score)?;
    // That is how the rank sum of Mann and Whitney varies if both sets are alike.
    let (m, n) = (figures.id.set.images as f64, set.set.images as f64);
    let by_chance = SURE * ((m + n + 1.0) / (12.0 * m * n)).sqrt();
    let is_worse = served.auroc < 0.5 - by_chance;
    if !is_worse {
        return None;
    }
    let best = set
        .scores
        .iter()
        .max_by(|a, b| a.auroc.total_cmp(&b.auroc))?;
    let said = format!(
        "Note: {} takes {} for ID (AUROC {} %)",
        served.score.title(),
        set.set.name,
        decimals(100.0 * served.auroc)
    );
    Some(match best.auroc > 0.5 + by_chance {
        true => format!(
            "{said}; {} has {} %",
            best.score.title(),
            decimals(100.0 * best.auroc)
        ),
        false => said,
    })
}
