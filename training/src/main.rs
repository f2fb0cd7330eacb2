//! `normgate-train`: see [`normgate_training`].
#![deny(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    switch_telemetry_off();
    normgate_training::cli::run(keep_freed_memory)
}

/// Official builds of ONNX Runtime, which `calibrate` and `evaluate` load, report usage to their
/// maker unless this is in the environment before they are loaded.
#[allow(unsafe_code)]
fn switch_telemetry_off() {
    // SAFETY: the first thing in `main`: no other thread exists that could read the environment.
    unsafe { std::env::set_var("ORT_DISABLE_TELEMETRY", "1") };
}

/// Each step of a training takes and frees large tensors of the same sizes. glibc would have each from the
/// system and give it back, which fills it with zeros every time: an eighth of the time at width 64.
#[allow(unsafe_code)]
fn keep_freed_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: it takes no pointer, and no other thread exists.
    unsafe {
        libc::mallopt(libc::M_MMAP_MAX, 0);
        libc::mallopt(libc::M_TRIM_THRESHOLD, -1);
    }
}
