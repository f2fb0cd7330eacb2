//! `GET /model`: the manifest of `normgate-core`, whose types know nothing of HTTP, described once more.
//!
//! A test holds it against what is answered. Fields may be added; those here stay.

#![expect(dead_code, reason = "only their schemas are used")]

use utoipa::ToSchema;

/// The model in service: what its file says of it.
#[derive(ToSchema)]
pub struct Model {
    /// The version of this layout.
    schema_version: u32,
    name: String,
    version: String,
    /// What the model is, for people.
    #[schema(value_type = String, required = false)]
    description: Option<String>,
    /// The name of each class, in the order of `class_index`. Names may repeat.
    #[schema(min_items = 2)]
    labels: Vec<String>,
    /// Values in the representation, the input of the last layer.
    representation_size: usize,
    preprocessing: Preprocessing,
    /// The name of the score: larger is more foreign, whichever it is.
    score: String,
    calibration: Calibration,
    #[schema(value_type = Training, required = false)]
    training: Option<Training>,
    #[schema(value_type = Quantization, required = false)]
    quantization: Option<Quantization>,
    #[schema(value_type = Fitted, required = false)]
    fitted: Option<Fitted>,
    /// SHA-256 of the model's file in hexadecimal, as `GET /readyz` and the metrics have it.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    digest: String,
}

/// How an image becomes the model's input: resized, scaled to 0..1, then `(x - mean) / std` for each channel.
#[derive(ToSchema)]
struct Preprocessing {
    /// Of the model's input, in pixels.
    width: u32,
    /// Of the model's input, in pixels.
    height: u32,
    resize: Resize,
    filter: Filter,
    /// Of red, green and blue.
    #[schema(min_items = 3, max_items = 3)]
    mean: [f32; 3],
    /// Of red, green and blue.
    #[schema(min_items = 3, max_items = 3)]
    std: [f32; 3],
}

/// How an image of any shape is brought to the model's.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
enum Resize {
    /// The whole image, its aspect ratio given up.
    Stretch,
    /// The shorter side is scaled to a length, then the centre is cut out.
    CentreCrop(CentreCrop),
}

/// A cut out of the centre.
#[derive(ToSchema)]
struct CentreCrop {
    /// What the shorter side is scaled to first, in pixels.
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
    /// The true positive rate asked for, from 0 to 1.
    target_tpr: f64,
    /// An image whose score is above this is out of distribution, unless its class has a threshold of its own.
    threshold: f64,
    /// Calibration images.
    count: usize,
    scores: Scores,
    /// A threshold for each predicted class, in the order of the labels.
    #[schema(value_type = Vec<ClassThreshold>, required = false)]
    per_class: Option<Vec<ClassThreshold>>,
    /// The share of the calibration images themselves that are flagged, from 0 to 1; where these are
    /// few, less than of new ones.
    expected_flag_rate: f64,
    /// What the calibration images were, for people.
    #[schema(value_type = String, required = false)]
    data: Option<String>,
}

/// Which images the true positive rate counts: those of the model's classes that pass, or foreign ones that are caught.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
enum Convention {
    IdPositive,
    OodPositive,
}

/// The scores of the calibration images, summed up.
#[derive(ToSchema)]
struct Scores {
    /// How many of them the file has.
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
    /// Calibration images that were predicted as this class.
    count: usize,
    threshold: f64,
}

/// How the model was trained.
#[derive(ToSchema)]
struct Training {
    method: String,
    /// Training images of each class, in the order of the labels.
    class_counts: Vec<u64>,
    /// The command that trained it.
    #[schema(value_type = String, required = false)]
    command: Option<String>,
    seed: u64,
    epochs: u32,
    /// Names of the labelled image sets.
    data: Vec<String>,
    /// Names of the auxiliary, foreign image sets.
    auxiliary: Vec<String>,
}

/// How an int8 model came from an fp32 one.
#[derive(ToSchema)]
struct Quantization {
    /// SHA-256 of the fp32 model's file.
    of: String,
    /// How the ranges of values were chosen.
    range: String,
    #[schema(value_type = f64, required = false)]
    percentile: Option<f64>,
    /// Images that the ranges were read from.
    images: usize,
    /// What those images were.
    #[schema(value_type = String, required = false)]
    data: Option<String>,
    /// Layers that stayed fp32.
    keep_fp32: Vec<String>,
    /// Whether weights have 7 bits only.
    reduce_range: bool,
}

/// What a score that learns of training images was fitted to.
#[derive(ToSchema)]
struct Fitted {
    images: usize,
    /// What those images were; `null` where it was not said.
    data: Option<String>,
}
