//! A device that cannot be used stops the start with a reason: nothing falls back silently.

use crate::support::{repository, run, stderr};

fn refusal(arguments: &[&str]) -> String {
    let output = run(arguments);
    let said = stderr(&output);
    assert!(!output.status.success(), "{said}");
    assert!(output.stdout.is_empty(), "{said}");
    said
}

#[test]
fn cuda_with_a_library_that_has_none_is_refused_with_what_to_do() {
    let photo = repository().join("docs/images/cat.jpg");
    for arguments in [
        ["serve", "--listen", "127.0.0.1:0", "--device", "cuda"].as_slice(),
        &["classify", photo.to_str().unwrap(), "--device", "cuda:1"],
    ] {
        let said = refusal(arguments);
        for part in [
            "libonnxruntime.so",
            "built without CUDA",
            "scripts/fetch-onnxruntime --cuda",
            "--device cpu",
        ] {
            assert!(said.contains(part), "{said}");
        }
    }
}

#[test]
fn a_device_that_does_not_exist_is_refused_with_those_that_do() {
    let said = refusal(&["serve", "--device", "gpu"]);
    assert!(said.contains("expected cpu, cuda, or cuda:N"), "{said}");
}
