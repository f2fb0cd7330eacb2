//! What the trainer and the server must agree on: preprocessing, the model file and its manifest,
//! the ONNX Runtime session, the scores, calibration and the detection metrics.
#![forbid(unsafe_code)]

pub mod calibration;
pub mod detection;
pub mod preprocess;
pub mod scores;
