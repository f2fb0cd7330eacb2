use super::*;
use crate::test_models;

fn refusal(name: &str, content: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, content).unwrap();
    let message = Model::open(&path).err().unwrap().to_string();
    assert!(message.contains(path.to_str().unwrap()), "{message}");
    message
}

#[test]
fn a_saved_model_is_opened_again_with_the_same_bytes_and_digest() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.onnx");
    let model = Model::from_bytes(test_models::bytes()).unwrap();
    fs::write(&path, "an older model").unwrap();
    model.save(&path).unwrap();
    let opened = Model::open(&path).unwrap();
    assert!(opened.bytes() == model.bytes());
    assert_eq!(opened.digest(), model.digest());
    assert_eq!(**opened.manifest(), test_models::manifest());
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "a temporary file was left: {left:?}");
}

#[cfg(unix)]
#[test]
fn a_saved_model_can_be_read_by_another_user() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.onnx");
    // What the process's umask leaves of 0o666, as an ordinary file shows.
    let ordinary = folder.path().join("ordinary");
    File::create(&ordinary).unwrap();
    test_models::Variant::default().model().save(&path).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(&path), mode(&ordinary));
}

#[cfg(unix)]
#[test]
fn a_model_saved_over_a_link_replaces_what_it_leads_to_and_keeps_its_permissions() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let (real, link) = (folder.path().join("v3.onnx"), folder.path().join("current"));
    fs::write(&real, "an older model").unwrap();
    fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
    std::os::unix::fs::symlink("v3.onnx", &link).unwrap();
    test_models::Variant::default().model().save(&link).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    Model::open(&real).unwrap();
    let mode = fs::metadata(&real).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
}

#[test]
fn the_digest_is_sha256_of_the_file() {
    // The first test vector of FIPS 180-4.
    assert_eq!(
        hex(&Sha256::digest(b"abc")),
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    );
}

#[test]
fn another_manifest_changes_the_digest_and_not_the_graph() {
    let model = Model::from_bytes(test_models::bytes()).unwrap();
    let mut manifest = test_models::manifest();
    manifest.version = "2".into();
    let other = model.with_manifest(manifest.clone()).unwrap();
    assert_eq!(**other.manifest(), manifest);
    assert_ne!(other.digest(), model.digest());
    let back = other.with_manifest(test_models::manifest()).unwrap();
    assert!(back.bytes() == model.bytes());
}

#[test]
fn what_a_score_learnt_stays_with_its_model_and_belongs_to_no_other_score() {
    use crate::scores::{FitData, Fitted, ScoreKind};
    let model = Model::from_bytes(test_models::bytes()).unwrap();
    let (logits, representation) = ([0.0, 1.0, 2.0, 3.0, 4.0, 5.0], [1.0, 2.0, 4.0, 3.0]);
    let layer = model.last_layer();
    assert_eq!(layer.as_ref().unwrap().bias, [0.0, 0.0, 0.5]);
    let data = FitData::new((3, 2), &[0, 1], &logits, &representation, layer).unwrap();
    let knn = Fitted::fit(ScoreKind::Knn, &data, None).unwrap();

    let escape = Fitted::fit(ScoreKind::Knn, &data, Some("\u{1b}[2J".into())).unwrap();

    let mut manifest = test_models::manifest();
    manifest.score = ScoreKind::Knn;
    let old_threshold = model
        .with_score(manifest.clone(), Some(&knn))
        .err()
        .unwrap();
    assert!(
        old_threshold.to_string().contains("not for knn"),
        "{old_threshold}"
    );
    manifest.calibration.as_mut().unwrap().threshold += 1.0;
    let lacking = model.with_manifest(manifest.clone()).err().unwrap();
    assert!(lacking.to_string().contains("--fit-data"), "{lacking}");
    let unprintable = model
        .with_score(manifest.clone(), Some(&escape))
        .err()
        .unwrap();
    assert!(
        unprintable.to_string().contains(r"'\u{1b}'"),
        "{unprintable}"
    );
    let fitted = model.with_score(manifest.clone(), Some(&knn)).unwrap();
    assert_eq!(fitted.score().score(&[0.0; 3], &[4.0, 3.0]), 0.0);
    manifest.version = "2".into();
    let again = fitted.with_manifest(manifest).unwrap();
    assert_eq!(again.fitted(), fitted.fitted());

    let other = again.with_manifest(test_models::manifest()).err().unwrap();
    assert!(
        other.to_string().contains("calibrate the model again"),
        "{other}"
    );
    let back = again.with_score(test_models::manifest(), None).unwrap();
    assert!(back.bytes() == model.bytes());

    // What the messages tell people to do begins with opening the file.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.onnx");
    let own = test_models::manifest().to_json().unwrap();
    let spoilt = onnx::write_metadata(again.bytes(), METADATA_KEY, &own).unwrap();
    fs::write(&path, spoilt).unwrap();
    assert!(Model::open(&path).is_err());
    let opened = Model::open_for_another_score(&path).unwrap();
    assert_eq!(opened.score().kind(), ScoreKind::RepresentationNorm);
    assert!(opened.fitted().is_none() && opened.manifest().calibration.is_none());
    let manifest = again.manifest().as_ref().clone();
    let mended = opened.with_score(manifest, Some(&knn)).unwrap();
    assert!(mended.bytes() == again.bytes());
}

