use super::*;

const OUTPUTS: (&str, &str) = ("logits", "representation");

/// `x` → Relu → `representation` → (the given layer) → `logits`.
fn model(layer: impl FnOnce(&mut GraphBuilder, &Value)) -> Vec<u8> {
    let mut graph = GraphBuilder::new("g");
    let x = graph.input("x", &[Dim::Batch, Dim::Fixed(2)]);
    let representation = graph.relu("representation", &x);
    graph.output(&representation, &[Dim::Batch, Dim::Fixed(2)]);
    layer(&mut graph, &representation);
    graph.finish(&[]).unwrap()
}

fn read(layer: impl FnOnce(&mut GraphBuilder, &Value)) -> Result<LastLayer, LastLayerError> {
    last_layer(&model(layer), OUTPUTS, (3, 2))
}

/// Three classes, two values each.
const WEIGHTS: [f32; 6] = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
const BIAS: [f32; 3] = [0.5, -0.5, 0.0];

fn expected(bias: [f32; 3]) -> LastLayer {
    LastLayer {
        weights: WEIGHTS.into(),
        bias: bias.into(),
    }
}

#[test]
fn a_gemm_as_pytorch_stores_it() {
    let layer = read(|graph, x| {
        let weights = graph.floats("w", &[3, 2], &WEIGHTS);
        let bias = graph.floats("b", &[3], &BIAS);
        graph.linear("logits", x, &weights, Some(&bias));
    });
    assert_eq!(layer.unwrap(), expected(BIAS));
}

#[test]
fn a_matrix_product_with_the_bias_added_behind_it_or_without() {
    let columns = [1.0, 3.0, 5.0, 2.0, 4.0, 6.0];
    for with_bias in [true, false] {
        let layer = read(|graph, x| {
            let weights = graph.floats("w", &[2, 3], &columns);
            let bias = graph.floats("b", &[3], &BIAS);
            if with_bias {
                let product = graph.node("product", "MatMul", &[x, &weights], vec![]);
                graph.node("logits", "Add", &[&bias, &product], vec![]);
            } else {
                graph.node("logits", "MatMul", &[x, &weights], vec![]);
            }
        });
        let bias = if with_bias { BIAS } else { [0.0; 3] };
        assert_eq!(layer.unwrap(), expected(bias), "with a bias: {with_bias}");
    }
}

#[test]
fn constants_added_to_a_layer_or_taken_from_it_are_part_of_its_bias() {
    const PRIOR: [f32; 3] = [1.0, 2.0, 4.0];
    for shape in [&[3][..], &[1, 3]] {
        let with = |layer: &dyn Fn(&mut GraphBuilder, &Value, &Value)| {
            let layer = model(|graph, x| {
                let weights = graph.floats("w", &[3, 2], &WEIGHTS);
                let bias = graph.floats("b", &[3], &BIAS);
                let linear = graph.linear("linear", x, &weights, Some(&bias));
                let prior = graph.floats("prior", shape, &PRIOR);
                layer(graph, &linear, &prior);
            });
            let found = decode(&layer).unwrap().graph.unwrap();
            let found = heads(&found, "logits").unwrap();
            assert_eq!(
                (&*found.representation, found.lengths, &*found.logits),
                ("representation", (3, 2), "logits")
            );
            last_layer(&layer, OUTPUTS, (3, 2)).unwrap()
        };
        let plus = with(&|graph, linear, prior| {
            graph.add("logits", linear, prior);
        });
        assert_eq!(plus, expected([1.5, 1.5, 4.0]));
        let turned = with(&|graph, linear, prior| {
            graph.add("logits", prior, linear);
        });
        assert_eq!(turned, plus);
        let minus = with(&|graph, linear, prior| {
            graph.node("logits", "Sub", &[linear, prior], vec![]);
        });
        assert_eq!(minus, expected([-0.5, -2.5, -4.0]));
        let several = with(&|graph, linear, prior| {
            let half = graph.floats("half", &[], &[0.5]);
            let less = graph.node("less", "Sub", &[linear, &half], vec![]);
            let same = graph.node("same", "Identity", &[&less], vec![]);
            let more = graph.add("more", &same, prior);
            graph.add("logits", &more, &half);
        });
        assert_eq!(several, plus);
    }
}

