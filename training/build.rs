//! Lets the trainer find libtorch at run time, without `LD_LIBRARY_PATH`.

use std::path::Path;

fn main() {
    // Set by torch-sys: the folder that it linked against.
    let Some(lib) = std::env::var_os("DEP_TCH_LIBTORCH_LIB") else {
        return;
    };
    let lib = Path::new(&lib);
    println!("cargo:rustc-link-arg=-Wl,-rpath,{}", lib.display());
    // So that a checkout that was moved together with its `target` folder still runs.
    println!("cargo:rustc-link-arg=-Wl,-rpath,$ORIGIN/../../.runtime/libtorch/torch/lib");

    // Nothing refers to a symbol of libtorch_cuda (it registers itself when loaded), so the linker drops it unless
    // told not to. If only the CPU's libraries were fetched, there is none to link.
    let cuda = lib.join("libtorch_cuda.so");
    // The folder, not the file: cargo treats a missing file as changed, every time.
    println!("cargo:rerun-if-changed={}", lib.display());
    if cuda.exists() {
        for argument in [
            "-Wl,--no-as-needed",
            "-ltorch_cuda",
            "-ltorch",
            "-Wl,--as-needed",
        ] {
            println!("cargo:rustc-link-arg={argument}");
        }
    }
}
