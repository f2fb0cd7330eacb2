use super::*;

fn read_all(bytes: &[u8]) -> Result<(), OnnxError> {
    refuse_external_data(bytes)?;
    read_metadata(bytes, METADATA_KEY)?;
    write_metadata(bytes, METADATA_KEY, "{}")?;
    Ok(())
}

#[test]
fn a_file_cut_anywhere_is_never_a_panic_and_never_has_a_manifest() {
    let model = test_models::bytes();
    let mut truncated = 0;
    for length in 0..model.len() {
        let cut = &model[..length];
        truncated += usize::from(matches!(read_all(cut), Err(OnnxError::Truncated { .. })));
        // The manifest comes last in the file, so no cut keeps it.
        assert!(!matches!(read_metadata(cut, METADATA_KEY), Ok(Some(_))));
    }
    assert!(
        truncated > model.len() / 2,
        "{truncated} of {}",
        model.len()
    );
}

#[test]
fn a_truncated_file_says_how_much_is_missing() {
    let model = test_models::bytes();
    let error = refuse_external_data(&model[..model.len() - 7]).unwrap_err();
    assert_eq!(error, OnnxError::Truncated { missing: 7 });
}

#[test]
fn a_metadata_entry_longer_than_its_part_is_damage_and_no_file_cut_short() {
    let mut model = remove_metadata(&test_models::bytes(), METADATA_KEY).unwrap();
    // An entry of two bytes that says its key has nine.
    model.extend_from_slice(&[0x72, 2, 0x0a, 9]);
    let error = read_metadata(&model, METADATA_KEY).unwrap_err();
    assert!(matches!(error, OnnxError::Malformed { .. }), "{error}");
}

#[test]
fn flipped_bytes_are_never_a_panic() {
    let model = test_models::bytes();
    let mut noise = noise(7);
    let mut next = || noise.next().unwrap() as usize;
    let mut refused = 0;
    for _ in 0..20_000 {
        let mut broken = model.clone();
        for _ in 0..1 + next() % 4 {
            let at = next() % broken.len();
            broken[at] = next() as u8;
        }
        refused += usize::from(read_all(&broken).is_err());
    }
    assert!(refused > 100, "{refused}");
}

#[test]
fn a_length_beyond_all_memory_is_refused_without_being_allocated() {
    let claims = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
    let model = [&[0x08, 0x08, 0x3a][..], &claims].concat();
    let error = refuse_external_data(&model).unwrap_err();
    assert!(matches!(error, OnnxError::Malformed { .. }), "{error}");
}

#[test]
fn other_files_are_named_by_what_they_look_like() {
    let cases: [(&[u8], &str); 9] = [
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "a PNG image"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "a JPEG image"),
        (b"<!DOCTYPE html><html>", "an HTML or XML page"),
        (b"{\"error\": \"not found\"}", "a JSON document"),
        (b"PK\x03\x04\x14\0", "a ZIP archive"),
        (b"\x80\0\0\0\0\0\0\0{\"a\":1}", "a safetensors file"),
        (
            b"version https://git-lfs.github.com/spec/v1\n",
            "git lfs pull",
        ),
        (b"hello there", "a text file"),
        (b"\x1c\0\0\0ORTM", "an ORT-format model"),
    ];
    for (bytes, kind) in cases {
        let message = refuse_external_data(bytes).unwrap_err().to_string();
        assert!(message.contains("not an ONNX model"), "{message}");
        assert!(message.contains(kind), "{kind}: {message}");
    }
    let empty = OnnxError::NotOnnx { looks_like: None };
    assert_eq!(refuse_external_data(b""), Err(empty));
}

#[test]
fn a_model_without_a_graph_is_refused() {
    let model = changed(|model| model.graph = None);
    assert_eq!(refuse_external_data(&model), Err(OnnxError::NoGraph));
}
