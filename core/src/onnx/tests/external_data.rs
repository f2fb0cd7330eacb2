use super::*;

fn external(name: &str) -> TensorProto {
    TensorProto {
        dims: vec![1],
        data_type: DataType::Float.into(),
        name: name.into(),
        external_data: vec![entry("location", "../../etc/passwd")],
        data_location: 1,
        ..Default::default()
    }
}

fn attribute(fill: impl FnOnce(&mut AttributeProto)) -> AttributeProto {
    let mut attribute = AttributeProto::default();
    fill(&mut attribute);
    attribute
}

fn node(attribute: AttributeProto) -> NodeProto {
    NodeProto {
        op_type: "If".into(),
        attribute: vec![attribute],
        ..Default::default()
    }
}

#[track_caller]
fn assert_refused(model: &[u8]) {
    let refused = refuse_external_data(model);
    let tensor = "there".to_owned();
    assert_eq!(refused, Err(OnnxError::ExternalData { tensor }));
}

#[test]
fn a_model_with_all_its_data_inside_passes() {
    assert_eq!(refuse_external_data(&test_models::bytes()), Ok(()));
}

#[test]
fn an_external_initialiser_is_refused_by_name() {
    assert_refused(&changed(|m| graph(m).initializer.push(external("there"))));
}

#[test]
fn either_sign_of_external_data_is_enough() {
    for clear in [
        (|tensor: &mut TensorProto| tensor.data_location = 0) as fn(&mut TensorProto),
        |tensor| tensor.external_data.clear(),
        |tensor| tensor.data_location = 7,
    ] {
        let mut tensor = external("there");
        clear(&mut tensor);
        assert_refused(&changed(|m| graph(m).initializer.push(tensor)));
    }
}

#[test]
fn external_values_and_indices_of_sparse_initialisers_are_refused() {
    assert_refused(&changed(|m| {
        graph(m).sparse_initializer.push(SparseTensorProto {
            values: Some(external("there")),
            ..Default::default()
        });
    }));
    assert_refused(&changed(|m| {
        graph(m).sparse_initializer.push(SparseTensorProto {
            indices: Some(external("there")),
            ..Default::default()
        });
    }));
}

#[test]
fn external_tensors_in_every_kind_of_attribute_are_refused() {
    let sparse = || SparseTensorProto {
        values: Some(external("there")),
        ..Default::default()
    };
    let nested = || GraphProto {
        initializer: vec![external("there")],
        ..Default::default()
    };
    let attributes = [
        attribute(|a| a.t = Some(external("there"))),
        attribute(|a| a.tensors = vec![TensorProto::default(), external("there")]),
        attribute(|a| a.sparse_tensor = Some(sparse())),
        attribute(|a| a.sparse_tensors = vec![sparse()]),
        attribute(|a| a.g = Some(nested())),
        attribute(|a| a.graphs = vec![nested()]),
    ];
    for attribute in attributes {
        assert_refused(&changed(|m| graph(m).node.push(node(attribute.clone()))));
        let inner = GraphProto {
            node: vec![node(attribute)],
            ..Default::default()
        };
        let outer = self::attribute(|a| a.g = Some(inner));
        assert_refused(&changed(|m| graph(m).node.push(node(outer))));
    }
}

#[test]
fn external_tensors_in_functions_and_training_information_are_refused() {
    // `proto` decodes neither of them, so their bytes are written here.
    let message = |field: u32, bytes: &[u8]| {
        let mut message = Vec::new();
        wire::push_bytes(&mut message, field, bytes);
        message
    };
    let attribute = attribute(|a| a.t = Some(external("there")));
    let graph = GraphProto {
        initializer: vec![external("there")],
        ..Default::default()
    };
    let parts = [
        message(25, &message(7, &node(attribute.clone()).encode_to_vec())),
        message(25, &message(11, &attribute.encode_to_vec())),
        message(20, &message(1, &graph.encode_to_vec())),
        message(20, &message(2, &graph.encode_to_vec())),
    ];
    for part in parts {
        assert_refused(&[test_models::bytes(), part].concat());
    }
}

#[test]
fn graphs_nested_without_end_are_refused_and_do_not_overflow_the_stack() {
    let mut graph: Vec<u8> = Vec::new();
    for _ in 0..2_000 {
        for field in [6, 5, 1] {
            let mut outer = Vec::new();
            wire::push_bytes(&mut outer, field, &graph);
            graph = outer;
        }
    }
    let mut model = vec![0x08, 0x08];
    wire::push_bytes(&mut model, 7, &graph);
    assert_eq!(refuse_external_data(&model), Err(OnnxError::TooDeep));
}

#[test]
fn a_file_that_begins_as_no_model_does_is_refused_by_its_beginning() {
    let model = test_models::bytes();
    for start in [1, 2, 3, 50, model.len()] {
        assert!(check_start(&model[..start]).is_ok(), "{start}");
    }
    for other in [
        &[0; 4096][..],
        b"",
        b"\x7fELF\x02\x01\x01",
        b"\xff\xd8\xff\xe0\0\x10JFIF\0",
    ] {
        let error = check_start(other).unwrap_err();
        assert!(matches!(error, OnnxError::NotOnnx { .. }), "{error}");
    }
}
