//! Image sets, and calibrating and evaluating a model file on them: through `normgate-core`, on
//! the exported ONNX file, so that what is measured is what is served.
#![forbid(unsafe_code)]

pub mod datasets;
