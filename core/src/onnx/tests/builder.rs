use super::*;

#[test]
fn a_name_used_twice_is_a_mistake() {
    let mut graph = GraphBuilder::new("g");
    let x = graph.input("x", &[Dim::Batch]);
    let y = graph.relu("x", &x);
    graph.output(&y, &[Dim::Batch]);
    let mistake = graph.finish(&[]).unwrap_err();
    assert_eq!(mistake, GraphError::DuplicateName("x".into()));
}

#[test]
fn data_that_does_not_fill_its_shape_is_a_mistake() {
    let mut graph = GraphBuilder::new("g");
    let weight = graph.floats("w", &[2, 3], &[0.0; 5]);
    graph.output(&weight, &[Dim::Fixed(2), Dim::Fixed(3)]);
    assert_eq!(
        graph.finish(&[]).unwrap_err().to_string(),
        "the constant `w` has 5 values, but its shape [2, 3] needs 6"
    );
}

#[test]
fn a_graph_without_an_output_is_a_mistake() {
    let mistake = GraphBuilder::new("g").finish(&[]).unwrap_err();
    assert_eq!(mistake, GraphError::NoOutput);
}

#[test]
fn constants_are_stored_little_endian_with_their_type() {
    let mut graph = GraphBuilder::new("g");
    let one = graph.floats("f32", &[1], &[1.0]);
    graph.constant("f16", &[1], TensorData::F16(&[0x3c00]));
    graph.constant("i8", &[2], TensorData::I8(&[-1, 2]));
    graph.constant("i64", &[1], TensorData::I64(&[-2]));
    graph.output(&one, &[Dim::Fixed(1)]);
    let model = ModelProto::decode(&*graph.finish(&[]).unwrap()).unwrap();
    let found: Vec<(DataType, Vec<u8>)> = model
        .graph
        .unwrap()
        .initializer
        .into_iter()
        .map(|tensor| (tensor.data_type(), tensor.raw_data))
        .collect();
    let expected = vec![
        (DataType::Float, vec![0, 0, 0x80, 0x3f]),
        (DataType::Float16, vec![0, 0x3c]),
        (DataType::Int8, vec![0xff, 2]),
        (
            DataType::Int64,
            vec![0xfe, 255, 255, 255, 255, 255, 255, 255],
        ),
    ];
    assert_eq!(found, expected);
}
