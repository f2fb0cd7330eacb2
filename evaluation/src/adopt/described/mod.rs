//! Preprocessing as other tools describe it: Hugging Face's `preprocessor_config.json`, and timm's `config.json`.
//!
//! Whatever is unknown, missing or cannot be followed exactly is refused: a model whose images are not prepared as in
//! training answers wrongly, and nothing shows it.

mod hugging_face;
#[cfg(test)]
mod tests;
mod timm;

use std::fs;
use std::path::Path;

use normgate_core::manifest::{Filter, Resize};
use serde::Deserialize;
use serde_json::Value;

use super::AdoptError;
use super::options::{Normalisation, Size};
use hugging_face::HuggingFace;
use timm::Timm;

/// What such a file says.
#[derive(Clone, Debug, PartialEq)]
pub struct Described {
    /// Size of the model's image.
    pub size: Size,
    pub resize: Resize,
    /// `None` if the file does not say.
    pub filter: Option<Filter>,
    pub normalise: Normalisation,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(untagged, expecting = "expected a number, or a list of three")]
enum Channels {
    One(f64),
    Each([f64; 3]),
}

/// Reads the file, whichever of the two tools wrote it; `filter`, if given, overrides the file's own.
pub(super) fn read(path: &Path, filter: Option<Filter>) -> Result<Described, AdoptError> {
    let told = |reason: String| AdoptError::Preprocessing {
        path: path.into(),
        reason,
    };
    let text =
        fs::read_to_string(path).map_err(|error| told(format!("it cannot be read: {error}")))?;
    let described = of(&text).map_err(told)?;
    let filter = filter.or(described.filter);
    if filter.is_none() {
        return Err(AdoptError::NoFilter { path: path.into() });
    }
    Ok(Described {
        filter,
        ..described
    })
}

fn of(text: &str) -> Result<Described, String> {
    let value: Value =
        serde_json::from_str(text).map_err(|error| format!("it is not JSON: {error}"))?;
    if let Some(timm) = value.get("pretrained_cfg") {
        return read_as::<Timm>(timm)?.described();
    }
    if value.get("input_size").is_some() {
        return read_as::<Timm>(&value)?.described();
    }
    if value.get("size").is_none() {
        return Err(
            "it says nothing about preprocessing: expected Hugging Face's preprocessor_config.json, \
             or timm's config.json"
                .into(),
        );
    }
    read_as::<HuggingFace>(&value)?.described()
}

/// The document as a type; an error names the setting that is wrong.
fn read_as<'a, T: Deserialize<'a>>(value: &'a Value) -> Result<T, String> {
    let read = serde_path_to_error::deserialize(value);
    read.map_err(|error| format!("it is not as expected: {error}"))
}

/// A shorter side enlarged so that this share of it is the model's image.
fn enlarged(side: u32, share: f64) -> Result<u32, String> {
    match share > 0.0 && share <= 1.0 {
        true => Ok((f64::from(side) / share) as u32),
        false => Err(format!(
            "its crop_pct is {share}, but must be above 0 and at most 1"
        )),
    }
}

/// `(scale · x − mean) / std` of bytes, in terms of pixels in 0..1.
fn normalisation(mean: Channels, std: Channels, scale: f64) -> Result<Normalisation, String> {
    let whole = 255.0 * scale;
    // A factor of 1/255 is written with more or fewer digits.
    let whole = if (whole - 1.0).abs() < 1e-3 {
        1.0
    } else {
        whole
    };
    let of = |channels| match channels {
        Channels::One(value) => [(value / whole) as f32; 3],
        Channels::Each(values) => values.map(|value| (value / whole) as f32),
    };
    let [mean, std] = [mean, std].map(of);
    let is_usable =
        mean.iter().all(|it| it.is_finite()) && std.iter().all(|it| it.is_finite() && *it > 0.0);
    match is_usable {
        true => Ok(Normalisation { mean, std }),
        false => Err(
            "its mean, deviation (std) and rescale_factor must be finite, the latter two above 0"
                .into(),
        ),
    }
}
