//! `adopt`: from a classifier that was trained elsewhere, as ONNX, to a Normgate model file.

mod described;
mod error;
mod external;
mod graph;
mod options;
mod report;
#[cfg(test)]
mod tests;
mod training_mode;
mod try_out;

use std::path::PathBuf;

use clap::{ArgGroup, Args};
use normgate_core::manifest::{Filter, METADATA_KEY, Manifest, SCHEMA_VERSION};
use normgate_core::model::Model;
use normgate_core::onnx::{self, OnnxError, remove_metadata, write_metadata};
use normgate_core::printable::on_one_line;
use normgate_core::scores::{self, ScoreKind};

pub use error::AdoptError;
pub use options::{Normalisation, ResizeName, Size};
pub use report::AdoptReport;

use crate::error::EvaluationError;
use crate::fit::score_parser;
use crate::out::{has_folder, is_same_file};
use crate::workbench::{RuntimeArgs, print};
use graph::Input;

/// Make a Normgate model from a classifier that was trained elsewhere, such as one exported by PyTorch
///
/// Finds the logits, before any softmax, and the representation, which is the input of the last
/// linear layer. You give the class names and the preprocessing: they must be those of training, or
/// every answer is wrong. Data that PyTorch wrote beside the file (model.onnx.data) is taken in. The
/// result has no threshold yet: `calibrate` gives it one.
#[derive(Args, Clone, Debug)]
#[command(
    after_help = EXAMPLES,
    override_usage = "normgate adopt [OPTIONS] --labels <NAMES> --normalise <HOW> --out <FILE> <MODEL>\n       \
                      normgate adopt [OPTIONS] --labels <NAMES> --preprocessing <FILE> --out <FILE> <MODEL>",
    group = ArgGroup::new("pixels").args(["normalise", "preprocessing"]).required(true)
)]
pub struct AdoptArgs {
    /// The ONNX file
    pub model: PathBuf,
    /// Names of the classes, in the order of the outputs: a list separated by commas, a file with one name a line,
    /// JSON as Hugging Face (config.json), timm, Keras and torchvision write it, cifar10, or cifar100
    #[arg(long, value_name = "NAMES")]
    pub labels: String,
    /// A file that says how images were prepared in training: Hugging Face's preprocessor_config.json, or timm's
    /// config.json
    #[arg(long, value_name = "FILE", conflicts_with_all = ["resize", "shorter_side"])]
    pub preprocessing: Option<PathBuf>,
    /// What is subtracted from the pixels (0..1) and what they are then divided by: imagenet, half
    /// (0.5 and 0.5), none, or MEAN/STD, each one number, or three for R, G and B
    #[arg(long, value_name = "HOW")]
    pub normalise: Option<Normalisation>,
    /// Write the Normgate model here
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Side of the model's image in pixels, or WIDTHxHEIGHT [default: as the file says]
    #[arg(long, value_name = "PIXELS")]
    pub size: Option<Size>,
    /// How images of another shape are fitted to that size
    #[arg(long, value_enum, default_value_t)]
    pub resize: ResizeName,
    /// For --resize crop: what the shorter side is scaled to before the centre is cut out, such as
    /// 256 for torchvision's 224 [default: the longer side of the model's image]
    #[arg(long, value_name = "PIXELS")]
    pub shorter_side: Option<u32>,
    /// Filter for resizing, antialiased: bilinear (torchvision's), catmull_rom (bicubic), lanczos3 or box [default:
    /// bilinear, or as --preprocessing says]
    #[arg(long, value_name = "NAME", value_parser = options::filter)]
    pub filter: Option<Filter>,
    /// The output with the logits [default: the one called logits, or the one that comes from a linear layer]
    #[arg(long, value_name = "OUTPUT")]
    pub logits: Option<String>,
    /// An output with the representation [default: the input of the linear layer that gives the logits]
    #[arg(long, value_name = "OUTPUT")]
    pub representation: Option<String>,
    /// The score to serve with: rn, msp, energy, max-logit or gen; `calibrate` can choose those that are fitted
    #[arg(
        long,
        value_name = "NAME",
        value_parser = score_parser(),
        hide_possible_values = true,
        ignore_case = true,
        default_value = "energy"
    )]
    pub score: ScoreKind,
    /// The model's name in replies and metrics [default: the file's name]
    #[arg(long)]
    pub name: Option<String>,
    /// The model's version in replies and metrics
    #[arg(long, value_name = "VERSION", default_value = "1.0.0")]
    pub model_version: String,
    #[allow(missing_docs)]
    #[command(flatten)]
    pub runtime: RuntimeArgs,
}

