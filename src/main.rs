//! The `normgate` command: a thin shell around [`normgate::cli`], and the two things that cannot be
//! said to the system without `unsafe`.
#![deny(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    switch_runtime_telemetry_off();
    normgate::cli::run(give_memory_back)
}

/// Official builds of ONNX Runtime upload usage telemetry unless this variable is in the
/// environment before the library starts.
#[allow(unsafe_code)]
fn switch_runtime_telemetry_off() {
    // SAFETY: the first statement of the process, before there is a second thread that could read
    // the environment meanwhile.
    unsafe { std::env::set_var("ORT_DISABLE_TELEMETRY", "1") };
}

/// A flood of images, or loading a model, takes much for a while. glibc keeps what is freed for later,
/// in pieces here and there, and what comes next takes new memory beside them.
#[allow(unsafe_code)]
fn give_memory_back() {
    // SAFETY: it takes no pointer, and locks what it works on.
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    unsafe {
        libc::malloc_trim(0);
    }
}
