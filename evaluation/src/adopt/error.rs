use std::path::PathBuf;

use normgate_core::model::ModelError;
use normgate_core::onnx::OnnxError;
use normgate_core::runtime::SessionError;

/// Why a model from elsewhere could not be adopted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AdoptError {
    /// The model file could not be read.
    #[error(transparent)]
    File(#[from] ModelError),
    /// The file is not an ONNX model, or is damaged.
    #[error(transparent)]
    Onnx(#[from] OnnxError),
    /// A tensor keeps its data in a place that is not read.
    #[error(
        "the tensor `{tensor}` keeps its data in `{location}`, which is not a file in the model's \
         own folder: save the model as one file"
    )]
    Elsewhere {
        /// The tensor.
        tensor: String,
        /// Where its data is said to be.
        location: String,
    },
    /// The file with a tensor's data is missing or too short.
    #[error(
        "the data of the tensor `{tensor}` could not be read from {}: {source}. That file belongs \
         beside the model file", path.display()
    )]
    Data {
        /// The tensor.
        tensor: String,
        /// The file with its data.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The model does not take an image.
    #[error(
        "the model's input must be one image, float32 [N, 3, height, width]; it is {found}. {hint}"
    )]
    Input {
        /// What it takes.
        found: String,
        /// What to do.
        hint: &'static str,
    },
    /// Neither the model nor the options say how large the image is.
    #[error(
        "the model takes images of any size: give the size that it was trained at, such as --size 224"
    )]
    NoSize,
    /// An option or a file differs from the model, or from another option, in the image's size.
    #[error("{by} says {said}, but {found}: {hint}")]
    OtherSize {
        /// The option.
        by: &'static str,
        /// The size that it gives.
        said: String,
        /// What the model takes, or what another option says.
        found: String,
        /// What to do.
        hint: &'static str,
    },
    /// The model takes images of any size by its file, but not of this one.
    #[error(
        "the model does not run on an image of {size}, a size that its file allows. If it was trained at another one, \
         give that, with --size. {source}"
    )]
    WrongSize {
        /// The size tried.
        size: String,
        /// What ONNX Runtime said.
        source: SessionError,
    },
    /// Less is left of an image than the model takes.
    #[error(
        "--shorter-side {shorter_side} is too short to cut out {needed} pixels: give {needed} or more"
    )]
    TooShort {
        /// The length asked for.
        shorter_side: u32,
        /// The longer side of what the model takes.
        needed: u32,
    },
    /// An option that only the other way of resizing has.
    #[error(
        "--shorter-side is for --resize crop, and --resize stretch has no use for it: leave one of them out"
    )]
    ShorterSideOfStretch,
    /// The file that says how images are prepared does not name the filter.
    #[error("--preprocessing {} does not name the filter (resample): add --filter", path.display())]
    NoFilter {
        /// The file.
        path: PathBuf,
    },
    /// The file that says how images are prepared cannot be read, or cannot be followed.
    #[error(
        "--preprocessing {}: {reason}. Use --normalise, --resize, --shorter-side and --filter instead",
        path.display()
    )]
    Preprocessing {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// There is no output at all.
    #[error("the model has no outputs: export it again, with the logits as its output")]
    NoOutputs,
    /// There is no such output.
    #[error("the model has no output `{wanted}`; it has {found}")]
    NoOutput {
        /// The output asked for.
        wanted: String,
        /// Those that it has.
        found: String,
    },
    /// No output comes from a linear layer.
    #[error(
        "{found}. Export the logits themselves, before any softmax, maximum or squeeze. If they come from no linear \
         layer, export the values that they are computed from ([N, length]) as a second output, and name both: \
         --logits NAME --representation NAME"
    )]
    NoHeads {
        /// What the outputs come from.
        found: String,
    },
    /// The last layer's weights have a type that is not read.
    #[error(
        "the weights that the output `{output}` comes from are {kind}, which Normgate does not read: export the model in \
         float32 (PyTorch: model.float())"
    )]
    Weights {
        /// Name of the output.
        output: String,
        /// The type.
        kind: &'static str,
    },
    /// Several outputs may be the logits.
    #[error("the logits may be any of {found}: say which, with --logits NAME{labels}")]
    Ambiguous {
        /// What to give besides, if none has as many values as there are class names.
        labels: String,
        /// The outputs.
        found: String,
    },
    /// An output is not what its layer, or the file, lets one expect.
    #[error(
        "`{output}` should be {said}, with N dynamic or 1, and is {found}: export the model so, or correct what its file \
         says of that output"
    )]
    OtherShape {
        /// The output.
        output: String,
        /// Its type and axes, as its layer has them.
        said: String,
        /// Its type and axes, as ONNX Runtime finds them.
        found: String,
    },
    /// The length of an output that was named is unknown.
    #[error(
        "the file does not say how many values the output `{output}` has: export the model with \
         that axis fixed"
    )]
    NoLength {
        /// The output.
        output: String,
    },
    /// An output has more axes than batch and values.
    #[error(
        "`{output}` is {found}, but must be [N, length]: flatten it before the export (PyTorch: \
         .flatten(1)), or add a Flatten to the file (docs/own-model.md, Without the PyTorch code)"
    )]
    NotFlat {
        /// The output.
        output: String,
        /// Its type and axes.
        found: String,
    },
    /// More or fewer names than classes.
    #[error(
        "--labels has {labels} names, but `{logits}` has {classes} values: give one name for each, \
         in their order, or say with --logits which output has the classes"
    )]
    Labels {
        /// Names given.
        labels: usize,
        /// The output taken for the logits.
        logits: String,
        /// Classes.
        classes: usize,
    },
    /// The model decides on each class separately.
    #[error(
        "the output `{output}` comes from a {operator}, which decides on each class separately; \
         Normgate is for models in which exactly one class applies. If that is so here, export the \
         model without the {operator}, or name another output with --logits"
    )]
    Sigmoid {
        /// Name of the output.
        output: String,
        /// The operator.
        operator: String,
    },
    /// Batch normalisation is in training mode.
    #[error(
        "the model's batch normalisation is in training mode, so an answer depends on what else is \
         in the batch: call model.eval() before the export"
    )]
    TrainingMode,
    /// The model is quantised with ranges that it takes from each batch.
    #[error(
        "the model is quantised dynamically, with ranges taken from all images of a batch together, \
         so an answer depends on what else is in the batch: give the model in float32, and make an \
         int8 model with `normgate quantize`, or export it with a batch of 1"
    )]
    DynamicRange,
    /// One value stands for two classes.
    #[error(
        "the output `{output}` has one value, for two classes: export the model with a value for \
         each (PyTorch: torch.cat([torch.zeros_like(z), z], 1), before any sigmoid), and with the \
         values that it computes them from as a second output, and name both: --logits NAME \
         --representation NAME"
    )]
    OneValue {
        /// Name of the output.
        output: String,
    },
    /// Dropout, stochastic depth or the like is left in.
    #[error(
        "the model draws random numbers (the operator {operator}), so no image gets the same answer \
         twice: call model.eval() before the export"
    )]
    Random {
        /// The operator.
        operator: String,
    },
    /// The model cannot run on an image, and the file does not say which axis is that of the channels.
    #[error(
        "the model does not run on an image [1, 3, height, width]. If it takes channels last, export it with channels \
         first (PyTorch's layout). {source}"
    )]
    Layout {
        /// What ONNX Runtime said.
        source: SessionError,
    },
    /// The model runs on one image, but not on several.
    #[error(
        "the model runs on one image, but not on {images} together: its input has a dynamic batch, but \
         its batch is fixed inside. Export it with a dynamic batch throughout, or with a batch of 1. \
         {source}"
    )]
    FixedInside {
        /// How many were run.
        images: usize,
        /// What ONNX Runtime said.
        source: SessionError,
    },
    /// `--out` names the model itself, or a file with its data.
    #[error("--out {} is a file of the model, which would be lost: give another name", path.display())]
    OverwritesModel {
        /// The path.
        path: PathBuf,
    },
    /// The model's answer to an image depends on the images beside it.
    #[error(
        "the model's answer to an image depends on the images beside it (by up to {difference:.3}): \
         export it in inference mode (PyTorch: model.eval()), and with a dynamic batch"
    )]
    BatchMatters {
        /// The largest difference of a value.
        difference: f32,
    },
    /// The output taken for the logits gives probabilities.
    #[error(
        "the output taken for the logits gives probabilities (none is below 0, and their sum is 1): \
         export the model without its softmax"
    )]
    Probabilities,
    /// The model's answer is NaN or infinite.
    #[error(
        "the model's answer to an image of noise is not finite (NaN or infinite): its weights are \
         broken, or its pixels are not normalised as in training (--normalise, --preprocessing)"
    )]
    NotFinite,
}
