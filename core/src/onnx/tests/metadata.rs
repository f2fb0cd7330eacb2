use super::*;

#[test]
fn a_value_that_was_written_is_read_again() {
    let model = write_metadata(&test_models::bytes(), "key", "größer").unwrap();
    assert_eq!(read_metadata(&model, "key").unwrap().unwrap(), "größer");
    let model = write_metadata(&model, "key", "").unwrap();
    assert_eq!(read_metadata(&model, "key").unwrap().unwrap(), "");
    assert_eq!(read_metadata(&model, "other").unwrap(), None);
}

#[test]
fn writing_back_the_same_value_changes_no_byte() {
    let model = changed(|model| model.metadata_props.push(entry("author", "someone")));
    let value = read_metadata(&model, METADATA_KEY).unwrap().unwrap();
    let again = write_metadata(&model, METADATA_KEY, &value).unwrap();
    assert!(model == again);
}

#[test]
fn fields_that_this_crate_does_not_know_survive_in_their_place() {
    let small = test_models::bytes();
    // Field 20 (training information, an empty one) and field 2047 (none of ONNX's) before everything else; field
    // 1000, as fixed64, after it.
    let before: &[u8] = &[0xa2, 0x01, 0x00, 0xfa, 0x7f, 0x02, b'h', b'i'];
    let after: &[u8] = &[0xc1, 0x3e, 1, 2, 3, 4, 5, 6, 7, 8];
    let model = [before, &small, after].concat();
    let written = write_metadata(&model, METADATA_KEY, "{}").unwrap();
    assert!(written.starts_with(before) && written.ends_with(after));
    let inner = &written[before.len()..written.len() - after.len()];
    assert!(inner == write_metadata(&small, METADATA_KEY, "{}").unwrap());
}

#[test]
fn only_the_one_key_is_replaced() {
    let model = changed(|model| {
        let manifest = model.metadata_props.pop().unwrap();
        model.metadata_props = vec![entry("a", "1"), manifest, entry("b", "2")];
    });
    let written = write_metadata(&model, METADATA_KEY, "new").unwrap();
    let decoded = ModelProto::decode(&*written).unwrap();
    let expected = vec![entry("a", "1"), entry(METADATA_KEY, "new"), entry("b", "2")];
    assert_eq!(decoded.metadata_props, expected);
    assert_eq!(decoded.graph, ModelProto::decode(&*model).unwrap().graph);
}

#[test]
fn a_key_that_occurs_twice_is_refused_when_read_and_replaced_by_one_when_written() {
    let model = changed(|model| model.metadata_props.push(entry(METADATA_KEY, "{}")));
    assert_eq!(
        read_metadata(&model, METADATA_KEY),
        Err(OnnxError::DuplicateKey {
            key: METADATA_KEY.into()
        })
    );
    let written = write_metadata(&model, METADATA_KEY, "one").unwrap();
    assert_eq!(
        read_metadata(&written, METADATA_KEY).unwrap().unwrap(),
        "one"
    );
}

#[test]
fn a_value_that_is_not_text_is_refused() {
    let mut model = test_models::bytes();
    // An entry with the key "k" and the value 0xff.
    model.extend_from_slice(&[0x72, 6, 0x0a, 1, b'k', 0x12, 1, 0xff]);
    let refused = read_metadata(&model, "k");
    assert_eq!(refused, Err(OnnxError::NotText { key: "k".into() }));
}
