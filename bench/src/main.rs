//! `normgate-bench`: see [`normgate_bench`].
#![deny(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    switch_telemetry_off();
    normgate_bench::cli::run()
}

/// Official builds of ONNX Runtime report usage to their maker unless this is in the environment
/// before they are loaded.
#[allow(unsafe_code)]
fn switch_telemetry_off() {
    // SAFETY: this is the first thing in `main`, so no other thread exists that could read the environment.
    unsafe { std::env::set_var("ORT_DISABLE_TELEMETRY", "1") };
}
