use std::cmp::Ordering;

use serde_json::Value;

use super::{Manifest, ManifestError, SCHEMA_VERSION, TrainingRecord};
use crate::calibration::Calibration;
use crate::printable::misleads;

/// Far longer than any network's; each image's representation is kept in memory while a set is evaluated.
const LONGEST_REPRESENTATION: usize = 1 << 20;

/// Longer than any label that people read: ImageNet's longest has 121 characters.
const LONGEST_NAME: usize = 1000;

/// No training set has as many images, and sums and multiples of counts stay far from overflow.
const MOST_IMAGES: u64 = 1 << 40;

type Check = Result<(), ManifestError>;

/// Refuses a document whose `schema_version` is not one that this reader understands: its other fields may mean
/// something else.
pub(super) fn schema_version(document: &Value) -> Check {
    let Some(fields) = document.as_object() else {
        return Err(ManifestError::invalid(
            "(the whole manifest)",
            "must be a JSON object",
        ));
    };
    let unknown = |problem: String| Err(ManifestError::UnknownSchema { problem });
    match fields.get("schema_version") {
        None => unknown("is missing".into()),
        Some(value) => match value.as_u64() {
            Some(found) => is_known_schema(found),
            None => unknown(format!("is {value}, an unknown version")),
        },
    }
}

fn is_known_schema(found: u64) -> Check {
    match found.cmp(&SCHEMA_VERSION.into()) {
        Ordering::Equal => Ok(()),
        Ordering::Greater => Err(ManifestError::NewerSchema { found }),
        Ordering::Less => Err(ManifestError::UnknownSchema {
            problem: format!("is {found}, an unknown version"),
        }),
    }
}

pub(super) fn manifest(manifest: &Manifest) -> Check {
    let Manifest {
        schema_version,
        name,
        version,
        description,
        labels,
        representation_size,
        preprocessing,
        score: _,
        calibration,
        training,
        quantization,
    } = manifest;
    is_known_schema((*schema_version).into())?;
    is_name("name", name)?;
    is_name("version", version)?;
    is_text("description", description.as_deref())?;
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
        is_name(&format!("labels[{index}]"), label)?;
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
    if let Some(quantization) = quantization {
        is_text("quantization.data", quantization.data.as_deref())?;
        is_text("quantization.of", [quantization.of.as_str()])?;
        is_text("quantization.range", [quantization.range.as_str()])?;
        let kept = quantization.keep_fp32.iter().map(String::as_str);
        is_text("quantization.keep_fp32", kept)?;
    }
    Ok(())
}

fn training(record: &TrainingRecord, classes: usize) -> Check {
    is_name("training.method", &record.method)?;
    is_text("training.command", record.command.as_deref())?;
    for sets in [&record.data, &record.auxiliary] {
        is_text(
            "training.data and training.auxiliary",
            sets.iter().map(String::as_str),
        )?;
    }
    let counts = &record.class_counts;
    one_per_label("training.class_counts", counts.len(), classes)?;
    match counts
        .iter()
        .try_fold(0u64, |all, &count| all.checked_add(count))
    {
        Some(..MOST_IMAGES) => Ok(()),
        _ => Err(ManifestError::invalid(
            "training.class_counts",
            format!("adds up to {MOST_IMAGES} or more, which nobody has trained on"),
        )),
    }
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
        data,
    } = calibration;
    is_text("calibration.data", data.as_deref())?;
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
            format!("is {expected_flag_rate}; it must be from 0 to 1"),
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
    if *count as u64 >= MOST_IMAGES {
        return Err(ManifestError::invalid(
            "calibration.count",
            format!("is {count}; it must be less than {MOST_IMAGES}"),
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
    let counts = per_class.iter().map(|class| class.count);
    let all = counts.fold(0usize, usize::saturating_add);
    match all == *count {
        true => Ok(()),
        false => Err(ManifestError::invalid(
            "calibration.per_class",
            format!("has counts that add up to {all}, not to the calibration.count of {count}"),
        )),
    }
}

/// Checks a text for replies, metrics and tables: one line that does nothing to the terminal it is shown on.
fn is_name(field: &str, text: &str) -> Check {
    match unfit(text) {
        Some(problem) => Err(ManifestError::invalid(field, problem)),
        None => Ok(()),
    }
}

/// Why a text cannot be the name of a model, a version or a class in a manifest: it is empty, is longer than 1,000
/// characters, or has control characters. `None` if it can.
pub fn unfit(text: &str) -> Option<String> {
    let length = text.chars().count();
    match text.chars().find(|&it| acts(it)) {
        _ if text.trim().is_empty() => Some("is empty".into()),
        Some(it) => Some(format!(
            "has the control character {it:?}; it must be printable"
        )),
        None if length > LONGEST_NAME => Some(format!(
            "has {length} characters; at most {LONGEST_NAME} are allowed"
        )),
        None => None,
    }
}

/// Whether a character could do something to a terminal. A tab does little, and Hebrew and Arabic names have marks of
/// direction.
fn acts(c: char) -> bool {
    misleads(c) && !matches!(c, '\t' | '\u{200e}' | '\u{200f}')
}

/// The first character of a text of several lines that could do something to a terminal.
pub(crate) fn control(text: &str) -> Option<char> {
    let mut all = text.chars();
    all.find(|&it| acts(it) && !it.is_ascii_whitespace())
}

/// Checks texts for people, which may have several lines.
fn is_text<'a>(field: &str, texts: impl IntoIterator<Item = &'a str>) -> Check {
    match texts.into_iter().find_map(control) {
        Some(it) => Err(ManifestError::invalid(
            field,
            format!("has the control character {it:?}; it must be printable"),
        )),
        None => Ok(()),
    }
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
