//! `GET /model`: describes the manifest of `normgate-core` once more, since its types know nothing of HTTP.
//!
//! A test compares this with what is answered. Fields may be added; those here stay.

#![expect(dead_code, reason = "only their schemas are used")]

use utoipa::ToSchema;

/// The model in service, as its file describes it.
#[derive(ToSchema)]
pub struct Model {
    /// The version of this layout.
    schema_version: u32,
    name: String,
    version: String,
    /// What the model is, in words.
    #[schema(value_type = String, required = false)]
    description: Option<String>,
    /// The name of each class, in the order of `class_index`. Names may repeat.
    #[schema(min_items = 2)]
    labels: Vec<String>,
    /// The number of values in the representation, the input of the last layer.
    representation_size: usize,
    preprocessing: Preprocessing,
    /// The name of the score. Whichever it is, larger is more OOD.
    score: String,
    calibration: Calibration,
    #[schema(value_type = Training, required = false)]
    training: Option<Training>,
    #[schema(value_type = Quantization, required = false)]
    quantization: Option<Quantization>,
    #[schema(value_type = Fitted, required = false)]
    fitted: Option<Fitted>,
    /// SHA-256 of the model's file in hexadecimal, as in `GET /readyz` and the metrics.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    digest: String,
}

/// How an image becomes the model's input: resized, scaled to 0..1, then `(x - mean) / std` for each channel.
#[derive(ToSchema)]
struct Preprocessing {
    /// The width of the model's input, in pixels.
    width: u32,
    /// The height of the model's input, in pixels.
    height: u32,
    resize: Resize,
    filter: Filter,
    /// For red, green and blue.
    #[schema(min_items = 3, max_items = 3)]
    mean: [f32; 3],
    /// For red, green and blue.
    #[schema(min_items = 3, max_items = 3)]
    std: [f32; 3],
}

/// How an image of any size is brought to the size of the model's input.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
enum Resize {
    /// The whole image; its aspect ratio is not kept.
    Stretch,
    /// The shorter side is scaled to a length, then the centre is cut out.
    CentreCrop(CentreCrop),
}

/// A crop from the centre.
#[derive(ToSchema)]
struct CentreCrop {
    /// The length that the shorter side is scaled to first, in pixels.
    shorter_side: u32,
}

/// How pixels are resampled.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
enum Filter {
    Box,
    Bilinear,
    CatmullRom,
    Lanczos3,
}

/// The threshold, and what it was derived from.
#[derive(ToSchema)]
struct Calibration {
    convention: Convention,
    /// The true positive rate that was asked for, from 0 to 1.
    target_tpr: f64,
    /// An image is out of distribution if its score is above this, unless its predicted class has a
    /// threshold of its own.
    threshold: f64,
    /// The number of calibration images.
    count: usize,
    scores: Scores,
    /// A threshold for each predicted class, in the order of the labels.
    #[schema(value_type = Vec<ClassThreshold>, required = false)]
    per_class: Option<Vec<ClassThreshold>>,
    /// The share of the calibration images themselves that are flagged, from 0 to 1. If they are
    /// few, it is smaller than the share of new images.
    expected_flag_rate: f64,
    /// What the calibration images were, in words.
    #[schema(value_type = String, required = false)]
    data: Option<String>,
}

/// Which images the true positive rate counts: those of the model's classes that pass, or OOD images
/// that are caught.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
enum Convention {
    IdPositive,
    OodPositive,
}

/// A summary of the calibration images' scores.
#[derive(ToSchema)]
struct Scores {
    /// How many of these scores the file has.
    kept: usize,
    min: f64,
    p5: f64,
    p25: f64,
    median: f64,
    p75: f64,
    p95: f64,
    max: f64,
}

/// The threshold of one predicted class.
#[derive(ToSchema)]
struct ClassThreshold {
    /// The number of calibration images that were predicted as this class.
    count: usize,
    threshold: f64,
}

/// How the model was trained.
#[derive(ToSchema)]
struct Training {
    method: String,
    /// The number of training images of each class, in the order of the labels.
    class_counts: Vec<u64>,
    /// The command that trained it.
    #[schema(value_type = String, required = false)]
    command: Option<String>,
    seed: u64,
    epochs: u32,
    /// Names of the labelled image sets.
    data: Vec<String>,
    /// Names of the auxiliary OOD image sets.
    auxiliary: Vec<String>,
}

/// How an int8 model was made from an fp32 one.
#[derive(ToSchema)]
struct Quantization {
    /// SHA-256 of the fp32 model's file.
    of: String,
    /// How the ranges of values were chosen.
    range: String,
    #[schema(value_type = f64, required = false)]
    percentile: Option<f64>,
    /// The number of images that the ranges were read from.
    images: usize,
    /// What those images were.
    #[schema(value_type = String, required = false)]
    data: Option<String>,
    /// Layers that stayed fp32.
    keep_fp32: Vec<String>,
    /// Whether weights have only 7 bits.
    reduce_range: bool,
}

/// What a score that learns from training images was fitted to.
#[derive(ToSchema)]
struct Fitted {
    images: usize,
    /// What those images were; `null` if that is not recorded.
    data: Option<String>,
}
