//! The Normgate server and its command line.
//!
//! A photo comes in through `routes`, is decoded and classified by worker threads in `engine`, and goes out as the
//! JSON of `reply`, or as an error of `problem`. `ARCHITECTURE.md` has the map. The binary calls [`cli::run`];
//! nothing else here is meant for other crates.
#![forbid(unsafe_code)]

mod accept;
mod body;
pub mod cli;
mod config;
mod connections;
mod deadline;
mod engine;
mod file_limit;
mod freed_memory;
mod head;
mod json_line;
mod loader;
mod model_document;
mod openapi;
mod page;
mod pause;
mod problem;
mod reply;
mod router;
mod routes;
mod server;
mod serving;
mod shutdown;
mod state;
mod telemetry;
#[cfg(test)]
mod test_support;
#[cfg(test)]
mod tests;

pub use freed_memory::Allocator;
