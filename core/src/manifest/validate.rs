use super::{Manifest, ManifestError, SCHEMA_VERSION, TrainingRecord};
use crate::calibration::Calibration;

/// Far longer than any network's; each image's is kept in memory while a set is evaluated.
const LONGEST_REPRESENTATION: usize = 1 << 20;

type Check = Result<(), ManifestError>;

pub(super) fn manifest(manifest: &Manifest) -> Check {
    let Manifest {
        schema_version,
        name,
        version,
        description: _,
        labels,
        representation_size,
        preprocessing,
        score: _,
        calibration,
        training,
        quantization: _,
    } = manifest;
    match *schema_version {
        SCHEMA_VERSION => {}
        newer if newer > SCHEMA_VERSION => {
            return Err(ManifestError::NewerSchema {
                found: newer.into(),
            });
        }
        other => {
            return Err(ManifestError::UnknownSchema {
                problem: format!("is {other}, an unknown version"),
            });
        }
    }
    not_blank("name", name)?;
    not_blank("version", version)?;
    if labels.len() < 2 {
        return Err(ManifestError::invalid(
            "labels",
            format!(
                "has {}; a classifier needs at least two",
                entries(labels.len())
            ),
        ));
    }
    for (index, label) in labels.iter().enumerate() {
        not_blank(&format!("labels[{index}]"), label)?;
    }
    if *representation_size == 0 {
        return Err(ManifestError::invalid(
            "representation_size",
            "is 0; it must be the length of the model's second output",
        ));
    }
    if *representation_size > LONGEST_REPRESENTATION {
        return Err(ManifestError::invalid(
            "representation_size",
            format!("is {representation_size}; at most {LONGEST_REPRESENTATION} are supported"),
        ));
    }
    preprocessing.validate()?;
    if let Some(calibration) = calibration {
        self::calibration(calibration, labels.len())?;
    }
    if let Some(training) = training {
        self::training(training, labels.len())?;
    }
    Ok(())
}

fn training(record: &TrainingRecord, classes: usize) -> Check {
    not_blank("training.method", &record.method)?;
    one_per_label("training.class_counts", record.class_counts.len(), classes)
}

fn calibration(calibration: &Calibration, classes: usize) -> Check {
    let Calibration {
        convention: _,
        target_tpr,
        threshold,
        count,
        scores,
        per_class,
        expected_flag_rate,
        data: _,
    } = calibration;
    finite("calibration.threshold", *threshold)?;
    // NaN fails both comparisons, and so is refused as well.
    if !(*target_tpr > 0.0 && *target_tpr < 1.0) {
        return Err(ManifestError::invalid(
            "calibration.target_tpr",
            format!("is {target_tpr}; it must lie between 0 and 1"),
        ));
    }
    if !(*expected_flag_rate >= 0.0 && *expected_flag_rate <= 1.0) {
        return Err(ManifestError::invalid(
            "calibration.expected_flag_rate",
            format!("is {expected_flag_rate}; it must lie in 0..=1"),
        ));
    }
    if scores.is_empty() || scores.len() > *count {
        return Err(ManifestError::invalid(
            "calibration.scores",
            format!(
                "has {} for a calibration.count of {count}; it must have between 1 and that many",
                entries(scores.len())
            ),
        ));
    }
    for (index, score) in scores.iter().enumerate() {
        finite(&format!("calibration.scores[{index}]"), f64::from(*score))?;
    }
    if let Some(index) = scores.windows(2).position(|pair| pair[0] > pair[1]) {
        return Err(ManifestError::invalid(
            format!("calibration.scores[{}]", index + 1),
            "is smaller than the one before it; the scores must be sorted in ascending order",
        ));
    }
    let Some(per_class) = per_class else {
        return Ok(());
    };
    one_per_label("calibration.per_class", per_class.len(), classes)?;
    for (index, class) in per_class.iter().enumerate() {
        finite(
            &format!("calibration.per_class[{index}].threshold"),
            class.threshold,
        )?;
    }
    Ok(())
}

fn not_blank(field: &str, text: &str) -> Check {
    if text.trim().is_empty() {
        return Err(ManifestError::invalid(field, "is empty"));
    }
    Ok(())
}

fn finite(field: &str, value: f64) -> Check {
    if !value.is_finite() {
        return Err(ManifestError::invalid(
            field,
            format!("is {value}; it must be a finite number"),
        ));
    }
    Ok(())
}

fn one_per_label(field: &str, found: usize, classes: usize) -> Check {
    if found != classes {
        return Err(ManifestError::invalid(
            field,
            format!(
                "has {}, but labels has {classes}; there must be one for each label",
                entries(found)
            ),
        ));
    }
    Ok(())
}

fn entries(count: usize) -> String {
    match count {
        1 => "1 entry".into(),
        _ => format!("{count} entries"),
    }
}
