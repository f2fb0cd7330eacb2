//! What a fitted score has learnt, as it is stored in the model file.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::ash::Ash;
use super::fdbd::Fdbd;
use super::fit::{FitData, FitError};
use super::fusion::Fusion;
use super::knn::Knn;
use super::mahalanobis::Mahalanobis;
use super::nci::Nci;
use super::nnguide::Nnguide;
use super::react::React;
use super::relative_mahalanobis::RelativeMahalanobis;
use super::scale::Scale;
use super::vim::Vim;
use super::{Score, ScoreKind};
use crate::manifest::control;

/// The key in the ONNX file's `metadata_props`, beside the manifest's.
pub const METADATA_KEY: &str = "normgate.fitted";

/// The layout that this Normgate writes, and the newest it reads.
const VERSION: u32 = 1;

/// A score with what it learnt from training images: ready to be computed, and to be written into the model file.
///
/// In the file it is a JSON document in which lists of numbers are base64 of little-endian f32, since ONNX metadata
/// is text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fitted {
    version: u32,
    /// The number of images that it was fitted to.
    pub images: usize,
    /// What those images were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    score: Parameters,
}

/// A score that learns from training images.
pub(super) trait Learned: Score {
    /// Whether what it learnt is complete, and is for a model with this many classes and values in a representation
    /// (neither of them 0). The file may come from anyone.
    fn fits(&self, classes: usize, size: usize) -> bool;
}

/// An enum of the fitted scores, each under its name in the manifest, and what is done with any of them.
macro_rules! parameters {
    ($($score:ident),* $(,)?) => {
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        enum Parameters {
            $($score($score)),*
        }

        impl Parameters {
            fn fit(kind: ScoreKind, data: &FitData<'_>) -> Result<Self, FitError> {
                match kind {
                    $(ScoreKind::$score => $score::fit(data).map(Self::$score),)*
                    _ => Err(FitError::NothingToFit { score: kind }),
                }
            }

            fn score(&self) -> &dyn Learned {
                match self {
                    $(Self::$score(score) => score),*
                }
            }
        }
    };
}

parameters! {
    Mahalanobis,
    RelativeMahalanobis,
    Vim,
    Knn,
    Fdbd,
    React,
    Ash,
    Scale,
    Nnguide,
    Nci,
    Fusion,
}

/// Why what a score learnt could not be used with its model.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FittedError {
    /// The manifest asks for a fitted score, but the file has none.
    #[error(
        "the score {score} is fitted to training images, but the file lacks what it learnt: run \
         `normgate calibrate --score {score} --fit-data SET` on it"
    )]
    Missing {
        /// The manifest's score.
        score: ScoreKind,
    },
    /// The file holds what another score learnt.
    #[error(
        "the file holds what the score {found} learnt, but its manifest asks for {score}: \
         calibrate the model again with --score, and with --fit-data if that score is fitted"
    )]
    OtherScore {
        /// The manifest's score.
        score: ScoreKind,
        /// The one found.
        found: ScoreKind,
    },
    /// It is not a valid document.
    #[error("what the score learnt cannot be read: {source}")]
    NotJson {
        /// Where and why the parser stopped.
        source: serde_json::Error,
    },
    /// It could not be turned into JSON.
    #[error("what the score learnt could not be written as JSON: {source}")]
    Unwritable {
        /// The serialiser's reason.
        source: serde_json::Error,
    },
    /// It was made by a newer Normgate.
    #[error(
        "what the score learnt is of version {found}, made by a newer Normgate; this one reads \
         version {VERSION}. Update Normgate, or run `normgate calibrate --score SCORE --fit-data SET` on it"
    )]
    Newer {
        /// The version found.
        found: u64,
    },
    /// The name of its images is not printable.
    #[error("what the score learnt names its images with the control character {control:?}")]
    Unprintable {
        /// The first such character.
        control: char,
    },
    /// Its lists do not have the lengths that this model's classes and representations require.
    #[error(
        "what the score {score} learnt is damaged, or not of a model with {classes} classes and \
         representations of {size} values: run `normgate calibrate --score {score} --fit-data SET` \
         on it"
    )]
    Misfit {
        /// The score.
        score: ScoreKind,
        /// The number of classes of the model.
        classes: usize,
        /// Length of its representations.
        size: usize,
    },
}

impl Fitted {
    /// Fits a score to training images; `name` says which images they are.
    ///
    /// # Errors
    /// [`FitError`].
    pub fn fit(
        score: ScoreKind,
        data: &FitData<'_>,
        name: Option<String>,
    ) -> Result<Self, FitError> {
        Ok(Self {
            version: VERSION,
            images: data.count(),
            data: name,
            score: Parameters::fit(score, data)?,
        })
    }

    /// Reads what a model file holds for its score.
    fn read(
        text: &str,
        score: ScoreKind,
        classes: usize,
        size: usize,
    ) -> Result<Self, FittedError> {
        // Read before the rest, which a newer Normgate may write differently.
        #[derive(Deserialize)]
        struct Version {
            version: u64,
        }
        let not_json = |source| FittedError::NotJson { source };
        let Version { version } = serde_json::from_str(text).map_err(not_json)?;
        if version > u64::from(VERSION) {
            return Err(FittedError::Newer { found: version });
        }
        let fitted: Self = serde_json::from_str(text).map_err(not_json)?;
        if fitted.kind() != score {
            let found = fitted.kind();
            return Err(FittedError::OtherScore { score, found });
        }
        if let Some(control) = fitted.data.as_deref().and_then(control) {
            return Err(FittedError::Unprintable { control });
        }
        match fitted.score.score().fits(classes, size) {
            true => Ok(fitted),
            false => Err(FittedError::Misfit {
                score,
                classes,
                size,
            }),
        }
    }

    /// The document for the model file.
    pub(crate) fn write(&self) -> Result<String, FittedError> {
        serde_json::to_string(self).map_err(|source| FittedError::Unwritable { source })
    }
}

/// A score ready to be computed, and what it learnt, if it is a fitted one.
pub(crate) type Ready = (Arc<dyn Score>, Option<Arc<Fitted>>);

/// The score that a model file asks for, from what the file holds for it.
pub(crate) fn ready(
    score: ScoreKind,
    learnt: Option<&str>,
    (classes, size): (usize, usize),
) -> Result<Ready, FittedError> {
    match (learnt, score.unfitted()) {
        (Some(text), _) => {
            let fitted = Arc::new(Fitted::read(text, score, classes, size)?);
            Ok((Arc::clone(&fitted) as Arc<dyn Score>, Some(fitted)))
        }
        (None, Some(unfitted)) => Ok((unfitted, None)),
        (None, None) => Err(FittedError::Missing { score }),
    }
}

impl Score for Fitted {
    fn kind(&self) -> ScoreKind {
        self.score.score().kind()
    }

    fn score(&self, logits: &[f32], representation: &[f32]) -> f32 {
        self.score.score().score(logits, representation)
    }
}
