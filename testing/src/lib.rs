//! What the tests of all crates share: where the real image sets are, what the ONNX checker says, whether a reply is
//! as documented, and a message for each test that is left out because something is missing.
#![forbid(unsafe_code)]

pub mod openapi;
pub mod schema;

use std::{
    env, fs,
    io::{Write, stderr},
    path::{Path, PathBuf},
    process::Command,
};

/// If this variable is set, a test that would be left out fails: CI runs them all.
pub const RUN_ALL: &str = "NORMGATE_ALL_TESTS";

/// The folder of the real image sets, `$NORMGATE_TEST_DATA` or `../shared/data` beside the repository; `None`, after
/// saying so, if it is not there.
///
/// # Panics
/// As [`left_out`].
pub fn image_sets(test: &str) -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    let folder = env::var_os("NORMGATE_TEST_DATA").map_or_else(beside, PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    left_out(test, "the image sets");
    None
}

/// Checks that a model file passes all checks of the ONNX checker, if `make onnx-checker` has installed the pinned
/// one.
///
/// # Panics
/// If the model does not pass, and as [`left_out`].
pub fn passes_the_onnx_checker(model: &Path) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let read = |file: &str| fs::read(root.join(file)).ok();
    // Otherwise the script would install it now.
    if read(".tools/onnx/requirements.txt") != read("scripts/requirements-onnx.txt") {
        return left_out("the ONNX checker", "make onnx-checker");
    }
    let output = Command::new(root.join("scripts/check-onnx"))
        .arg(model)
        .output();
    let passes = output.as_ref().is_ok_and(|output| output.status.success());
    assert!(passes, "{}: {output:?}", model.display());
}

/// Says on the terminal that a test is left out, past the test runner, which shows nobody what a passing test prints.
///
/// # Panics
/// If [`RUN_ALL`] is set.
pub fn left_out(test: &str, missing: &str) {
    let line = format!("left out: {test} needs {missing}");
    assert!(
        env::var_os(RUN_ALL).is_none(),
        "{line}, and {RUN_ALL} is set"
    );
    // That nobody can be told is no reason to fail.
    let _ = writeln!(stderr().lock(), "{line}");
}
