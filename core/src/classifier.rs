//! The one place where a model's output becomes an answer, and where it is decided whether the image is flagged.

use std::sync::Arc;

use thiserror::Error;

use crate::calibration::Calibration;
use crate::manifest::Manifest;
use crate::model::Model;
use crate::scores::{Score, ScoreKind, softmax};

/// Turns a model's output for an image into a [`Classification`], as the model's manifest says.
#[derive(Clone)]
pub struct Classifier {
    manifest: Arc<Manifest>,
    calibration: Arc<Calibration>,
    score: Arc<dyn Score>,
}

/// What a model says about one image, and how far that can be relied on.
#[derive(Clone, Debug, PartialEq)]
pub struct Classification {
    /// Index of the most probable class; the first of them if there are several.
    pub class_index: usize,
    /// The softmax probability of that class, in 0..=1.
    pub confidence: f32,
    /// The softmax probability of every class, in the order of the labels.
    pub probabilities: Vec<f32>,
    /// The OOD score, larger = more OOD.
    pub score: f32,
    /// The threshold that applies: the predicted class's own, if the calibration has one.
    pub threshold: f64,
    /// The conformal p-value of the score, in 0..=1: how usual it is among ID images. `None` if the predicted classes
    /// have thresholds of their own: a p-value counts images of all classes, and would contradict them.
    pub p_value: Option<f64>,
    /// Whether the score is above the threshold: the image is unlike what the model was trained on.
    pub is_ood: bool,
}

/// The model has no threshold yet.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "the model {name} {version} is not calibrated, so it has no threshold to flag images by: run \
     `normgate calibrate` on images of its classes that it was not trained on"
)]
pub struct NotCalibrated {
    /// Name of the model.
    pub name: String,
    /// Version of the model.
    pub version: String,
}

/// Why a model's output allows no answer.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum ClassifyError {
    /// An output does not have the length that the manifest says.
    #[error("the model's output `{output}` has {found} values; the manifest says {expected}")]
    WrongLength {
        /// Name of the output.
        output: &'static str,
        /// The number of values that the manifest says.
        expected: usize,
        /// The number of values found.
        found: usize,
    },
    /// An output holds NaN or an infinity.
    #[error(
        "the model's output `{output}` is {value} at index {index}: the model is broken, or its \
         weights overflow for this image"
    )]
    NotFinite {
        /// Name of the output.
        output: &'static str,
        /// The index of the value.
        index: usize,
        /// The value found.
        value: f32,
    },
    /// The outputs are finite, but so large that their score is not.
    #[error("the score {score} of the model's output is {value}: its values are too large")]
    ScoreNotFinite {
        /// The score.
        score: ScoreKind,
        /// The value found.
        value: f32,
    },
}

impl Classifier {
    /// A classifier for the model's answers.
    ///
    /// # Errors
    /// [`NotCalibrated`] if the model has no threshold.
    pub fn new(model: &Model) -> Result<Self, NotCalibrated> {
        let manifest = Arc::clone(model.manifest());
        Ok(Self {
            calibration: Arc::new(manifest.calibrated()?.clone()),
            score: Arc::clone(model.score()),
            manifest,
        })
    }

    /// The manifest it decides by.
    pub fn manifest(&self) -> &Arc<Manifest> {
        &self.manifest
    }

    /// The answer for one image, from its logits (one for each class) and its representation.
    ///
    /// # Errors
    /// [`ClassifyError`] if they do not have the lengths that the manifest says, or if they or the score are not
    /// finite.
    pub fn classify(
        &self,
        logits: &[f32],
        representation: &[f32],
    ) -> Result<Classification, ClassifyError> {
        check("logits", logits, self.manifest.labels.len())?;
        check(
            "representation",
            representation,
            self.manifest.representation_size,
        )?;
        let score = self.score.score(logits, representation);
        if !score.is_finite() {
            return Err(ClassifyError::ScoreNotFinite {
                score: self.score.kind(),
                value: score,
            });
        }
        // Not from the probabilities: rounding can make those of nearly equal logits equal.
        let class_index = argmax(logits);
        let probabilities = softmax(logits);
        Ok(Classification {
            class_index,
            confidence: probabilities[class_index],
            probabilities,
            score,
            threshold: self.calibration.threshold_for(class_index),
            p_value: match self.calibration.per_class {
                None => Some(self.calibration.p_value(score)),
                Some(_) => None,
            },
            is_ood: self.calibration.is_ood(score, class_index),
        })
    }
}

/// Index of the largest value, the first of them if there are several: the class that a model's logits name.
pub fn argmax(values: &[f32]) -> usize {
    let mut best = 0;
    for (index, value) in values.iter().enumerate() {
        if *value > values[best] {
            best = index;
        }
    }
    best
}

