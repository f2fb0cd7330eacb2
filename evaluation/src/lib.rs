//! Image sets, and calibrating and evaluating a model file on them: through `normgate-core`, on
//! the exported ONNX file, so that what is measured is what is served.
//!
//! ```text
//! datasets ─► ImageSet ─ outputs ─► SetOutputs ─┬─ calibrate ─► the threshold in the model file
//!                                               └─ evaluate ──► figures ─ reports ─► tables, plots
//! ```
#![forbid(unsafe_code)]

pub mod adopt;
pub mod calibrate;
pub mod datasets;
pub mod error;
pub mod evaluate;
pub mod fit;
pub mod machine;
mod out;
pub mod outputs;
pub mod overlap;
pub mod quantize;
pub mod reports;
mod seen;
pub mod shell;
pub mod workbench;

pub use error::EvaluationError;
