//! The manifest: what a model file says about itself, as one JSON document in the ONNX metadata.
//!
//! Labels, preprocessing, score and calibration travel inside the model, so that nothing can be
//! served with another model's threshold.

mod error;
mod preprocessing;
mod validate;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use error::ManifestError;
pub use preprocessing::{Filter, Preprocessing, Resize};
pub(crate) use validate::control;
pub use validate::unfit;

use crate::calibration::Calibration;
use crate::classifier::NotCalibrated;
use crate::scores::ScoreKind;

/// The version of the manifest's layout that this Normgate writes, and the newest it reads.
///
/// Adding fields does not raise it (readers ignore what they do not know). It is raised when an older reader would
/// misunderstand a file.
pub const SCHEMA_VERSION: u32 = 1;

/// The key of the manifest in the ONNX file's `metadata_props`.
pub const METADATA_KEY: &str = "normgate.manifest";

/// All that is needed to use a model, besides its weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The layout's version, see [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The model's name, as replies and metrics show it: printable, at most 1,000 characters.
    pub name: String,
    /// The model's version, as free text; printable, as the name is.
    pub version: String,
    /// What the model is, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The name of each class, in the order of the logits: at least two, printable as the name is. Names may repeat
    /// (ImageNet has two kinds of `crane`); the index tells such classes apart.
    pub labels: Vec<String>,
    /// Length of the penultimate representation, the second output of the model: 1 to 2²⁰.
    pub representation_size: usize,
    /// How an image becomes the model's input.
    pub preprocessing: Preprocessing,
    /// The OOD score that the calibration belongs to.
    pub score: ScoreKind,
    /// The threshold and what it was derived from. `None` if the model was exported but not calibrated; such a model
    /// cannot be served.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration: Option<Calibration>,
    /// How the model was trained, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training: Option<TrainingRecord>,
    /// What the model was quantised from, if it is an int8 model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantization: Option<QuantizationRecord>,
}

/// How an int8 model came from an fp32 one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QuantizationRecord {
    /// SHA-256 of the fp32 model's file.
    pub of: String,
    /// How the ranges of the values between the layers were chosen, for example `mse`.
    pub range: String,
    /// The percentile, if the ranges were chosen by one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percentile: Option<f64>,
    /// The number of images that the ranges were read from.
    pub images: usize,
    /// What those images were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// Layers that stayed fp32, for example `last`.
    #[serde(default)]
    pub keep_fp32: Vec<String>,
    /// Whether weights have only 7 bits.
    #[serde(default)]
    pub reduce_range: bool,
}

/// How a model was trained: enough to train it again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrainingRecord {
    /// The training method, for example `rna` or `ce`.
    pub method: String,
    /// The number of training images of each class, in the order of the labels.
    pub class_counts: Vec<u64>,
    /// The command line that trained the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// The seed of all randomness.
    pub seed: u64,
    /// The number of epochs trained.
    pub epochs: u32,
    /// Names of the labelled (ID) image sets.
    pub data: Vec<String>,
    /// Names of the auxiliary (OOD) image sets; empty if the method needs none.
    #[serde(default)]
    pub auxiliary: Vec<String>,
}

impl Manifest {
    /// Reads and validates a manifest.
    ///
    /// The schema version is checked first, so that a file from a newer Normgate is reported as such, not as a
    /// puzzling error in one of its fields.
    ///
    /// # Errors
    /// [`ManifestError`], which names the field, unless the text is not JSON.
    pub fn from_json(json: &str) -> Result<Self, ManifestError> {
        let document: serde_json::Value =
            serde_json::from_str(json).map_err(|source| ManifestError::NotJson { source })?;
        validate::schema_version(&document)?;
        let manifest: Self =
            serde_path_to_error::deserialize(&mut serde_json::Deserializer::from_str(json))
                .map_err(ManifestError::from_serde)?;
        manifest.validate()?;
        Ok(manifest)
    }

    /// Validates the manifest and writes it as one line of JSON.
    ///
    /// # Errors
    /// As [`validate`](Self::validate).
    pub fn to_json(&self) -> Result<String, ManifestError> {
        self.validate()?;
        serde_json::to_string(self).map_err(|source| ManifestError::Unwritable { source })
    }

    /// Name and version, as messages show them.
    pub fn title(&self) -> String {
        format!("{} {}", self.name, self.version)
    }

    /// The calibration.
    ///
    /// # Errors
    /// [`NotCalibrated`], which says what to do.
    pub fn calibrated(&self) -> Result<&Calibration, NotCalibrated> {
        self.calibration.as_ref().ok_or_else(|| NotCalibrated {
            name: self.name.clone(),
            version: self.version.clone(),
        })
    }

    /// Checks every field against its range and against the others.
    ///
    /// # Errors
    /// [`ManifestError`], which names the field.
    pub fn validate(&self) -> Result<(), ManifestError> {
        validate::manifest(self)
    }
}