fn check(output: &'static str, values: &[f32], expected: usize) -> Result<(), ClassifyError> {
    if values.len() != expected {
        return Err(ClassifyError::WrongLength {
            output,
            expected,
            found: values.len(),
        });
    }
    match values.iter().position(|value| !value.is_finite()) {
        Some(index) => Err(ClassifyError::NotFinite {
            output,
            index,
            value: values[index],
        }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calibration::ClassThreshold;
    use crate::test_models::{Variant, manifest};

    fn classifier() -> Classifier {
        Classifier::new(&Variant::default().model()).unwrap()
    }

    fn with(manifest: Manifest) -> Result<Classifier, NotCalibrated> {
        Classifier::new(&Variant::default().model().with_manifest(manifest).unwrap())
    }

    #[test]
    fn a_familiar_image_gets_its_label_and_is_not_flagged() {
        let answer = classifier()
            .classify(&[0.0, 2.0, 1.0], &[3.0, 4.0])
            .unwrap();
        assert_eq!(answer.class_index, 1);
        assert_eq!(answer.score, -5.0);
        assert!(!answer.is_ood);
        // exp(2) / (exp(0) + exp(2) + exp(1))
        assert!((answer.confidence - 0.665_240_96).abs() < 1e-6);
        assert_eq!(answer.confidence, answer.probabilities[1]);
        // Below all 40 calibration scores: (1 + 40) / (40 + 1).
        assert_eq!(answer.p_value, Some(1.0));
    }

    #[test]
    fn a_vanishing_representation_is_flagged() {
        let answer = classifier()
            .classify(&[0.0, 2.0, 1.0], &[0.0, 0.0])
            .unwrap();
        assert!(answer.is_ood && f64::from(answer.score) > answer.threshold);
        // Above all 40: 1 / (40 + 1).
        assert!((answer.p_value.unwrap() - 1.0 / 41.0).abs() < 1e-12);
    }

    #[test]
    fn the_predicted_class_s_own_threshold_decides_and_no_p_value_of_all_classes_contradicts_it() {
        let mut manifest = manifest();
        let thresholds = [(20, -6.0), (10, -1.0), (10, -6.0)];
        let thresholds = thresholds.map(|(count, threshold)| ClassThreshold { count, threshold });
        manifest.calibration.as_mut().unwrap().per_class = Some(thresholds.into());
        let classifier = with(manifest).unwrap();
        let answer = |logits| classifier.classify(logits, &[3.0, 4.0]).unwrap();
        assert!(answer(&[1.0, 0.0, 0.0]).is_ood);
        assert!(!answer(&[0.0, 1.0, 0.0]).is_ood);
        assert_eq!(answer(&[1.0, 0.0, 0.0]).p_value, None);
    }

    #[test]
    fn of_equal_logits_the_first_is_predicted() {
        let answer = classifier()
            .classify(&[0.5, 1.5, 1.5], &[1.0, 0.0])
            .unwrap();
        assert_eq!(answer.class_index, 1);
    }

    #[test]
    fn classes_too_sure_to_differ_in_probability_still_differ_in_rank() {
        let answer = classifier()
            .classify(&[40.0, 40.000_004, 0.0], &[1.0, 0.0])
            .unwrap();
        assert_eq!(answer.class_index, 1);
    }

    #[test]
    fn output_that_is_not_finite_is_an_error_and_not_an_answer() {
        let classifier = classifier();
        let error = classifier
            .classify(&[0.0, f32::NAN, 0.0], &[1.0, 1.0])
            .unwrap_err();
        assert!(matches!(
            error,
            ClassifyError::NotFinite {
                output: "logits",
                index: 1,
                ..
            }
        ));
        let error = classifier
            .classify(&[0.0; 3], &[1.0, f32::INFINITY])
            .unwrap_err();
        assert!(
            error
                .to_string()
                .contains("`representation` is inf at index 1"),
            "{error}"
        );
    }

    #[test]
    fn output_of_the_wrong_length_is_an_error() {
        let error = classifier().classify(&[0.0; 2], &[1.0, 1.0]).unwrap_err();
        assert_eq!(
            error,
            ClassifyError::WrongLength {
                output: "logits",
                expected: 3,
                found: 2
            }
        );
        classifier().classify(&[0.0; 3], &[]).unwrap_err();
    }

    #[test]
    fn a_model_without_a_calibration_makes_no_classifier() {
        let mut manifest = manifest();
        manifest.calibration = None;
        let message = with(manifest).err().unwrap().to_string();
        assert!(message.contains("tiny 1"), "{message}");
        assert!(message.contains("normgate calibrate"), "{message}");
    }
}