#[test]
fn a_number_that_a_layer_is_multiplied_or_divided_by_scales_its_weights_and_its_bias() {
    let layer = read(|graph, x| {
        let weights = graph.floats("w", &[3, 2], &WEIGHTS);
        let linear = graph.linear("linear", x, &weights, None);
        let bias = graph.floats("b", &[3], &[2.0, -2.0, 0.0]);
        let four = graph.floats("four", &[1], &[4.0]);
        let half = graph.floats("half", &[], &[0.5]);
        let shifted = graph.add("shifted", &linear, &bias);
        let less = graph.node("less", "Div", &[&shifted, &four], vec![]);
        let more = graph.node("more", "Mul", &[&four, &less], vec![]);
        let again = graph.node("again", "Mul", &[&more, &half], vec![]);
        graph.add("logits", &again, &half);
    });
    let halved = LastLayer {
        weights: WEIGHTS.map(|w| w / 2.0).into(),
        bias: vec![1.5, -0.5, 0.5],
    };
    assert_eq!(layer.unwrap(), halved);
    // One for each class would not leave the layer what it is.
    let by_class = read(|graph, x| {
        let weights = graph.floats("w", &[3, 2], &WEIGHTS);
        let linear = graph.linear("linear", x, &weights, None);
        let scales = graph.floats("scales", &[3], &BIAS);
        graph.node("logits", "Mul", &[&linear, &scales], vec![]);
    });
    let message = by_class.unwrap_err().to_string();
    assert!(message.contains("the operator Mul"), "{message}");
}

#[test]
fn a_dropout_that_nothing_tells_to_train_is_passed_over() {
    let layer = read(|graph, x| {
        let weights = graph.floats("w", &[3, 2], &WEIGHTS);
        let same = graph.node("same", "Dropout", &[x], vec![]);
        graph.linear("logits", &same, &weights, None);
    });
    assert_eq!(layer.unwrap(), expected([0.0; 3]));
}

#[test]
fn a_constant_that_would_make_more_of_the_logits_is_no_bias() {
    let read = |shape: &[usize], values: &[f32]| {
        read(|graph, x| {
            let weights = graph.floats("w", &[3, 2], &WEIGHTS);
            let linear = graph.linear("linear", x, &weights, None);
            let other = graph.floats("other", shape, values);
            graph.add("logits", &linear, &other);
        })
    };
    assert_eq!(read(&[3, 1], &[1.0; 3]), Err(LastLayerError::Weights));
    assert_eq!(read(&[1, 1, 3], &[1.0; 3]), Err(LastLayerError::Weights));
    assert_eq!(read(&[1, 1], &[2.0]).unwrap().bias, [2.0; 3]);
}

#[test]
fn what_a_sum_is_of_is_said_where_it_is_not_of_a_layer_and_constants() {
    let difference = read(|graph, x| {
        let weights = graph.floats("w", &[3, 2], &WEIGHTS);
        let linear = graph.linear("linear", x, &weights, None);
        let prior = graph.floats("prior", &[3], &BIAS);
        graph.node("logits", "Sub", &[&prior, &linear], vec![]);
    });
    let of_two = read(|graph, x| {
        let weights = graph.floats("w", &[3, 2], &WEIGHTS);
        let linear = graph.linear("linear", x, &weights, None);
        let other = graph.relu("other", &linear);
        graph.add("logits", &linear, &other);
    });
    for read in [difference, of_two] {
        let message = read.unwrap_err().to_string();
        assert!(message.contains("a sum of values"), "{message}");
    }
}

