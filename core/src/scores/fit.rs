//! What a score is fitted to.

use thiserror::Error;

use super::ScoreKind;
use crate::onnx::{LastLayer, LastLayerError};

/// What a model answered for training images of its own classes, and its last layer.
///
/// Every fitted score takes what it needs from this.
#[derive(Clone, Debug)]
pub struct FitData<'a> {
    logits: &'a [f32],
    representation: &'a [f32],
    labels: &'a [usize],
    classes: usize,
    size: usize,
    last_layer: Result<LastLayer, LastLayerError>,
}

/// Why a score could not be fitted.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FitError {
    /// The lists are not of the same number of images.
    #[error(
        "{labels} labels, {logits} logits and {representation} values of representations do not \
         belong to the same images of {classes} classes and {size} values"
    )]
    Lengths {
        /// The number of labels given.
        labels: usize,
        /// The number of logits given.
        logits: usize,
        /// The number of values of representations given.
        representation: usize,
        /// The number of classes of the model.
        classes: usize,
        /// Length of a representation.
        size: usize,
    },
    /// There are too few images.
    #[error("{images} images are too few to fit a score to: give the training images")]
    TooFew {
        /// The number of images given.
        images: usize,
    },
    /// A label is not a class of the model.
    #[error(
        "image {index} (counted from 0) has the label {label}, but the model has {classes} classes"
    )]
    Label {
        /// The image.
        index: usize,
        /// Its label.
        label: usize,
        /// The number of classes of the model.
        classes: usize,
    },
    /// A logit or a value of a representation is NaN or infinite.
    #[error(
        "the model's output for image {index} (counted from 0) is not finite: check that image"
    )]
    Output {
        /// The image.
        index: usize,
    },
    /// The last layer does not fit the classes and representations.
    #[error(
        "the last layer has {weights} weights and {bias} biases; {classes} classes and representations of {size} \
         values need {classes} times {size} and {classes}, all finite"
    )]
    Misfit {
        /// The number of weights given.
        weights: usize,
        /// The number of biases given.
        bias: usize,
        /// The number of classes of the model.
        classes: usize,
        /// Length of a representation.
        size: usize,
    },
    /// The score is for activations from 0 up, and one is below 0.
    #[error(
        "{score} cannot be fitted: it is made for activations from 0 up, as they are behind a ReLU, and image \
         {index} (counted from 0) has one below"
    )]
    NegativeActivation {
        /// The score.
        score: ScoreKind,
        /// The image.
        index: usize,
    },
    /// The score needs images of every class, and one class has none.
    #[error(
        "{score} needs images of every class, but there is none of class {class} (counted from 0)"
    )]
    ClassWithoutImages {
        /// The score.
        score: ScoreKind,
        /// The class.
        class: usize,
    },
    /// The score needs the last layer's weights, which could not be read.
    #[error("{score} needs the weights of the model's last layer: {source}")]
    LastLayer {
        /// The score.
        score: ScoreKind,
        /// Why it could not be read.
        source: LastLayerError,
    },
    /// The representations differ too little, or in too few directions.
    #[error(
        "{score} cannot be fitted: the representations of the images do not differ enough. Is the \
         model trained?"
    )]
    Degenerate {
        /// The score.
        score: ScoreKind,
    },
    /// The score needs the representation's norm, which is always the same.
    #[error(
        "{score} cannot be fitted: the representations of the images all have the same norm, as a \
         normalised (cosine) head gives them. Use a score that does not depend on it: energy, \
         max-logit, knn …"
    )]
    ConstantNorm {
        /// The score.
        score: ScoreKind,
    },
    /// The score relies on logits above 0, but the largest ones are not above 0 on average.
    #[error("{score} cannot be fitted: the images' largest logits are not above 0 on average")]
    NoPositiveLogits {
        /// The score.
        score: ScoreKind,
    },
    /// The score relies on energies below 0, but they are not on average.
    #[error(
        "{score} cannot be fitted: the images' confidence, log Σ exp z, is not above 0 on average \
         (a model of many sigmoids?)"
    )]
    NoPositiveConfidence {
        /// The score.
        score: ScoreKind,
    },
    /// The score is not one that is fitted.
    #[error("{score} is not fitted, so it needs no images")]
    NothingToFit {
        /// The score.
        score: ScoreKind,
    },
}

