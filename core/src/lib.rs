//! What the trainer and the server must agree on: preprocessing, the model file and its manifest,
//! the ONNX Runtime session, the scores, calibration and the detection metrics.
//!
//! ```text
//! bytes ─ preprocess::decode ─► Rgb8 ─ Preprocessor ─► [3,H,W] ─ runtime::Session ─► logits, representation
//!                                                                                        │
//!                                Classification ◄─ Classifier (scores + calibration) ◄───┘
//! ```
//!
//! ```no_run
//! use normgate_core::preprocess::Limits;
//! use normgate_core::{Classifier, Model, Outputs, Preprocessor, Runtime, Session, SessionOptions};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // SAFETY: no other thread has been started. Without it, `Runtime::load` refuses.
//! unsafe { std::env::set_var("ORT_DISABLE_TELEMETRY", "1") };
//! let runtime = Runtime::load(None)?;
//! let model = Model::open("models/cifar10-lt.onnx".as_ref())?;
//!
//! let mut preprocessor = Preprocessor::new(&model.manifest().preprocessing);
//! let image = preprocessor.decode(&std::fs::read("photo.jpg")?, &Limits::default())?;
//! let mut input = vec![0.0; preprocessor.tensor_len()];
//! preprocessor.write_tensor(&image, &mut input)?;
//!
//! let mut session = Session::new(&runtime, &model, &SessionOptions::default())?;
//! let mut outputs = Outputs::default();
//! session.run(&input, 1, &mut outputs)?;
//! let answer = Classifier::new(&model)?.classify(&outputs.logits, &outputs.representation)?;
//! println!("{}, OOD: {}", model.manifest().labels[answer.class_index], answer.is_ood);
//! # Ok(())
//! # }
//! ```
//!
//! Throughout, a **larger score means more out of distribution (OOD)**.
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
pub use runtime::{Outputs, Runtime, Session, SessionOptions, Sessions};
pub use scores::{Score, ScoreKind};