#[test]
fn weights_kept_as_halves_or_as_whole_numbers_with_scales() {
    let layer = read(|graph, x| {
        let halves = [0x3c00, 0x4000, 0x4200, 0x4400, 0x4500, 0x4600];
        let stored = graph.constant("w16", &[3, 2], TensorData::F16(&halves));
        let weights = graph.cast_to_float("w", &stored);
        let bias = graph.floats("b", &[3], &BIAS);
        graph.linear("logits", x, &weights, Some(&bias));
    });
    assert_eq!(layer.unwrap(), expected(BIAS));

    let layer = read(|graph, x| {
        let stored = graph.constant("w8", &[3, 2], TensorData::I8(&[1, 2, 6, 8, 50, 60]));
        let scales = graph.floats("scale", &[3, 1], &[1.0, 0.5, 0.1]);
        let whole = graph.cast_to_float("whole", &stored);
        let weights = graph.node("w", "Mul", &[&whole, &scales], vec![]);
        graph.linear("logits", x, &weights, None);
    });
    assert_eq!(layer.unwrap(), expected([0.0; 3]));

    let layer = read(|graph, x| {
        let stored = graph.constant("w8", &[3, 2], TensorData::I8(&[3, 4, 8, 10, 53, 63]));
        let scales = graph.floats("scale", &[3], &[1.0, 0.5, 0.1]);
        let zeros = graph.constant("zero", &[3], TensorData::I8(&[2, 2, 3]));
        let axis = vec![AttributeProto::int("axis", 0)];
        let inputs = [&stored, &scales, &zeros];
        let weights = graph.node("w", "DequantizeLinear", &inputs, axis);
        graph.linear("logits", x, &weights, None);
    });
    assert_eq!(layer.unwrap(), expected([0.0; 3]));
}

#[test]
fn weights_that_the_graph_rounds_to_levels_are_those_that_it_computes_with() {
    let layer = read(|graph, x| {
        let scales = graph.floats("scale", &[3], &[1.0, 0.5, 0.1]);
        let zeros = graph.constant("zero", &[3], TensorData::I8(&[0, 2, 100]));
        let axis = || vec![AttributeProto::int("axis", 0)];
        // 0.5 and 2.5 lie between two levels, of which the even one is taken; the last is beyond the highest.
        let stored = graph.floats("w32", &[3, 2], &[0.5, 2.5, 3.2, -1.1, 0.31, 9.0]);
        let inputs = [&stored, &scales, &zeros];
        let levels = graph.node("levels", "QuantizeLinear", &inputs, axis());
        let inputs = [&levels, &scales, &zeros];
        let weights = graph.node("w", "DequantizeLinear", &inputs, axis());
        graph.linear("logits", x, &weights, None);
    });
    let weights = layer.unwrap().weights;
    let expected = [0.0, 2.0, 3.0, -1.0, 0.3, 2.7];
    let close = weights
        .iter()
        .zip(expected)
        .all(|(a, b)| (a - b).abs() < 1e-6);
    assert!(close, "{weights:?}");
    // Without a zero point, it says itself to what it rounds, uint8 if it does not.
    let rounded_to = |kind: i64| {
        read(|graph, x| {
            let one = graph.floats("one", &[], &[1.0]);
            let stored = graph.floats("w32", &[3, 2], &[-3.0, 2.0, 200.0, -200.0, 0.0, 300.0]);
            let kind = vec![AttributeProto::int("output_dtype", kind)];
            let levels = graph.node("levels", "QuantizeLinear", &[&stored, &one], kind);
            let weights = graph.node("w", "DequantizeLinear", &[&levels, &one], vec![]);
            graph.linear("logits", x, &weights, None);
        })
        .map(|layer| layer.weights)
    };
    assert_eq!(rounded_to(0).unwrap(), [0.0, 2.0, 200.0, 0.0, 0.0, 255.0]);
    assert_eq!(
        rounded_to(3).unwrap(),
        [-3.0, 2.0, 127.0, -128.0, 0.0, 127.0]
    );
    assert_eq!(rounded_to(5), Err(LastLayerError::Weights));
    // Scales for blocks are not known.
    let blocked = read(|graph, x| {
        let stored = graph.constant("w8", &[3, 2], TensorData::I8(&[1; 6]));
        let scales = graph.floats("scale", &[3, 1], &[1.0, 2.0, 3.0]);
        let size = vec![AttributeProto::int("block_size", 2)];
        let weights = graph.node("w", "DequantizeLinear", &[&stored, &scales], size);
        graph.linear("logits", x, &weights, None);
    });
    assert_eq!(blocked, Err(LastLayerError::Weights));
}

