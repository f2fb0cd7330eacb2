//! Which library is loaded is settled once a process, so this test has a process of its own.

use normgate_core::runtime::{Runtime, RuntimeError};

#[test]
fn an_unusable_library_is_refused_and_does_not_spoil_a_later_usable_one() {
    let folder = tempfile::tempdir().unwrap();
    let garbage = folder.path().join("libonnxruntime.so");
    std::fs::write(&garbage, "not a library").unwrap();

    let error = Runtime::load(Some(&garbage)).err().unwrap();
    let message = error.to_string();
    assert!(matches!(error, RuntimeError::Unusable { .. }), "{message}");
    assert!(message.contains(garbage.to_str().unwrap()), "{message}");
    assert!(message.contains("make runtime"), "{message}");

    let runtime = Runtime::load(None).unwrap();
    assert!(runtime.version().starts_with("1."));

    let error = Runtime::load(Some(&garbage)).err().unwrap();
    assert!(
        matches!(error, RuntimeError::OtherLibraryLoaded { .. }),
        "{error}"
    );
}
