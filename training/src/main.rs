//! `normgate-train`: see [`normgate_training`].
#![deny(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    switch_telemetry_off();
    normgate_training::cli::run()
}

/// Official builds of ONNX Runtime, which `calibrate` and `evaluate` load, report usage to their
/// maker unless this is in the environment before they are loaded.
#[allow(unsafe_code)]
fn switch_telemetry_off() {
    // SAFETY: the first thing in `main`: no other thread exists that could read the environment.
    unsafe { std::env::set_var("ORT_DISABLE_TELEMETRY", "1") };
}
