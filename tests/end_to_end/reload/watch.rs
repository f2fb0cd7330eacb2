//! `--watch`.

use std::{fs, io::Write, os::unix::fs::symlink, thread, time::Duration};

use super::{Reloading, count, red, wait_for};
use crate::{
    models::{ENGLISH, GERMAN, signs},
    support::Server,
};

#[test]
fn with_watch_a_file_that_is_renamed_or_written_in_pieces_is_taken_up() {
    let it = Reloading::with(&["--watch=100ms"]);
    GERMAN.put(&it.model);
    it.wait_for("ok", 1);
    it.assert_serves(&GERMAN);

    let bytes = ENGLISH.model().bytes().to_vec();
    let mut file = fs::File::create(&it.model).unwrap();
    for piece in bytes.chunks(bytes.len().div_ceil(8)) {
        file.write_all(piece).unwrap();
        thread::sleep(Duration::from_millis(30));
    }
    drop(file);
    it.wait_for("ok", 2);
    it.assert_serves(&ENGLISH);

    // A writer that pauses is believed to be done, but not for ever.
    let failed = it.count("failed");
    let bytes = GERMAN.model().bytes().to_vec();
    let (first, rest) = bytes.split_at(bytes.len() / 2);
    let mut file = fs::File::create(&it.model).unwrap();
    file.write_all(first).unwrap();
    it.wait_for("failed", failed + 1);
    it.assert_serves(&ENGLISH);
    file.write_all(rest).unwrap();
    drop(file);
    it.wait_for("ok", 3);
    it.assert_serves(&GERMAN);
}

#[test]
fn with_watch_a_volume_whose_link_is_swapped_is_followed() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    // As Kubernetes mounts a ConfigMap: the file leads through `..data` into a folder for each version.
    for (version, kind) in [("..1", &ENGLISH), ("..2", &GERMAN)] {
        fs::create_dir(at(version)).unwrap();
        kind.put(&at(version).join("model.onnx"));
    }
    symlink("..1", at("..data")).unwrap();
    symlink("..data/model.onnx", at("model.onnx")).unwrap();
    let model = at("model.onnx");
    let server = Server::with(&["--model", model.to_str().unwrap(), "--watch=100ms"]);
    symlink("..2", at("..data_tmp")).unwrap();
    fs::rename(at("..data_tmp"), at("..data")).unwrap();
    fs::remove_dir_all(at("..1")).unwrap();
    wait_for(&server, "ok", 1);
    let reply = server.classify("image/png", &red()).answer();
    assert_eq!(signs(&reply), GERMAN.signs());
    assert_eq!(count(&server, "failed"), 0);
}

#[test]
fn without_watch_a_changed_file_is_left_alone() {
    let it = Reloading::with(&[]);
    GERMAN.put(&it.model);
    thread::sleep(Duration::from_millis(500));
    it.assert_serves(&ENGLISH);
}
