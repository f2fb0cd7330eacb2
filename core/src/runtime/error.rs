use std::path::PathBuf;

use thiserror::Error;

use super::Device;

/// Why ONNX Runtime could not be loaded.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RuntimeError {
    /// The environment variable that keeps ONNX Runtime from uploading usage data is not set.
    #[error(
        "ORT_DISABLE_TELEMETRY=1 is not in the environment: without it, ONNX Runtime would upload \
         usage data. Set it before the process starts"
    )]
    TelemetryNotDisabled,
    /// The library that was asked for does not exist.
    #[error(
        "there is no ONNX Runtime library {}, which {asked_by} names: run `make runtime` to fetch \
         one, or give its path with --onnxruntime",
        path.display()
    )]
    Missing {
        /// The path asked for.
        path: PathBuf,
        /// The argument or variable that holds it.
        asked_by: &'static str,
    },
    /// No library was asked for, and none is in the usual places.
    #[error(
        "ONNX Runtime was not found: run `make runtime` to fetch it into .runtime/, or give the \
         path of libonnxruntime.so with --onnxruntime or ORT_DYLIB_PATH. Looked for{}",
        looked_at.iter().map(|path| format!("\n  {}", path.display())).collect::<String>()
    )]
    NotFound {
        /// The places that were looked at.
        looked_at: Vec<PathBuf>,
    },
    /// The library exists but cannot be used.
    #[error(
        "the ONNX Runtime library {} cannot be used: {reason}. Normgate needs version 1.24 or \
         newer, built for this machine; run `make runtime` to fetch one",
        library.display()
    )]
    Unusable {
        /// The library.
        library: PathBuf,
        /// The loader's reason.
        reason: String,
    },
    /// The library was built without CUDA.
    #[error(
        "the ONNX Runtime library {} was built without CUDA: fetch one that has it with \
         `scripts/fetch-onnxruntime --cuda` and name it with --onnxruntime \
         .runtime/cuda/libonnxruntime.so (`make serve DEVICE=cuda` does both), or use --device cpu",
        library.display()
    )]
    NoCuda {
        /// The library.
        library: PathBuf,
    },
    /// The CUDA libraries beside ONNX Runtime cannot be loaded.
    #[error(
        "the CUDA libraries cannot be loaded: {reason}. Fetch them again with \
         `scripts/fetch-onnxruntime --cuda`, or use --device cpu"
    )]
    CudaLibraries {
        /// The loader's reason.
        reason: String,
    },
    /// A process can use only one ONNX Runtime.
    #[error(
        "this process has loaded ONNX Runtime from {} and cannot also use {}",
        loaded.display(),
        asked.display()
    )]
    OtherLibraryLoaded {
        /// The library in use.
        loaded: PathBuf,
        /// The library asked for.
        asked: PathBuf,
    },
}

/// Why a model could not be prepared or run.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SessionError {
    /// ONNX Runtime refused the model.
    #[error(
        "ONNX Runtime cannot load the model {model} of {origin}: {reason}. Export it with \
         operators that this ONNX Runtime has (an older opset, and none of your own), or give a newer one with \
         --onnxruntime"
    )]
    Unloadable {
        /// Name and version of the model.
        model: String,
        /// The file that holds it.
        origin: String,
        /// ONNX Runtime's reason.
        reason: String,
    },
    /// The device cannot be used, or not for this model.
    #[error(
        "the model {model} cannot be run on {device}: {reason}. {device} needs an NVIDIA card of \
         that number and a driver for CUDA 13 (`nvidia-smi` shows both), the libraries of CUDA 13 \
         and cuDNN 9 (`scripts/fetch-onnxruntime --cuda` fetches them), and a model whose \
         operators all run there (those of int8 models do not, nor do those that compute a shape, which \
         exporters write where a batch of any size is reshaped: a tool such as onnxslim may take them out). Normgate \
         never falls back to the CPU silently: to use it, say --device cpu"
    )]
    Device {
        /// Name and version of the model.
        model: String,
        /// The device asked for.
        device: Device,
        /// ONNX Runtime's reason.
        reason: String,
    },
    /// The model has no input, or several.
    #[error("a model must have one input, the images; the model {model} has {found}")]
    Inputs {
        /// Name and version of the model.
        model: String,
        /// The inputs it has, or "none".
        found: String,
    },
    /// An output is missing.
    #[error(
        "the model {model} has no output `{missing}`; it has {found}. Export it with outputs \
         named `logits` and `representation`"
    )]
    NoOutput {
        /// Name and version of the model.
        model: String,
        /// The output that is not there.
        missing: &'static str,
        /// The outputs that are.
        found: String,
    },
    /// An input or output does not have the type or shape that the manifest says.
    #[error("`{name}` of the model {model} is {found}; by its manifest it must be {expected}")]
    Shape {
        /// Name and version of the model.
        model: String,
        /// Name of the input or output.
        name: String,
        /// Its type and shape.
        found: String,
        /// What they must be.
        expected: String,
    },
    /// The caller's images do not have the length that their count says.
    #[error("{count} images of this model are {expected} values; {found} were given")]
    ImagesLength {
        /// The number of images announced.
        count: usize,
        /// The number of values needed.
        expected: usize,
        /// The number of values given.
        found: usize,
    },
    /// A run gave an output that does not have the length that the manifest says.
    #[error(
        "the model's output `{output}` has the shape {found:?}; for {} image(s) it must have {expected:?}: export \
         the model again, with the images on the first axis",
        expected[0]
    )]
    OutputShape {
        /// Name of the output.
        output: &'static str,
        /// The number of images run, and that of values for each by the manifest.
        expected: [usize; 2],
        /// The shape found.
        found: Vec<i64>,
    },
    /// ONNX Runtime failed while running the model.
    #[error("ONNX Runtime failed to run the model: {reason}")]
    Run {
        /// ONNX Runtime's reason.
        reason: String,
    },
}
