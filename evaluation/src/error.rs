//! What can go wrong between an image set, a model file and a report.

use std::path::PathBuf;

use normgate_core::calibration::CalibrationError;
use normgate_core::classifier::{ClassifyError, NotCalibrated};
use normgate_core::detection::DetectionError;
use normgate_core::manifest::ManifestError;
use normgate_core::model::ModelError;
use normgate_core::preprocess::PreprocessError;
use normgate_core::runtime::{RuntimeError, SessionError};
use normgate_core::scores::{FitError, ScoreKind};

use crate::adopt::AdoptError;
use crate::datasets::DatasetError;
use crate::quantize::QuantizeError;
use crate::reports::plots::PlotError;

/// Why a command on model files and image sets failed. The messages of the parts (model file, image set, runtime)
/// themselves say what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EvaluationError {
    /// An image set could not be read.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// The model file could not be read or written.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A model from elsewhere could not be adopted.
    #[error(transparent)]
    Adopt(#[from] AdoptError),
    /// What was said about a model from elsewhere makes no valid manifest.
    #[error("the model's manifest would be invalid: {source}")]
    Manifest {
        /// The field, and what is wrong with it.
        source: ManifestError,
    },
    /// ONNX Runtime could not be loaded.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// The model could not be loaded into ONNX Runtime, or failed on a batch.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The scores do not give a calibration.
    #[error(transparent)]
    Calibration(#[from] CalibrationError),
    /// A score could not be fitted to the images given for that.
    #[error("{data}: {source}")]
    Fit {
        /// What the images are.
        data: String,
        /// Why not.
        source: FitError,
    },
    /// A score must be fitted, and there is nothing to fit it to.
    #[error(
        "{} is fitted to training images: add --fit-data SET, the labelled images that the model \
         was trained on", score.title()
    )]
    NothingToFitTo {
        /// The score.
        score: ScoreKind,
    },
    /// The model has no threshold to flag with.
    #[error(transparent)]
    NotCalibrated(#[from] NotCalibrated),
    /// The model's answer to an image allows no decision.
    #[error(transparent)]
    Classify(#[from] ClassifyError),
    /// The scores do not give a detection figure.
    #[error("{score} of {id} against {ood}: {source}")]
    Detection {
        /// The score.
        score: &'static str,
        /// The ID set.
        id: String,
        /// The OOD set.
        ood: String,
        /// What is wrong with them.
        source: DetectionError,
    },
    /// A plot of the report could not be drawn.
    #[error(transparent)]
    Plot(#[from] PlotError),
    /// A set has no images.
    #[error("{set} has no images: nothing can be measured on it")]
    EmptySet {
        /// The set.
        set: String,
    },
    /// The output that should be logits holds probabilities.
    #[error(
        "the output `logits` of {model} comes from a {operator}, so it holds no logits: export the \
         model without it, or, if it is a softmax, let `normgate adopt` take the values before it"
    )]
    NoLogits {
        /// The model.
        model: String,
        /// Such as `Softmax`.
        operator: String,
    },
    /// A score is the same for every image.
    #[error(
        "all {images} images have the same {score} score, {value}, so no threshold can tell them \
         apart. Are the preprocessing and the weights those of training?"
    )]
    ConstantScore {
        /// The score.
        score: ScoreKind,
        /// Its value.
        value: f32,
        /// How many images.
        images: usize,
    },
    /// The representation has the same norm, whatever the image.
    #[error(
        "the representations of all {images} images have the same norm, {norm}, except for rounding, so \
         it tells nothing apart. A normalised (cosine) head does that: use a score that ignores the norm \
         (--score energy, max-logit, knn …). Otherwise, are the preprocessing and the weights those of \
         training?"
    )]
    ConstantNorm {
        /// The norm.
        norm: f32,
        /// How many images.
        images: usize,
    },
    /// An image could not be brought to the model's size.
    #[error("image {index} of {set} (counted from 0): {source}")]
    Image {
        /// The set.
        set: String,
        /// The image, from 0.
        index: usize,
        /// Why not.
        source: PreprocessError,
    },
    /// The model answered with NaN or infinity.
    #[error(
        "the model's answer to image {index} of {set} (counted from 0) is not finite: its weights \
         are broken; export it again from a checkpoint whose loss was finite"
    )]
    NotFinite {
        /// The set.
        set: String,
        /// The image, from 0.
        index: usize,
    },
    /// An image of an ID set has no label among the model's classes.
    #[error(
        "image {index} of {set} (counted from 0) has no label among the model's {classes} classes: \
         an ID set must show the classes that the model was trained on, each in a folder named after it"
    )]
    NoLabel {
        /// The set.
        set: String,
        /// The image, from 0.
        index: usize,
        /// How many classes the model has.
        classes: usize,
    },
    /// `--balance` found a class without images.
    #[error(
        "--balance takes equally many images of every class, but {set} has none labelled {label}: add a \
         set that has some, in a folder for each class, or leave --balance out"
    )]
    ClassWithoutImages {
        /// The calibration sets' name.
        set: String,
        /// The class.
        label: String,
    },
    /// `--calibration` names other images than those behind the served threshold, which would make
    /// the comparison of flags unfair.
    #[error(
        "--calibration gives {given} images, but the model was calibrated on {calibrated} ({data}): \
         give the same sets, with --balance if they were balanced"
    )]
    OtherCalibration {
        /// Images given.
        given: usize,
        /// Images that the model was calibrated on.
        calibrated: usize,
        /// What the model file says they were.
        data: String,
    },
    /// `--calibration` names as many images as those behind the served threshold, but other ones.
    #[error(
        "--calibration gives {images} images, as many as the model was calibrated on ({data}), but \
         other ones, since their scores differ: give the same sets, with --balance if they were \
         balanced, or calibrate again"
    )]
    OtherCalibrationScores {
        /// Images given, and images that the model was calibrated on.
        images: usize,
        /// What the model file says they were.
        data: String,
    },
    /// The ID test images are those behind the served threshold.
    #[error(
        "the {images} images of --id are those that the model was calibrated on ({data}), since their \
         scores are the same: the threshold was set to flag a certain share of them. Test on others"
    )]
    TestedOnCalibration {
        /// Images.
        images: usize,
        /// What the model file says they were.
        data: String,
    },
    /// Two sets share images, which they must not.
    #[error(
        "{shared} of the {images} different images of {} are also in {}: no image may be in both",
        options[1], options[0]
    )]
    SharedImages {
        /// The options that name the sets: the one learnt from, and the other.
        options: [&'static str; 2],
        /// How many of the other's images are in the first too.
        shared: usize,
        /// How many different images the other has.
        images: usize,
    },
    /// Too many images of a set are copies of others.
    #[error(
        "of the {images} images of {option}, only {different} are different: a copy counts as another \
         image, but adds no information. Remove the copies"
    )]
    RepeatedImages {
        /// The option that names the set.
        option: &'static str,
        /// Images.
        images: usize,
        /// Different ones.
        different: usize,
    },
    /// Two sets that are reported separately have the same name, so that nobody could tell their figures apart.
    #[error(
        "{first} and {second} are both called \"{name}\": give {option} names to tell them apart, \
         as NAME=PATH"
    )]
    SameName {
        /// The option that names them.
        option: &'static str,
        /// The name of both.
        name: String,
        /// One of them, as it was given.
        first: String,
        /// The other.
        second: String,
    },
    /// A model could not be quantised.
    #[error(transparent)]
    Quantize(#[from] QuantizeError),
    /// A model is to be written into a folder that is not there.
    #[error("--out {}: there is no folder {}: create it first", out.display(), folder.display())]
    NoFolder {
        /// The file.
        out: PathBuf,
        /// The folder.
        folder: PathBuf,
    },
    /// A report is to be written into a folder, and a file is in its place.
    #[error(
        "--out {}: {} is a file, and the report needs a folder: give another one",
        out.display(), file.display()
    )]
    OutIsFile {
        /// The folder.
        out: PathBuf,
        /// The file.
        file: PathBuf,
    },
    /// A report is to be written into a folder that has a file of the same name from elsewhere.
    #[error("--out {}: {} is no part of a report of Normgate and would be lost: give another folder", out.display(), file.display())]
    OutHasOther {
        /// The folder.
        out: PathBuf,
        /// The file in it.
        file: PathBuf,
    },
    /// The run whose curves are to be shown did not make the model.
    #[error(
        "--run {}: this run did not make {model}, whose record says: {command}. Name the run that did, or leave \
         --run out", run.display()
    )]
    OtherRun {
        /// The run's folder.
        run: PathBuf,
        /// The model.
        model: String,
        /// The command that trained it.
        command: String,
    },
    /// `quantize` would write over the model that it reads.
    #[error(
        "--out {} is the fp32 model itself, which would be lost: give the int8 model another name",
        path.display()
    )]
    OverwritesModel {
        /// The path.
        path: PathBuf,
    },
    /// `quantize` has too few images left for the threshold.
    #[error(
        "of the {images} images of --data, {for_ranges} are for the ranges, and the other {found} are \
         too few for the threshold, which needs {needed}: add images, give a smaller --images, or add \
         --calibrate SET"
    )]
    TooFewForThreshold {
        /// Images there were.
        images: usize,
        /// How many the ranges come from.
        for_ranges: usize,
        /// How many are left.
        found: usize,
        /// How many the threshold needs.
        needed: usize,
    },
    /// `quantize` needs all its images for the ranges.
    #[error(
        "--data gives {images} images, and {for_ranges} of them are for the ranges, so none is left \
         for the threshold: add --calibrate SET, or give a smaller --images"
    )]
    NothingForThreshold {
        /// Images given.
        images: usize,
        /// Images that the ranges come from.
        for_ranges: usize,
    },
    /// Options that do not go together.
    #[error("{0}")]
    Options(&'static str),
    /// A file of the report, or a run's history, could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A run's `history.json`, or the report itself, does not follow its format.
    #[error("{}: {source}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// What is wrong and where.
        source: serde_json::Error,
    },
}
