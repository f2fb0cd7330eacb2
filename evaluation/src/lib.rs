//! Image sets, and calibrating and evaluating a model file on them: through `normgate-core`, on
//! the exported ONNX file, so that what is measured is what is served.
//!
//! ```text
//! datasets ─► ImageSet ─ outputs ─► SetOutputs ─┬─ calibrate ─► the threshold in the model file
//!                                               └─ evaluate ──► figures ─ reports ─► tables, plots
//! ```
//!
//! A set that a model is run on is loaded with the model's preprocessing:
//!
//! ```no_run
//! use indicatif::ProgressBar;
//! use normgate_core::detection::auroc;
//! use normgate_core::{Model, Runtime};
//! use normgate_evaluation::datasets::{LoadOptions, load};
//! use normgate_evaluation::outputs::run;
//!
//! # fn of(runtime: &Runtime) -> Result<f64, Box<dyn std::error::Error>> {
//! let model = Model::open("model.onnx".as_ref())?;
//! let options = LoadOptions {
//!     preprocessing: Some(model.manifest().preprocessing.clone()),
//!     ..LoadOptions::test()
//! };
//! let scores = |folder: &str| -> Result<Vec<f32>, Box<dyn std::error::Error>> {
//!     let set = load(folder.as_ref(), &options)?;
//!     let outputs = run(runtime, &model, &set, 2, &ProgressBar::hidden())?;
//!     Ok(outputs.scores(&**model.score()))
//! };
//! Ok(auroc(&scores("photos/test")?, &scores("photos/strange")?)?)
//! # }
//! ```
#![forbid(unsafe_code)]

pub mod adopt;
pub mod calibrate;
pub mod datasets;
pub mod error;
pub mod evaluate;
pub mod fit;
pub mod machine;
pub mod out;
pub mod outputs;
pub mod overlap;
pub mod quantize;
pub mod recorded;
pub mod reports;
mod say;
mod seen;
pub mod shell;
pub mod stop_signal;
pub mod workbench;

pub use error::EvaluationError;
