use normgate_core::model::ModelError;
use normgate_core::onnx::OnnxError;
use normgate_core::preprocess::PreprocessError;
use normgate_core::runtime::SessionError;

/// Why a model could not be quantised.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QuantizeError {
    /// The file cannot be decoded completely.
    #[error(transparent)]
    Onnx(#[from] OnnxError),
    /// The quantised file cannot be read back.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// ONNX Runtime refused the model, or failed to run it.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The operator set is too old for a quantised model.
    #[error(
        "the model is written for ONNX operator set {found}; a scale for each channel needs 13 or \
         newer: export it again (for PyTorch: opset_version=17)"
    )]
    Opset {
        /// The operator set that it is written for; 0 if it names none.
        found: i64,
    },
    /// The model is quantised already.
    #[error(
        "the model is quantised already (its node `{node}` is a {operator}): give the fp32 model \
         that it was made from"
    )]
    AlreadyQuantized {
        /// Name of the node, or of its first output.
        node: String,
        /// Its operator.
        operator: String,
    },
    /// The weights of a layer are not a constant.
    #[error(
        "the weights of `{node}` are computed in the graph, by a {operator}: export the model with \
         float32 weights (normgate-train: export --weights fp32) and constants folded (PyTorch: \
         do_constant_folding=True, or dynamo=True)"
    )]
    ComputedWeights {
        /// The layer.
        node: String,
        /// The operator that its weights come from.
        operator: String,
    },
    /// The weights of a layer are not float32.
    #[error(
        "the weights of `{node}` are not float32 (half precision?): export the model in float32 \
         (PyTorch: model.float()), and quantise that"
    )]
    OtherWeights {
        /// The layer.
        node: String,
    },
    /// The model has no layer that can be quantised.
    #[error(
        "the model has no convolution or linear layer with constant float32 weights left to \
         quantise: nothing would be faster"
    )]
    Nothing,
    /// A weight is NaN or infinite.
    #[error("the weight `{tensor}` holds {value}: the model is broken; export it again")]
    BrokenWeight {
        /// Name of the constant.
        tensor: String,
        /// NaN or an infinity.
        value: f32,
    },
    /// A node is not valid for its operator.
    #[error("the node `{node}` is not a valid {operator}: {what}")]
    BrokenNode {
        /// The node.
        node: String,
        /// Its operator.
        operator: String,
        /// What is wrong.
        what: &'static str,
    },
    /// There are no images for the ranges.
    #[error("no images were given: the ranges of the model's values are measured on images")]
    NoImages,
    /// An image could not be brought to the model's size.
    #[error("image {index} (counted from 0) of those for the ranges: {source}")]
    Image {
        /// The image, from 0.
        index: usize,
        /// Why not.
        source: PreprocessError,
    },
    /// A value between the layers became NaN or infinite.
    #[error(
        "the value `{value}` of the model is not finite on image {image} or one in its batch: the \
         model is broken; export it again"
    )]
    NotFinite {
        /// Name of the value.
        value: String,
        /// The first image of the batch, from 0.
        image: usize,
    },
    /// A percentile is out of range.
    #[error("--percentile {0} is out of range: it must be above 50 and at most 100")]
    Percentile(f64),
}
