//! Sets whose images the model may have seen before, so that its figures on them would be too good.

use normgate_core::calibration::Calibration;
use normgate_core::model::Model;

use crate::datasets::{ImageSet, SetSpec};
use crate::seen;

/// A sentence about what a set, which `option` names, may share with the training images, and one about the
/// calibration images, unless these were given and compared.
pub(super) fn of(
    option: &str,
    specs: &[SetSpec],
    set: &ImageSet,
    model: &Model,
    calibration: Option<&Calibration>,
) -> Vec<String> {
    let manifest = model.manifest();
    let counts = set.class_counts(manifest.labels.len());
    let trained_on = seen::in_training(manifest, specs, &counts);
    let calibrated_on =
        calibration.and_then(|it| seen::in_calibration(&manifest.labels, it, specs));
    let sentence = |how: &str, seen: Option<String>| {
        seen.map(|seen| {
            format!(
                "the model was {how} on {seen}: make sure that {option} has none of these images"
            )
        })
    };
    let sentences = [
        sentence("trained", trained_on),
        sentence("calibrated", calibrated_on),
    ];
    sentences.into_iter().flatten().collect()
}

/// A sentence about what an OOD set may share with the auxiliary images, which training taught the model to treat as
/// OOD.
pub(super) fn of_foreign(specs: &[SetSpec], model: &Model) -> Option<String> {
    let seen = seen::in_auxiliary(model.manifest(), specs)?;
    Some(format!(
        "the model was trained to treat {seen} as OOD: make sure that --ood has none of these images"
    ))
}
