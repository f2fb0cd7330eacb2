//! What is read, and what is not.

use super::*;

/// Moves a constant's data into a file beside the model, as PyTorch's exporter does.
fn move_out(place: &Place, location: &str) {
    let path = place.file("foreign.onnx");
    let mut model = decode(&std::fs::read(&path).unwrap()).unwrap();
    let tensor = &mut model.graph.as_mut().unwrap().initializer[0];
    let data = [&[7; 16][..], &tensor.raw_data].concat();
    let entry = |key: &str, value: String| StringStringEntryProto {
        key: key.into(),
        value,
    };
    tensor.external_data = vec![
        entry("location", location.into()),
        entry("offset", "16".into()),
        entry("length", tensor.raw_data.len().to_string()),
    ];
    tensor.raw_data.clear();
    tensor.data_location = 1;
    std::fs::write(place.file("foreign.onnx.data"), data).unwrap();
    std::fs::write(&path, onnx::encode(&model)).unwrap();
}

#[test]
fn data_beside_the_file_is_taken_in_and_from_nowhere_else() {
    let place = Place::new();
    let model = || {
        place.model(Dim::Batch, |graph, features| {
            let out = linear(graph, "out", features);
            graph.output(&out, &CLASSES);
        })
    };
    model();
    let pipe = std::process::Command::new("mkfifo")
        .arg(place.file("pipe"))
        .status();
    assert!(pipe.unwrap().success());
    for elsewhere in ["../foreign.onnx.data", "/etc/passwd", "", "pipe"] {
        move_out(&place, elsewhere);
        let error = place.refused(&[]);
        assert!(
            error.contains("`weights`") && error.contains("own folder"),
            "{error}"
        );
        model();
    }
    let outside = tempfile::NamedTempFile::new().unwrap();
    std::os::unix::fs::symlink(outside.path(), place.file("link")).unwrap();
    move_out(&place, "link");
    assert!(place.refused(&[]).contains("own folder"));
    model();
    move_out(&place, "foreign.onnx.data");
    std::fs::write(place.file("foreign.onnx.data"), [7; 20]).unwrap();
    assert!(place.refused(&[]).contains("foreign.onnx.data"));
    model();
    move_out(&place, "foreign.onnx.data");
    let report = place.adopt(&[]).unwrap();
    check_answers(&report.written);

    let path = place.file("foreign.onnx");
    let mut network = onnx::decode(&std::fs::read(&report.written).unwrap()).unwrap();
    let tensor = &mut network.graph.as_mut().unwrap().initializer[0];
    tensor.dims[0] += 1;
    std::fs::write(&path, onnx::encode(&network)).unwrap();
    std::fs::remove_file(&report.written).unwrap();
    move_out(&place, "foreign.onnx.data");
    let error = place.refused(&[]);
    assert!(error.contains("not as long as its shape says"), "{error}");
}

#[test]
fn data_beside_the_file_that_the_model_is_a_link_to_is_taken_in_too() {
    let place = Place::new();
    place.plain_model();
    move_out(&place, "foreign.onnx.data");
    let blobs = tempfile::tempdir().unwrap();
    let store = |name: &str| {
        let (link, blob) = (place.file(name), blobs.path().join(name.len().to_string()));
        std::fs::copy(&link, &blob).unwrap();
        std::fs::remove_file(&link).unwrap();
        std::os::unix::fs::symlink(&blob, &link).unwrap();
    };
    store("foreign.onnx.data");
    assert!(place.refused(&[]).contains("own folder"));
    store("foreign.onnx");
    check_answers(&place.adopt(&[]).unwrap().written);
}

#[test]
fn what_is_read_is_not_written_over() {
    let place = Place::new();
    place.plain_model();
    move_out(&place, "weights.bin");
    std::fs::copy(place.file("foreign.onnx.data"), place.file("weights.bin")).unwrap();
    for name in ["foreign.onnx", "foreign.onnx.data", "weights.bin"] {
        let out = place.file(name);
        let error = place.refused(&["--out", out.to_str().unwrap()]);
        assert!(error.contains("would be lost"), "{error}");
    }
}