#[test]
fn an_invalid_manifest_is_not_written_and_its_field_is_named() {
    let model = Model::from_bytes(test_models::bytes()).unwrap();
    let mut manifest = test_models::manifest();
    manifest.preprocessing.std[0] = f32::NAN;
    let message = model.with_manifest(manifest).err().unwrap().to_string();
    assert!(message.contains("preprocessing.std[0]"), "{message}");
}

#[test]
fn a_missing_file_is_named() {
    let message = Model::open(Path::new("no/such.onnx")).err().unwrap();
    assert_eq!(
        message.to_string(),
        "there is no model file no/such.onnx: check the path"
    );
}

#[test]
fn a_directory_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let message = Model::open(folder.path()).err().unwrap().to_string();
    assert!(message.contains("is not a file"), "{message}");
}

#[test]
fn empty_and_tiny_files_are_refused_with_their_size() {
    assert!(refusal("empty.onnx", b"").contains("has only 0 bytes"));
    assert!(refusal("tiny.onnx", b"\x08\x08").contains("has only 2 bytes"));
}

#[test]
fn a_page_saved_as_a_model_is_recognised() {
    let page = format!("<!DOCTYPE html><title>404</title>{}", " ".repeat(64));
    assert!(refusal("page.onnx", page.as_bytes()).contains("looks like an HTML"));
}

#[test]
fn a_truncated_model_is_called_that() {
    let bytes = test_models::bytes();
    let message = refusal("cut.onnx", &bytes[..bytes.len() - 100]);
    assert!(message.contains("truncated"), "{message}");
}

#[test]
fn a_model_of_other_tools_is_told_where_manifests_come_from() {
    let mut graph = onnx::GraphBuilder::new("someone's model, with a long name");
    let x = graph.input("x", &[onnx::Dim::Batch]);
    let y = graph.relu("y", &x);
    graph.output(&y, &[onnx::Dim::Batch]);
    let message = refusal("other.onnx", &graph.finish(&[]).unwrap());
    assert!(message.contains("no Normgate manifest"), "{message}");
    assert!(message.contains("normgate adopt"), "{message}");
}

#[test]
fn a_bad_manifest_is_refused_with_file_and_field() {
    let bytes = test_models::Variant::default().bytes(r#"{"schema_version": 9}"#);
    let message = refusal("newer.onnx", &bytes);
    assert!(message.contains("schema_version"), "{message}");
    assert!(message.contains("made by a newer Normgate"), "{message}");
}