#[test]
fn weights_behind_a_transposition_are_turned_as_it_says() {
    let turned = |perm: Option<&[i64]>| {
        let layer = model(|graph, x| {
            let weights = graph.floats("w", &[2, 2], &WEIGHTS[..4]);
            let perm = perm.map(|ints| AttributeProto {
                name: "perm".into(),
                r#type: AttributeType::Ints.into(),
                ints: ints.into(),
                ..Default::default()
            });
            let weights = graph.node("t", "Transpose", &[&weights], perm.into_iter().collect());
            graph.linear("logits", x, &weights, None);
        });
        last_layer(&layer, OUTPUTS, (2, 2)).map(|layer| layer.weights)
    };
    let across = Ok(vec![1.0, 3.0, 2.0, 4.0]);
    assert_eq!(turned(None), across);
    assert_eq!(turned(Some(&[1, 0])), across);
    assert_eq!(turned(Some(&[0, 1])), Ok(WEIGHTS[..4].to_vec()));
    assert_eq!(turned(Some(&[0])), Err(LastLayerError::Weights));
}

#[test]
fn an_operator_of_the_same_name_from_elsewhere_makes_no_weights() {
    let layer = model(|graph, x| {
        let stored = graph.floats("stored", &[3, 2], &WEIGHTS);
        let weights = graph.node("foreign", "Identity", &[&stored], vec![]);
        graph.linear("logits", x, &weights, None);
    });
    let mut layer = decode(&layer).unwrap();
    for node in &mut layer.graph.as_mut().unwrap().node {
        if node.op_type == "Identity" {
            node.domain = "elsewhere".into();
        }
    }
    let read = last_layer(&layer.encode_to_vec(), OUTPUTS, (3, 2));
    assert_eq!(read, Err(LastLayerError::Weights));
}

#[test]
fn weights_that_each_node_of_a_chain_takes_twice_are_given_up_soon() {
    let chain = |links: usize| {
        read(|graph, x| {
            let mut weights = graph.floats("w", &[3, 2], &[1.0; 6]);
            for link in 0..links {
                let name = format!("link{link}");
                weights = graph.node(&name, "Mul", &[&weights, &weights], vec![]);
            }
            graph.linear("logits", x, &weights, None);
        })
    };
    assert_eq!(chain(4).unwrap().weights, [1.0; 6]);
    assert_eq!(chain(16), Err(LastLayerError::Weights));
}

#[test]
fn what_is_no_linear_layer_of_the_representation_is_said() {
    let activated = read(|graph, x| {
        let weights = graph.floats("w", &[3, 2], &WEIGHTS);
        let linear = graph.linear("linear", x, &weights, None);
        graph.relu("logits", &linear);
    });
    let message = activated.unwrap_err().to_string();
    assert!(
        message.contains("comes from the operator Relu"),
        "{message}"
    );

    let behind = read(|graph, x| {
        let hidden = graph.relu("hidden", x);
        let weights = graph.floats("w", &[3, 2], &WEIGHTS);
        graph.linear("logits", &hidden, &weights, None);
    });
    let message = behind.unwrap_err().to_string();
    assert!(message.contains("takes `hidden`"), "{message}");

    let computed = read(|graph, x| {
        let weights = graph.floats("w", &[3, 2], &WEIGHTS);
        let weights = graph.relu("computed", &weights);
        graph.linear("logits", x, &weights, None);
    });
    assert_eq!(computed, Err(LastLayerError::Weights));

    let wide = read(|graph, x| {
        let weights = graph.floats("w", &[2, 2], &WEIGHTS[..4]);
        graph.linear("logits", x, &weights, None);
    });
    assert_eq!(wide, Err(LastLayerError::Weights));
}

#[test]
fn a_graph_in_a_circle_ends() {
    let circle = changed(|model| {
        let graph = graph(model);
        for node in &mut graph.node {
            if node.output == ["logits"] {
                node.op_type = "Identity".into();
                node.input = vec!["logits".into()];
            }
        }
    });
    let read = last_layer(&circle, OUTPUTS, (3, 2));
    assert!(
        matches!(read, Err(LastLayerError::NotLinear { .. })),
        "{read:?}"
    );
}
