//! What the trainer and the server must agree on: preprocessing, the model file and its manifest,
//! the ONNX Runtime session, the scores, calibration and the detection metrics.
//!
//! ```text
//! bytes ─ preprocess::decode ─► Rgb8 ─ Preprocessor ─► [3,H,W] ─ runtime::Session ─► logits, representation
//!                                                                                        │
//!                                Classification ◄─ Classifier (scores + calibration) ◄───┘
//! ```
//!
//! Throughout, a **score is larger where an image is more out-of-distribution (OOD)**.
#![forbid(unsafe_code)]

pub mod calibration;
pub mod classifier;
pub mod detection;
pub mod manifest;
pub mod model;
pub mod onnx;
pub mod preprocess;
pub mod printable;
pub mod runtime;
pub mod scores;

#[cfg(test)]
mod test_models;

pub use calibration::Calibration;
pub use classifier::{Classification, Classifier};
pub use manifest::{Filter, Manifest, Preprocessing, QuantizationRecord, Resize, TrainingRecord};
pub use model::Model;
pub use preprocess::{Preprocessor, Rgb8};
pub use runtime::{Outputs, Runtime, Session, SessionOptions};
pub use scores::{Score, ScoreKind};
