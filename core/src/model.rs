//! A model file in memory: its bytes, its manifest and its digest.

mod file;
#[cfg(test)]
mod tests;

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};
use thiserror::Error;

use file::check_size;
pub use file::read_file;

use crate::manifest::{METADATA_KEY, Manifest, ManifestError};
use crate::onnx::{self, LastLayer, LastLayerError, OnnxError};
use crate::runtime::{LOGITS, REPRESENTATION};
use crate::scores::{self, Fitted, FittedError, RepresentationNorm, Score, ScoreKind};

/// What to do if what the score learnt is missing or cannot be used.
#[derive(Clone, Copy)]
enum Learnt {
    /// Report an error.
    Needed,
    /// Go on without it: the model is to get another score.
    Replaced,
}

/// An ONNX model with a valid manifest, all that its score needs, and no external data.
///
/// Whether it can be run shows only when a [`Session`](crate::runtime::Session) is made of it.
#[derive(Clone)]
pub struct Model {
    bytes: Arc<[u8]>,
    manifest: Arc<Manifest>,
    score: Arc<dyn Score>,
    fitted: Option<Arc<Fitted>>,
    digest: String,
    origin: String,
}

/// Why a model file could not be read or written. Each message names the file.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ModelError {
    /// No such file.
    #[error("there is no model file {}: check the path", path.display())]
    Missing {
        /// The path asked for.
        path: PathBuf,
    },
    /// The path names a directory or a device.
    #[error("{} is not a file: give the path of the .onnx file itself", path.display())]
    NotAFile {
        /// The path asked for.
        path: PathBuf,
    },
    /// The manifest names another score, but still has the threshold of the old one.
    #[error(
        "{origin}: the threshold is one for the score {found}, not for {score}: calibrate the model again, or \
         leave the calibration out"
    )]
    ThresholdOfAnotherScore {
        /// The model.
        origin: String,
        /// The manifest's score.
        score: ScoreKind,
        /// The score that was calibrated.
        found: ScoreKind,
    },
    /// The file is too short to be a model.
    #[error(
        "the model file {origin} has only {bytes} bytes, too few for any model: copy or export \
         it again"
    )]
    TooSmall {
        /// The file.
        origin: String,
        /// Its size.
        bytes: u64,
    },
    /// The file is larger than one ONNX file can be.
    #[error("the model file {origin} has {bytes} bytes, more than the 2 GiB of an ONNX file")]
    TooLarge {
        /// The file.
        origin: String,
        /// Its size.
        bytes: u64,
    },
    /// The file could not be read.
    #[error("the model file {} could not be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The file could not be written.
    #[error("the model file {} could not be written: {source}", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The file is not an ONNX model, is a damaged one, or keeps data in other files.
    #[error("{origin}: {source}")]
    Onnx {
        /// The file.
        origin: String,
        /// What is wrong with it.
        source: OnnxError,
    },
    /// The ONNX model was not made for Normgate.
    #[error(
        "the ONNX model {origin} has no Normgate manifest (labels, preprocessing, score), so it \
         cannot be used: `normgate adopt` gives one to a classifier trained elsewhere"
    )]
    NoManifest {
        /// The file.
        origin: String,
    },
    /// The model's manifest is invalid.
    #[error("the manifest of {origin} is invalid: {source}")]
    Manifest {
        /// The file.
        origin: String,
        /// The field, and what is wrong with it.
        source: ManifestError,
    },
    /// What the model's score learnt is missing or invalid.
    #[error("{origin}: {source}")]
    Fitted {
        /// The file.
        origin: String,
        /// What is wrong with it.
        source: FittedError,
    },
}

impl Model {
    /// Reads a model file.
    ///
    /// # Errors
    /// [`ModelError`].
    pub fn open(path: &Path) -> Result<Self, ModelError> {
        Self::read(path, Learnt::Needed)
    }

    /// Reads a model file that is to get another score.
    ///
    /// If what its own score learnt is missing or cannot be used, the model comes uncalibrated, with the
    /// representation norm.
    ///
    /// # Errors
    /// [`ModelError`] for anything else.
    pub fn open_for_another_score(path: &Path) -> Result<Self, ModelError> {
        Self::read(path, Learnt::Replaced)
    }

    fn read(path: &Path, learnt: Learnt) -> Result<Self, ModelError> {
        let bytes = read_file(path)?;
        let origin = path.display().to_string();
        Self::parse(bytes, &origin, learnt)
    }

