//! The `normgate` command: a thin shell around [`normgate::cli`].
#![deny(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    switch_runtime_telemetry_off();
    normgate::cli::run()
}

/// Official builds of ONNX Runtime upload usage telemetry unless this variable is in the
/// environment before the library starts.
#[allow(unsafe_code)]
fn switch_runtime_telemetry_off() {
    // SAFETY: the first statement of the process, before there is a second thread that could read
    // the environment meanwhile.
    unsafe { std::env::set_var("ORT_DISABLE_TELEMETRY", "1") };
}
