//! Which images the int8 model's threshold comes from, and how.

use normgate_core::calibration::{Calibration, Convention};

use super::command::QuantizeArgs;
use crate::calibrate::{self, CalibrateArgs, ConventionName};
use crate::datasets::SetSpec;
use crate::error::EvaluationError;

/// The option that names the images for the threshold.
pub(super) fn named_by(args: &QuantizeArgs) -> &'static str {
    match args.calibrate.is_empty() {
        true => "--data",
        false => "--calibrate",
    }
}

/// The sets that the images for the threshold are from.
pub(super) fn sets(args: &QuantizeArgs) -> &[SetSpec] {
    match args.calibrate.is_empty() {
        true => &args.data,
        false => &args.calibrate,
    }
}

/// The options that the fp32 model was calibrated with, for the new images.
pub(super) fn options(
    args: &QuantizeArgs,
    old: Option<&Calibration>,
) -> Result<CalibrateArgs, EvaluationError> {
    let convention = match old.map(|old| old.convention) {
        Some(Convention::OodPositive) => ConventionName::OodPositive,
        _ => ConventionName::IdPositive,
    };
    if convention == ConventionName::OodPositive && args.calibrate_ood.is_empty() {
        return Err(EvaluationError::Options(
            "the model's threshold is OOD-positive: add --calibrate-ood SET, the OOD images for the \
             int8 model's threshold to catch",
        ));
    }
    if convention == ConventionName::IdPositive && !args.calibrate_ood.is_empty() {
        return Err(EvaluationError::Options(
            "--calibrate-ood is for models whose threshold is OOD-positive, and this one's is not: \
             leave it out",
        ));
    }
    Ok(CalibrateArgs {
        model: args.model.clone(),
        data: sets(args).to_vec(),
        ood: args.calibrate_ood.clone(),
        balance: args.balance,
        score: None,
        fit_data: Vec::new(),
        tpr: old.map_or(calibrate::DEFAULT_TPR, |old| old.target_tpr),
        convention,
        per_class: old.is_some_and(|old| old.per_class.is_some()),
        out: Some(args.out.clone()),
        name: None,
        model_version: None,
        workbench: args.workbench.clone(),
    })
}