    /// Makes a model of a file's bytes.
    ///
    /// # Errors
    /// As [`open`](Self::open), except those about the file itself.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, ModelError> {
        Self::parse(bytes, "(in memory)", Learnt::Needed)
    }

    /// The same model, made from this file: messages then name it.
    #[must_use]
    pub fn made_from(self, path: &Path) -> Self {
        Self {
            origin: path.display().to_string(),
            ..self
        }
    }

    fn parse(bytes: Vec<u8>, origin: &str, learnt: Learnt) -> Result<Self, ModelError> {
        let onnx_error = |source| ModelError::Onnx {
            origin: origin.into(),
            source,
        };
        check_size(bytes.len() as u64, || origin.into())?;
        onnx::refuse_external_data(&bytes).map_err(onnx_error)?;
        let json = onnx::read_metadata(&bytes, METADATA_KEY).map_err(onnx_error)?;
        let Some(json) = json else {
            return Err(ModelError::NoManifest {
                origin: origin.into(),
            });
        };
        let mut manifest = Manifest::from_json(&json).map_err(|source| ModelError::Manifest {
            origin: origin.into(),
            source,
        })?;
        let found = onnx::read_metadata(&bytes, scores::METADATA_KEY).map_err(onnx_error)?;
        let lengths = (manifest.labels.len(), manifest.representation_size);
        let ready = scores::ready(manifest.score, found.as_deref(), lengths);
        let (score, fitted) = match (ready, learnt) {
            (Ok(ready), _) => ready,
            (Err(_), Learnt::Replaced) => {
                manifest.score = ScoreKind::RepresentationNorm;
                manifest.calibration = None;
                (Arc::new(RepresentationNorm) as Arc<dyn Score>, None)
            }
            (Err(source), Learnt::Needed) => {
                return Err(ModelError::Fitted {
                    origin: origin.into(),
                    source,
                });
            }
        };
        Ok(Self {
            digest: hex(&Sha256::digest(&bytes)),
            bytes: bytes.into(),
            manifest: Arc::new(manifest),
            score,
            fitted,
            origin: origin.into(),
        })
    }

    /// What the model says about itself.
    pub fn manifest(&self) -> &Arc<Manifest> {
        &self.manifest
    }

    /// Name and version, as messages show them.
    pub fn title(&self) -> String {
        self.manifest.title()
    }

    /// The file that the model was read from. For a model made in memory: its name and version, or `(in memory)`.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The whole file.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// SHA-256 of the whole file, manifest included, in lower-case hexadecimal.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// What its score learnt from training images, if it is a fitted one.
    pub fn fitted(&self) -> Option<&Arc<Fitted>> {
        self.fitted.as_ref()
    }

    /// The score that it is served with, ready to be computed.
    pub fn score(&self) -> &Arc<dyn Score> {
        &self.score
    }

    /// The layer between representation and logits, read from the graph.
    ///
    /// # Errors
    /// [`LastLayerError`] if the logits do not come from a linear layer that can be read.
    pub fn last_layer(&self) -> Result<LastLayer, LastLayerError> {
        let manifest = &self.manifest;
        let lengths = (manifest.labels.len(), manifest.representation_size);
        onnx::last_layer(&self.bytes, (LOGITS, REPRESENTATION), lengths)
    }

    /// The same graph with another manifest, for example a calibrated one, and the same fitted score.
    ///
    /// # Errors
    /// As [`with_score`](Self::with_score).
    pub fn with_manifest(&self, manifest: Manifest) -> Result<Self, ModelError> {
        self.with_score(manifest, self.fitted.as_deref())
    }

    /// The same graph with another manifest, and with what its score learnt: `None` for a score that is not fitted.
    ///
    /// # Errors
    /// [`ModelError::ThresholdOfAnotherScore`] if the score is another one but the calibration is still the old
    /// one's; [`ModelError::Manifest`] if the manifest is not valid; [`ModelError::Fitted`] if `fitted` is missing or
    /// belongs to another score; and what [`from_bytes`](Self::from_bytes) finds in the file.
    pub fn with_score(
        &self,
        manifest: Manifest,
        fitted: Option<&Fitted>,
    ) -> Result<Self, ModelError> {
        let origin = manifest.title();
        let has_old_threshold =
            manifest.calibration.is_some() && manifest.calibration == self.manifest.calibration;
        if manifest.score != self.manifest.score && has_old_threshold {
            return Err(ModelError::ThresholdOfAnotherScore {
                origin,
                score: manifest.score,
                found: self.manifest.score,
            });
        }
        let json = manifest.to_json().map_err(|source| ModelError::Manifest {
            origin: origin.clone(),
            source,
        })?;
        let onnx_error = |source| ModelError::Onnx {
            origin: origin.clone(),
            source,
        };
        let bytes = onnx::write_metadata(&self.bytes, METADATA_KEY, &json).map_err(onnx_error)?;
        let bytes = match fitted.map(Fitted::write).transpose() {
            Ok(Some(learnt)) => onnx::write_metadata(&bytes, scores::METADATA_KEY, &learnt),
            Ok(None) => onnx::remove_metadata(&bytes, scores::METADATA_KEY),
            Err(source) => return Err(ModelError::Fitted { origin, source }),
        };
        Self::parse(bytes.map_err(onnx_error)?, &origin, Learnt::Needed)
    }

    /// Writes the model file. Readers see the old file or the whole new one, never a part.
    ///
    /// It gets the permissions of the file that it replaces, and its owner and group as far as the system allows; a
    /// link to a file stays a link.
    ///
    /// # Errors
    /// [`ModelError::Unwritable`].
    pub fn save(&self, path: &Path) -> Result<(), ModelError> {
        let real = path.canonicalize();
        self.write_beside_and_rename(real.as_deref().unwrap_or(path))
            .map_err(|source| ModelError::Unwritable {
                path: path.into(),
                source,
            })
    }

    fn write_beside_and_rename(&self, path: &Path) -> io::Result<()> {
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let mut builder = tempfile::Builder::new();
        builder.prefix(".model-").suffix(".tmp");
        // A temporary file is private by default, but the server's user must be able to read a model.
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            builder.permissions(fs::Permissions::from_mode(0o666));
        }
        let mut file = builder.tempfile_in(folder)?;
        if let Ok(old) = fs::metadata(path) {
            // Whoever can read the old file must be able to read the new one. Owner and group come first, since the
            // permissions may exclude everybody else.
            #[cfg(unix)]
            {
                use std::os::unix::fs::{MetadataExt, fchown};
                let (owner, group) = (Some(old.uid()), Some(old.gid()));
                // Only root may give files away; setting the group is often enough.
                let _ = fchown(&file, owner, group).or_else(|_| fchown(&file, None, group));
            }
            file.as_file().set_permissions(old.permissions())?;
        }
        file.write_all(&self.bytes)?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
        // The rename itself must reach the disk; not every file system offers that.
        if let Ok(folder) = File::open(folder) {
            let _ = folder.sync_all();
        }
        Ok(())
    }
}

/// Bytes in hexadecimal digits, two each.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
