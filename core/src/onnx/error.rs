use thiserror::Error;

/// Why bytes were refused as an ONNX model.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum OnnxError {
    /// The bytes are not an ONNX model.
    #[error("this is not an ONNX model{}", looks_like.map(|kind| format!(": it looks like {kind}")).unwrap_or_default())]
    NotOnnx {
        /// What the bytes look like, if they are recognised: "a PNG image".
        looks_like: Option<&'static str>,
    },
    /// The file begins as an ONNX model, but ends too early.
    #[error(
        "the ONNX model is truncated: at least {missing} bytes are missing at its end; \
         copy or download it again"
    )]
    Truncated {
        /// The least number of bytes that are missing.
        missing: u64,
    },
    /// A part of the file breaks the protobuf encoding.
    #[error("the ONNX model is damaged: {what}; copy or download it again")]
    Malformed {
        /// What is broken.
        what: &'static str,
    },
    /// Graphs are nested deeper than any real model's.
    #[error("the ONNX model nests its graphs too deeply to be read safely")]
    TooDeep,
    /// The model has more parts than any real one, and would take much memory.
    #[error(
        "the ONNX model has more than {most} nodes, attributes and other parts: too many to be changed"
    )]
    TooManyParts {
        /// How many it may have.
        most: usize,
    },
    /// The model has no graph, only functions, for example.
    #[error("the ONNX model has no graph; export it again")]
    NoGraph,
    /// A tensor's data is in another file.
    #[error(
        "the tensor `{tensor}` keeps its data in another file, which is refused: a model file \
         could read any file of this machine in that way. `normgate adopt` takes data that lies \
         beside a model into it"
    )]
    ExternalData {
        /// Name of the tensor, empty if it has none.
        tensor: String,
    },
    /// With the data from other files, the model is larger than one file can be.
    #[error("with the data in other files the ONNX model has more than the 2 GiB of one file")]
    TooMuchData,
    /// A metadata key occurs more than once, so that readers would disagree on its value.
    #[error("the metadata key `{key}` occurs more than once; export the model again")]
    DuplicateKey {
        /// The key.
        key: String,
    },
    /// A metadata value is not UTF-8 text.
    #[error("the value of the metadata key `{key}` is not UTF-8 text; export the model again")]
    NotText {
        /// The key.
        key: String,
    },
    /// A part has a field that this crate's messages do not have.
    #[error(
        "the ONNX model has a field that this Normgate does not know (number {field} of its \
         {message}) and would lose if it changed the model; export it for ONNX 1.20 or older"
    )]
    UnknownField {
        /// The kind of part.
        message: String,
        /// The field's number.
        field: u32,
    },
}