const EXAMPLES: &str = "\
Examples:
  normgate adopt resnet50.onnx --labels labels.txt --normalise imagenet --shorter-side 256 \\
    --out resnet50-normgate.onnx
  normgate adopt vit.onnx --labels config.json --preprocessing preprocessor_config.json \\
    --out vit-normgate.onnx
  normgate adopt parts.onnx --labels crack,dent,good --normalise 0.42/0.21 --resize stretch \\
    --out parts-normgate.onnx
  normgate calibrate parts-normgate.onnx --data photos/held-out";

/// Makes the model file, tries it, and writes it.
///
/// # Errors
/// [`EvaluationError`]; no file is then written.
pub fn adopt(args: &AdoptArgs) -> Result<AdoptReport, EvaluationError> {
    if args.score.is_fitted() {
        return Err(EvaluationError::Options(
            "adopt takes only a --score that is not fitted; `calibrate --score NAME --fit-data SET` \
             gives the model one that is",
        ));
    }
    has_folder(&args.out)?;
    let labels = options::labels(&args.labels)?;
    let described = args.preprocessing.as_deref();
    let described = described.map(|path| described::read(path, args.filter));
    let described = described.transpose()?;
    let data = args.model.with_added_extension("data");
    if [&args.model, &data]
        .into_iter()
        .any(|path| is_same_file(path, &args.out))
    {
        return Err(AdoptError::OverwritesModel {
            path: args.out.clone(),
        }
        .into());
    }
    let mut network = external::read(&args.model, &args.out)?;
    let graph = network
        .graph
        .as_mut()
        .ok_or(OnnxError::NoGraph)
        .map_err(AdoptError::from)?;
    let input = Input::of(graph)?;
    let size = Size::agreed(args.size, input.size, described.as_ref())?;
    training_mode::refuse(graph, input.is_batched())?;
    let heads = graph::find(
        graph,
        args.logits.as_deref(),
        args.representation.as_deref(),
        labels.len(),
    )?;
    let lengths = heads.lengths;
    if labels.len() != lengths.0 {
        return Err(AdoptError::Labels {
            labels: labels.len(),
            logits: on_one_line(&heads.logits),
            classes: lengths.0,
        }
        .into());
    }
    graph::set_outputs(graph, &heads, &input.batch);

    let stem = args.model.file_stem().unwrap_or_default();
    let manifest = Manifest {
        schema_version: SCHEMA_VERSION,
        name: args
            .name
            .clone()
            .unwrap_or_else(|| stem.to_string_lossy().into_owned()),
        version: args.model_version.clone(),
        description: None,
        labels,
        representation_size: lengths.1,
        preprocessing: options::preprocessing(args, size, described)?,
        score: args.score,
        calibration: None,
        training: None,
        quantization: None,
    };
    let invalid = |source| EvaluationError::Manifest { source };
    let json = manifest.to_json().map_err(invalid)?;
    let bytes = write_metadata(&onnx::encode(&network), METADATA_KEY, &json);
    // What a score has learnt about a Normgate model applies to that model's labels and representation only.
    let bytes = bytes.and_then(|bytes| remove_metadata(&bytes, scores::METADATA_KEY));
    let model = Model::from_bytes(bytes.map_err(AdoptError::from)?)?.made_from(&args.model);
    try_out::try_out(&args.runtime.load()?, &model, &input, &heads)?;
    model.save(&args.out)?;
    Ok(AdoptReport {
        read: args.model.clone(),
        written: args.out.clone(),
        bytes: model.bytes().len(),
        manifest,
        heads,
        input: input.name.clone(),
        is_batched: input.is_batched(),
    })
}

/// Adopts and prints what was found.
///
/// # Errors
/// As [`adopt`].
pub fn run(args: &AdoptArgs) -> Result<(), EvaluationError> {
    print(&adopt(args)?.to_string())
}
