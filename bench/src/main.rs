//! `normgate-bench`: see [`normgate_bench`].
#![deny(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    set_variables();
    normgate_bench::cli::run()
}

/// Sets what libraries read from the environment when they are loaded, as the server does: official builds of ONNX
/// Runtime report usage to their maker unless they are told not to, and what is measured on a GPU must compute in
/// float32 as the server does. What the user has set for that stays.
#[allow(unsafe_code)]
fn set_variables() {
    let tf32 = "NVIDIA_TF32_OVERRIDE";
    let is_set = std::env::var_os(tf32).is_some();
    // SAFETY: this is the first thing in `main`, so no other thread exists that could read the environment.
    unsafe {
        std::env::set_var("ORT_DISABLE_TELEMETRY", "1");
        if !is_set {
            std::env::set_var(tf32, "0");
        }
    }
}
