//! The benchmark: how much of what ONNX Runtime can do on this machine reaches the server's clients. Both are
//! measured in one run, taking turns.
//!
//! ```text
//! plan ─► cells (model × input) ─ rounds ─┬─ raw ───► images/s of ONNX Runtime, decoding, inference
//!                                         └─ server ─ load ─► requests/s, latencies, CPU, memory
//!                                                        └─► report ─► terminal, JSON, Markdown
//! ```
#![forbid(unsafe_code)]

pub mod cli;
pub mod error;
pub mod load;
pub mod machine;
pub mod models;
pub mod pictures;
pub mod plan;
pub mod processes;
pub mod raw;
pub mod report;
pub mod requests;
pub mod rounds;
pub mod server;
pub mod statistics;
