//! `normgate-train`: see [`normgate_training`].
#![deny(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    set_variables();
    normgate_training::cli::run(keep_freed_memory)
}

/// Sets what libraries read from the environment when they are loaded.
///
/// Official builds of ONNX Runtime, which `calibrate` and `evaluate` load, report usage to their maker unless they
/// are told not to. cuDNN computes float32 convolutions in TF32, with 10 bits, unless it is told otherwise; what the
/// user has set for that stays. If cuDNN is loaded before `main`, this may be too late (nobody has tried), so gpu.sh
/// sets it before the program starts.
#[allow(unsafe_code)]
fn set_variables() {
    let tf32 = "NVIDIA_TF32_OVERRIDE";
    let is_set = std::env::var_os(tf32).is_some();
    // SAFETY: the first thing in `main`: no other thread exists that could read the environment.
    unsafe {
        std::env::set_var("ORT_DISABLE_TELEMETRY", "1");
        if !is_set {
            std::env::set_var(tf32, "0");
        }
    }
}

/// Tells glibc to keep freed memory.
///
/// Each training step takes and frees large tensors of the same sizes, on the main thread. glibc would get each from
/// the system and give it back, and it would be filled with zeros every time (docs/training.md). What the user has
/// set for that stays.
#[allow(unsafe_code)]
fn keep_freed_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    for (variable, parameter, value) in [
        ("MALLOC_MMAP_MAX_", libc::M_MMAP_MAX, 0),
        ("MALLOC_TRIM_THRESHOLD_", libc::M_TRIM_THRESHOLD, -1),
    ] {
        if std::env::var_os(variable).is_none() {
            // SAFETY: it takes no pointer; what it sets are numbers that other threads may read before or after.
            let done = unsafe { libc::mallopt(parameter, value) };
            debug_assert_eq!(done, 1, "{variable}");
        }
    }
}
