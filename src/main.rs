//! The `normgate` command: a thin shell around [`normgate::cli`], and what cannot be said
//! to the system without `unsafe`.
#![deny(unsafe_code)]

use std::process::ExitCode;

use normgate::Allocator;

fn main() -> ExitCode {
    switch_runtime_telemetry_off();
    normgate::cli::run(Allocator {
        set_large_apart,
        give_back,
    })
}

/// Official builds of ONNX Runtime upload usage telemetry unless this variable is in the
/// environment before the library starts.
#[allow(unsafe_code)]
fn switch_runtime_telemetry_off() {
    // SAFETY: the first statement of the process, before there is a second thread that could read
    // the environment meanwhile.
    unsafe { std::env::set_var("ORT_DISABLE_TELEMETRY", "1") };
}

/// With glibc, large blocks come each from the system and go back to it, or all from common ground, where what
/// is freed is at hand for the next one.
#[allow(unsafe_code)]
fn set_large_apart(apart: bool) {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        // A photo's body is small enough to come from common ground, and a part of its pixels too.
        let (large, kept) = match apart {
            true => (256 << 10, 256 << 10),
            false => (8 << 20, 16 << 20),
        };
        // SAFETY: it takes no pointer; what it sets are numbers that other threads may read before or after.
        unsafe {
            libc::mallopt(libc::M_MMAP_THRESHOLD, large);
            libc::mallopt(libc::M_TRIM_THRESHOLD, kept);
        }
    }
    #[cfg(not(all(target_os = "linux", target_env = "gnu")))]
    let _ = apart;
}

/// A flood of images, or loading a model, takes much for a while. glibc keeps what is freed for later,
/// in pieces here and there, and what comes next takes new memory beside them.
#[allow(unsafe_code)]
fn give_back() {
    // SAFETY: it takes no pointer, and locks what it works on.
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    unsafe {
        libc::malloc_trim(0);
    }
}
