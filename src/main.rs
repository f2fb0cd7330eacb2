//! The `normgate` command: a thin shell around [`normgate::cli`], and what the system cannot be told without
//! `unsafe`.
#![deny(unsafe_code)]

use std::process::ExitCode;

use normgate::Allocator;

fn main() -> ExitCode {
    set_variables();
    normgate::cli::run(Allocator {
        set_large_apart,
        give_back,
    })
}

/// Sets what libraries read from the environment when they start: official builds of ONNX Runtime upload usage data
/// unless they are told not to, and on a GPU, where it finds no other plan for a convolution, it computes in TF32 after
/// all, with 10 bits, unless NVIDIA's libraries are told not to. What the user has set for that stays.
#[allow(unsafe_code)]
fn set_variables() {
    let tf32 = "NVIDIA_TF32_OVERRIDE";
    let is_set = std::env::var_os(tf32).is_some();
    // SAFETY: this is the first statement of the process, before there is a second thread that could read the
    // environment meanwhile.
    unsafe {
        std::env::set_var("ORT_DISABLE_TELEMETRY", "1");
        if !is_set {
            std::env::set_var(tf32, "0");
        }
    }
}

/// Tells glibc whether large blocks are each taken from the system and given back to it, or come from the common heap
/// (all but the largest), where what is freed is at hand for the next one.
#[allow(unsafe_code)]
fn set_large_apart(apart: bool) {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        // A photo's body is small enough to come from the heap, and so are parts of its pixels.
        let (large, kept) = match apart {
            true => (256 << 10, 256 << 10),
            false => (8 << 20, 16 << 20),
        };
        // SAFETY: it takes no pointer, and sets numbers that other threads may read before or after.
        unsafe {
            libc::mallopt(libc::M_MMAP_THRESHOLD, large);
            libc::mallopt(libc::M_TRIM_THRESHOLD, kept);
        }
    }
    #[cfg(not(all(target_os = "linux", target_env = "gnu")))]
    let _ = apart;
}

/// Gives freed memory back to the system. A flood of images, or loading a model, takes much for a while; glibc keeps
/// what is freed for later, in pieces here and there, and what comes next takes new memory beside them.
#[allow(unsafe_code)]
fn give_back() {
    // SAFETY: it takes no pointer, and locks what it works on.
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    unsafe {
        libc::malloc_trim(0);
    }
}
