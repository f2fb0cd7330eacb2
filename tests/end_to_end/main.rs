//! The real binary, on a free port, with the shipped model, spoken to over HTTP.
//!
//! Tests that need the image sets find them in `$NORMGATE_TEST_DATA` or in `../shared/data`; if they are absent, each
//! says so in one line and is left out.
#![forbid(unsafe_code)]

mod adopt;
mod api;
mod benchmark;
mod bodies;
mod body_memory;
mod calibration;
mod command_line;
mod cuts;
mod deadlines;
mod device;
mod errors;
mod flood;
mod formats;
mod gone;
mod large_beside_small;
mod layout;
mod logs;
mod models;
mod openapi;
mod overload;
mod panics;
mod privacy;
mod probes;
mod quantize;
mod reload;
mod robustness;
mod scores;
mod shared_weights;
mod shutdown;
mod slow_model;
mod stalled;
mod support;
mod wire;
