use super::*;

/// A field with this number that holds bytes.
fn field(number: u32, bytes: &[u8]) -> Vec<u8> {
    let mut field = Vec::new();
    wire::push_bytes(&mut field, number, bytes);
    field
}

#[test]
fn a_model_of_our_own_is_encoded_as_it_was_decoded() {
    let model = test_models::bytes();
    assert!(encode(&decode(&model).unwrap()) == model);
}

#[test]
fn what_others_write_into_a_model_is_kept() {
    let model = changed(|model| {
        // Training, functions and the like, of which nothing is decoded.
        model.training_info = vec![vec![]];
        model.functions = vec![field(1, b"f")];
        model.doc_string = "why".into();
        let graph = graph(model);
        graph.quantization_annotation = vec![field(1, b"x")];
        graph.metadata_props = vec![entry("scope", "graph")];
        graph.node[0].metadata_props = vec![entry("scope", "layer")];
        graph.node[0].overload = "o".into();
        graph.node[0].attribute[0].ref_attr_name = "r".into();
        graph.initializer[0].doc_string = "d".into();
        graph.initializer[0].double_data = vec![0.5];
        graph.input[0].metadata_props = vec![entry("a", "b")];
        let r#type = graph.input[0].r#type.as_mut().unwrap();
        r#type.denotation = "IMAGE".into();
        let shape = r#type.tensor_type.as_mut().unwrap().shape.as_mut();
        shape.unwrap().dim[0].denotation = "DATA_BATCH".into();
        graph.output[0].r#type.as_mut().unwrap().optional_type = Some(vec![]);
    });
    let again = decode(&model).unwrap();
    assert!(encode(&again) == model);
    assert_eq!(again.functions, [field(1, b"f")]);
}

#[test]
fn what_would_be_lost_is_refused_with_its_place() {
    let unknown = field(2047, b"new");
    let model = [test_models::bytes(), unknown.clone()].concat();
    let refused = |message: &str| OnnxError::UnknownField {
        message: message.into(),
        field: 2047,
    };
    assert_eq!(decode(&model).unwrap_err(), refused("Model"));

    // The same inside a node: a model with a graph with a node.
    let graph = field(1, &[field(4, b"Relu"), unknown].concat());
    let model = [vec![0x08, 8], field(7, &graph)].concat();
    let error = decode(&model).unwrap_err();
    assert_eq!(error, refused("Node"));
    assert!(
        error.to_string().contains("number 2047 of its Node"),
        "{error}"
    );
}

#[test]
fn a_field_of_the_wrong_type_is_damage() {
    // The version of an operator set, a number, as bytes.
    let model = [vec![0x08, 8], field(7, &[]), field(8, &field(2, b"17"))].concat();
    let error = decode(&model).unwrap_err();
    assert!(matches!(error, OnnxError::Malformed { .. }), "{error}");
}

#[test]
fn floats_must_fill_their_shape() {
    let mut tensor = TensorProto::constant("t", &[2], TensorData::F32(&[1.0, -2.0]));
    assert_eq!(tensor.floats().unwrap(), [1.0, -2.0]);
    tensor.dims = vec![3];
    assert_eq!(tensor.floats(), None);
    tensor.dims = vec![i64::MAX, i64::MAX];
    assert_eq!(tensor.floats(), None);
    tensor.dims = vec![-2];
    assert_eq!(tensor.floats(), None);
    tensor = TensorProto::constant("t", &[1], TensorData::I32(&[7]));
    assert_eq!(tensor.floats(), None);
}

#[test]
fn a_small_file_that_would_take_much_memory_is_refused() {
    // Attributes of two bytes each.
    let attributes = [0x2a, 0x00].repeat(600_000);
    let graph = field(1, &[field(4, b"Relu"), attributes].concat());
    let model = [vec![0x08, 8], field(7, &graph)].concat();
    let error = decode(&model).unwrap_err();
    assert!(matches!(error, OnnxError::TooManyParts { .. }), "{error}");
}
