//! Sets whose images the model may have seen before, so that its figures on them would be too good.

use normgate_core::calibration::Calibration;
use normgate_core::model::Model;
use normgate_core::scores::Fitted;

use crate::datasets::{ImageSet, SetSpec};
use crate::recorded;
use crate::seen;

/// A model, and what it has learnt from besides its training images; images that were given and compared cannot be
/// seen again.
pub(crate) struct Learnt<'a> {
    model: &'a Model,
    calibration: Option<&'a Calibration>,
    fitted: Option<&'a Fitted>,
}

impl<'a> Learnt<'a> {
    /// `calibration` is `None` if its images were given. `fit_data` are the images to fit to that were given.
    pub(crate) fn new(
        model: &'a Model,
        calibration: Option<&'a Calibration>,
        fit_data: &[SetSpec],
    ) -> Self {
        let fitted = model.fitted().map(|fitted| &**fitted);
        let given = recorded::sets(fit_data);
        Self {
            model,
            calibration,
            fitted: fitted.filter(|fitted| fitted.data.as_ref() != Some(&given)),
        }
    }

    /// A sentence about what a set, which `option` names, may share with the training images, or else with those that
    /// the score was fitted to, which mostly are the same, and one about the calibration images.
    pub(crate) fn doubts(&self, option: &str, specs: &[SetSpec], set: &ImageSet) -> Vec<String> {
        let manifest = self.model.manifest();
        let counts = set.class_counts(manifest.labels.len());
        let trained = seen::in_training(manifest, specs, &counts)
            .map(|seen| format!("the model was trained on {seen}"));
        let fitted = self.fitted.and_then(|it| {
            let seen = seen::in_fitted(&manifest.labels, it, specs, set.len())?;
            Some(format!("the model's score was fitted to {seen}"))
        });
        let calibrated = self.calibration.and_then(|it| {
            let seen = seen::in_calibration(&manifest.labels, it, specs)?;
            Some(format!("the model was calibrated on {seen}"))
        });
        let known = [trained.or(fitted), calibrated].into_iter().flatten();
        known
            .map(|known| format!("{known}: make sure that {option} has none of these images"))
            .collect()
    }
}

/// A sentence about what an OOD set may share with the auxiliary images, which training taught the model to treat as
/// OOD.
pub(crate) fn of_foreign(specs: &[SetSpec], model: &Model) -> Option<String> {
    let seen = seen::in_auxiliary(model.manifest(), specs)?;
    Some(format!(
        "the model was trained to treat {seen} as OOD: make sure that --ood has none of these images"
    ))
}
