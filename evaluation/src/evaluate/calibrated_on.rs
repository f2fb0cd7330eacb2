//! The images that the served threshold comes from: if they are given again, they must be the same, and those to test
//! on must be others.

use normgate_core::calibration::Calibration;
use normgate_core::model::Model;

use super::EvaluateArgs;
use crate::calibrate::balance;
use crate::datasets::ImageSet;
use crate::error::EvaluationError;
use crate::outputs::SetOutputs;
use crate::workbench::Workbench;

/// The images of --calibration, if it is given.
///
/// # Errors
/// [`EvaluationError`] if they cannot be read, or cannot be balanced.
pub(super) fn load(
    args: &EvaluateArgs,
    bench: &Workbench,
    model: &Model,
) -> Result<Option<ImageSet>, EvaluationError> {
    if args.calibration.is_empty() {
        return Ok(None);
    }
    let mut set = bench.load_id(&args.calibration, model)?;
    if args.balance {
        set = balance(&set, &model.manifest().labels)?.0;
    }
    Ok(Some(set))
}

/// Checks that the images of --calibration have the scores that the model file keeps.
///
/// # Errors
/// [`EvaluationError::OtherCalibration`], [`EvaluationError::OtherCalibrationScores`].
pub(super) fn check_same(
    model: &Model,
    calibration: &Calibration,
    given: &SetOutputs,
) -> Result<(), EvaluationError> {
    let data = || calibration.data.clone().unwrap_or_default();
    if given.count != calibration.count {
        return Err(EvaluationError::OtherCalibration {
            given: given.count,
            calibrated: calibration.count,
            data: data(),
        });
    }
    match calibration.was_made_from(&given.scores(&**model.score())) {
        true => Ok(()),
        false => Err(EvaluationError::OtherCalibrationScores {
            images: given.count,
            data: data(),
        }),
    }
}

/// Checks that the ID test images are not the calibration images, even if nobody has named these.
///
/// # Errors
/// [`EvaluationError::TestedOnCalibration`].
pub(super) fn check_others(
    model: &Model,
    calibration: &Calibration,
    tested: &SetOutputs,
) -> Result<(), EvaluationError> {
    match calibration.was_made_from(&tested.scores(&**model.score())) {
        false => Ok(()),
        true => Err(EvaluationError::TestedOnCalibration {
            images: tested.count,
            data: calibration.data.clone().unwrap_or_default(),
        }),
    }
}