impl<'a> FitData<'a> {
    /// Checks that everything fits together: for each image a label below `classes`, `classes` logits, and the `size`
    /// values of its representation; and a last layer with the right number of weights. All numbers must be finite.
    ///
    /// # Errors
    /// [`FitError`].
    pub fn new(
        (classes, size): (usize, usize),
        labels: &'a [usize],
        logits: &'a [f32],
        representation: &'a [f32],
        last_layer: Result<LastLayer, LastLayerError>,
    ) -> Result<Self, FitError> {
        let images = labels.len();
        let fills = |values: &[f32], width: usize| images.checked_mul(width) == Some(values.len());
        if classes == 0 || size == 0 || !fills(logits, classes) || !fills(representation, size) {
            return Err(FitError::Lengths {
                labels: images,
                logits: logits.len(),
                representation: representation.len(),
                classes,
                size,
            });
        }
        if images < 2 {
            return Err(FitError::TooFew { images });
        }
        let data = Self {
            logits,
            representation,
            labels,
            classes,
            size,
            last_layer,
        };
        let finite = |values: &[f32]| values.iter().all(|value| value.is_finite());
        if let Some(index) = labels.iter().position(|&label| label >= classes) {
            return Err(FitError::Label {
                index,
                label: labels[index],
                classes,
            });
        }
        if let Some(index) = data.images().position(|(_, z, x)| !finite(z) || !finite(x)) {
            return Err(FitError::Output { index });
        }
        match &data.last_layer {
            Ok(LastLayer { weights, bias })
                if classes.checked_mul(size) != Some(weights.len())
                    || bias.len() != classes
                    || !finite(weights)
                    || !finite(bias) =>
            {
                Err(FitError::Misfit {
                    weights: weights.len(),
                    bias: bias.len(),
                    classes,
                    size,
                })
            }
            _ => Ok(data),
        }
    }

    /// The number of images.
    pub fn count(&self) -> usize {
        self.labels.len()
    }

    /// The number of classes, and so of an image's logits.
    pub(super) fn classes(&self) -> usize {
        self.classes
    }

    /// Length of a representation.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    pub(super) fn labels(&self) -> &'a [usize] {
        self.labels
    }

    /// All activations of all images.
    pub(super) fn activations(&self) -> &'a [f32] {
        self.representation
    }

    /// Label, logits and representation of each image.
    pub(super) fn images(&self) -> impl Iterator<Item = (usize, &'a [f32], &'a [f32])> {
        let outputs = self.logits.chunks_exact(self.classes).zip(self.features());
        let labels = self.labels.iter();
        labels.zip(outputs).map(|(label, (z, x))| (*label, z, x))
    }

    /// The representation of each image.
    pub(super) fn features(&self) -> impl Iterator<Item = &'a [f32]> {
        self.representation.chunks_exact(self.size)
    }

    /// Checks that no activation is below 0, for a score that needs this.
    pub(super) fn check_activations(&self, score: ScoreKind) -> Result<(), FitError> {
        let is_below = |x: &[f32]| x.iter().any(|value| *value < 0.0);
        match self.features().position(is_below) {
            Some(index) => Err(FitError::NegativeActivation { score, index }),
            None => Ok(()),
        }
    }

    /// The mean representation.
    pub(super) fn mean(&self) -> Vec<f64> {
        let mut mean = vec![0.0; self.size];
        for x in self.features() {
            add(&mut mean, x);
        }
        mean.iter_mut().for_each(|m| *m /= self.count() as f64);
        mean
    }

    /// The mean representation of each class.
    pub(super) fn class_means(&self, score: ScoreKind) -> Result<Vec<Vec<f64>>, FitError> {
        let mut means = vec![vec![0.0; self.size]; self.classes];
        let mut counts = vec![0u64; self.classes];
        for (label, _, x) in self.images() {
            add(&mut means[label], x);
            counts[label] += 1;
        }
        if let Some(class) = counts.iter().position(|&count| count == 0) {
            return Err(FitError::ClassWithoutImages { score, class });
        }
        for (mean, count) in means.iter_mut().zip(counts) {
            mean.iter_mut().for_each(|m| *m /= count as f64);
        }
        Ok(means)
    }

    /// The last layer, for a score that needs it.
    pub(super) fn last_layer(&self, score: ScoreKind) -> Result<&LastLayer, FitError> {
        self.last_layer
            .as_ref()
            .map_err(|source| FitError::LastLayer {
                score,
                source: source.clone(),
            })
    }
}

fn add(sum: &mut [f64], x: &[f32]) {
    for (sum, x) in sum.iter_mut().zip(x) {
        *sum += f64::from(*x);
    }
}
