//! Which values are taken for logits and representation.

use super::*;

#[test]
fn the_representation_is_found_before_the_last_linear_layer() {
    let place = Place::new();
    place.plain_model();
    let report = place.adopt(&[]).unwrap();
    assert_eq!(
        (&*report.heads.logits, &*report.heads.representation),
        ("out", "features")
    );
    let manifest = &report.manifest;
    assert_eq!(
        (&*manifest.name, manifest.representation_size),
        ("foreign", 3)
    );
    assert_eq!(manifest.labels, ["a", "b"]);
    assert_eq!(
        (manifest.preprocessing.width, manifest.calibration.is_none()),
        (4, true)
    );
    check_answers(&report.written);
    passes_the_onnx_checker(&report.written);
    let shown = report.to_string();
    assert!(
        shown.contains("`features`, 3 values") && shown.contains("calibrate"),
        "{shown}"
    );
}

#[test]
fn a_product_and_a_sum_are_a_linear_layer_too() {
    let place = Place::new();
    place.model(Dim::Batch, |graph, features| {
        let weights = graph.floats("weights", &[2, 3], &WEIGHTS);
        let turned = graph.node("turned", "Transpose", &[&weights], vec![]);
        let product = graph.node("product", "MatMul", &[features, &turned], vec![]);
        let bias = graph.floats("bias", &[2], &BIAS);
        let out = graph.add("out", &product, &bias);
        graph.output(&out, &CLASSES);
    });
    check_answers(&place.adopt(&[]).unwrap().written);
}

#[test]
fn logits_are_taken_before_a_softmax_even_where_that_is_called_logits() {
    let place = Place::new();
    place.model(Dim::Batch, |graph, features| {
        let scores = linear(graph, "representation", features);
        let out = softmax(graph, "logits", &scores);
        graph.output(&out, &CLASSES);
    });
    let report = place.adopt(&[]).unwrap();
    assert_eq!(report.heads.softmax.as_deref(), Some("Softmax"));
    check_answers(&report.written);
    passes_the_onnx_checker(&report.written);
}

#[test]
fn of_logits_and_their_softmax_the_logits_are_taken_and_other_outputs_dropped() {
    let place = Place::new();
    place.model(Dim::Batch, |graph, features| {
        let scores = linear(graph, "scores", features);
        let shares = softmax(graph, "shares", &scores);
        graph.output(&shares, &CLASSES);
        graph.output(&scores, &CLASSES);
        graph.output(features, &FEATURES);
    });
    let report = place.adopt(&[]).unwrap();
    check_answers(&report.written);
    let adopted = decode(Model::open(&report.written).unwrap().bytes()).unwrap();
    let outputs = adopted.graph.unwrap().output;
    let outputs: Vec<_> = outputs.iter().map(|output| &*output.name).collect();
    assert_eq!(outputs, ["logits", "representation"]);
}

#[test]
fn where_no_layer_tells_both_outputs_are_named() {
    let place = Place::new();
    place.model(Dim::Batch, |graph, features| {
        let scores = linear(graph, "scores", features);
        // As if the head were a convolution, for example.
        let out = graph.relu("out", &scores);
        let shown = graph.node("shown", "Identity", &[features], vec![]);
        graph.output(&out, &CLASSES);
        graph.output(&shown, &FEATURES);
    });
    let error = place.refused(&["--logits", "out"]);
    assert!(
        error.contains("comes from the operator Relu") && error.contains("--representation"),
        "{error}"
    );
    let error = place.refused(&["--logits", "nothing"]);
    assert!(
        error.contains("no output `nothing`; it has `out`, `shown`"),
        "{error}"
    );
    let report = place.adopt(&["--representation", "shown"]).unwrap();
    assert_eq!(
        (&*report.heads.logits, report.manifest.representation_size),
        ("out", 3)
    );
}

#[test]
fn of_two_heads_one_is_chosen_by_name() {
    let place = Place::new();
    place.model(Dim::Batch, |graph, features| {
        let scores = linear(graph, "scores", features);
        let weights = graph.floats("other weights", &[2, 3], &[0.5; 6]);
        let other = graph.linear("other", features, &weights, None);
        graph.output(&scores, &CLASSES);
        graph.output(&other, &CLASSES);
    });
    let error = place.refused(&[]);
    assert!(
        error.contains("`scores` (2 values), `other` (2 values)") && error.contains("--logits"),
        "{error}"
    );
    check_answers(&place.adopt(&["--logits", "scores"]).unwrap().written);
}

#[test]
fn of_two_heads_the_one_with_a_value_for_each_name_is_taken() {
    let place = Place::new();
    place.model(Dim::Batch, |graph, features| {
        let weights = graph.floats("other weights", &[4, 3], &[0.5; 12]);
        let other = graph.linear("other", features, &weights, None);
        let scores = linear(graph, "scores", features);
        graph.output(&other, &[Dim::Batch, Dim::Fixed(4)]);
        graph.output(&scores, &CLASSES);
    });
    check_answers(&place.adopt(&[]).unwrap().written);
    std::fs::remove_file(place.file("out.onnx")).unwrap();
    let error = place.refused(&["--labels", "a,b,c"]);
    assert!(
        error.contains("any of `other` (4 values), `scores` (2 values)"),
        "{error}"
    );
    // With a representation by name, two outputs remain.
    place.model(Dim::Batch, |graph, features| {
        let scores = linear(graph, "scores", features);
        let out = graph.relu("out", &scores);
        let seen = graph.node("seen", "Identity", &[features], vec![]);
        let more = graph.relu("more", features);
        graph.output(&seen, &FEATURES);
        graph.output(&more, &FEATURES);
        graph.output(&out, &CLASSES);
    });
    let report = place.adopt(&["--representation", "seen"]).unwrap();
    assert_eq!(report.heads.logits, "out");
}

#[test]
fn weights_of_a_type_that_is_not_read_are_said_to_be_so() {
    for (kind, bytes, said) in [
        (DataType::Double, 8, "are float64"),
        (DataType::Bfloat16, 2, "are bfloat16"),
    ] {
        let place = Place::new();
        place.plain_model();
        let path = place.file("foreign.onnx");
        let mut model = decode(&std::fs::read(&path).unwrap()).unwrap();
        let graph = model.graph.as_mut().unwrap();
        for tensor in &mut graph.initializer {
            let values: i64 = tensor.dims.iter().product();
            tensor.data_type = kind.into();
            tensor.float_data.clear();
            tensor.raw_data = vec![0; values as usize * bytes];
        }
        std::fs::write(&path, onnx::encode(&model)).unwrap();
        let error = place.refused(&[]);
        assert!(
            error.contains(said) && error.contains("model.float()"),
            "{error}"
        );
    }
}

#[test]
fn a_model_without_outputs_is_said_to_have_none() {
    let place = Place::new();
    place.plain_model();
    let path = place.file("foreign.onnx");
    let mut model = decode(&std::fs::read(&path).unwrap()).unwrap();
    model.graph.as_mut().unwrap().output.clear();
    std::fs::write(&path, onnx::encode(&model)).unwrap();
    let error = place.refused(&[]);
    assert!(error.contains("the model has no outputs"), "{error}");
}

#[test]
fn a_length_in_the_file_that_is_not_the_real_one_is_told_by_the_output_s_own_name() {
    let place = Place::new();
    place.model(Dim::Batch, |graph, features| {
        let scores = linear(graph, "scores", features);
        let seen = graph.node("seen", "Identity", &[features], vec![]);
        graph.output(&scores, &CLASSES);
        graph.output(&seen, &[Dim::Batch, Dim::Fixed(2)]);
    });
    let error = place.refused(&["--representation", "seen"]);
    assert!(
        error.contains("`seen` should be float [N, 2], with N dynamic or 1, and is float [N, 3]"),
        "{error}"
    );
}

#[test]
fn probabilities_without_a_softmax_in_sight_are_refused() {
    let place = Place::new();
    place.model(Dim::Batch, |graph, features| {
        let scores = linear(graph, "scores", features);
        let exps = graph.node("exps", "Exp", &[&scores], vec![]);
        let axis = graph.constant("axis", &[1], TensorData::I64(&[1]));
        let sum = graph.node("sum", "ReduceSum", &[&exps, &axis], vec![]);
        let out = graph.node("out", "Div", &[&exps, &sum], vec![]);
        graph.output(&out, &CLASSES);
        graph.output(features, &FEATURES);
    });
    let error = place.refused(&["--logits", "out", "--representation", "features"]);
    assert!(error.contains("without its softmax"), "{error}");
}

#[test]
fn a_head_of_several_parts_is_not_taken_for_one_of_them() {
    let place = Place::new();
    place.model(Dim::Batch, |graph, features| {
        let weights = graph.floats("weights", &[3, 2], &WEIGHTS);
        let one = graph.node("one", "MatMul", &[features, &weights], vec![]);
        let other = graph.relu("other", features);
        let other = graph.node("two", "MatMul", &[&other, &weights], vec![]);
        let out = graph.add("out", &one, &other);
        graph.output(&out, &CLASSES);
    });
    let error = place.refused(&[]);
    assert!(
        error.contains("a sum of values that the graph computes") && error.contains("--logits"),
        "{error}"
    );
}

#[test]
fn a_sigmoid_is_refused_whether_found_or_named() {
    let place = Place::new();
    place.model(Dim::Batch, |graph, features| {
        let scores = linear(graph, "scores", features);
        let out = graph.node("out", "Sigmoid", &[&scores], vec![]);
        graph.output(&out, &CLASSES);
        graph.output(features, &FEATURES);
    });
    for more in [
        &["--logits", "out"][..],
        &["--logits", "out", "--representation", "features"],
    ] {
        let error = place.refused(more);
        assert!(error.contains("exactly one"), "{error}");
    }
}

#[test]
fn a_constant_behind_the_linear_layer_belongs_to_the_logits() {
    for (operator, turned) in [("Add", false), ("Add", true), ("Sub", false)] {
        let place = Place::new();
        place.model(Dim::Batch, |graph, features| {
            let weights = graph.floats("weights", &[2, 3], &WEIGHTS);
            let prior = match operator {
                "Sub" => [0.375, 1.0],
                _ => [-0.375, -1.0],
            };
            let bias = graph.floats("bias", &[2], &[0.5; 2]);
            let scores = graph.linear("scores", features, &weights, Some(&bias));
            let prior = graph.floats("prior", &[1, 2], &prior);
            let inputs = match turned {
                true => [&prior, &scores],
                false => [&scores, &prior],
            };
            let out = graph.node("out", operator, &inputs, vec![]);
            graph.output(&out, &CLASSES);
        });
        let report = place.adopt(&[]).unwrap();
        assert_eq!(report.heads.logits, "out");
        check_answers(&report.written);
        let layer = Model::open(&report.written).unwrap().last_layer().unwrap();
        assert_eq!((layer.weights, layer.bias), (WEIGHTS.into(), BIAS.into()));
    }
}

#[test]
fn constant_weights_that_the_graph_computes_are_called_that() {
    let place = Place::new();
    place.model(Dim::Batch, |graph, features| {
        let weights = graph.floats("stored", &[2, 3], &WEIGHTS);
        let weights = graph.relu("weights", &weights);
        let out = graph.linear("out", features, &weights, None);
        graph.output(&out, &CLASSES);
    });
    let error = place.refused(&[]);
    assert!(
        error.contains("weights that the graph computes") && error.contains("--representation"),
        "{error}"
    );
}

#[test]
fn outputs_with_more_than_two_axes_are_to_be_flattened() {
    let place = Place::new();
    let one = Dim::Fixed(1);
    place.model(Dim::Batch, |graph, features| {
        let scores = linear(graph, "scores", features);
        let out = graph.relu("out", &scores);
        graph.output(&out, &CLASSES);
        let axes = graph.constant("axes", &[2], TensorData::I64(&[2, 3]));
        let deep = graph.node("deep", "Unsqueeze", &[features, &axes], vec![]);
        graph.output(&deep, &[Dim::Batch, Dim::Fixed(3), one, one]);
    });
    let error = place.refused(&["--logits", "out", "--representation", "deep"]);
    assert!(
        error.contains("`deep` is float [N, 3, 1, 1]") && error.contains(".flatten(1)"),
        "{error}"
    );
    place.model(Dim::Batch, |graph, features| {
        let axes = graph.constant("axes", &[1], TensorData::I64(&[1]));
        let row = graph.node("row", "Unsqueeze", &[features, &axes], vec![]);
        let weights = graph.floats("weights", &[3, 2], &WEIGHTS);
        let out = graph.node("out", "MatMul", &[&row, &weights], vec![]);
        graph.output(&out, &[Dim::Batch, one, Dim::Fixed(2)]);
    });
    let error = place.refused(&[]);
    assert!(
        error.contains("`out` is float [N, 1, 2]") && error.contains(".flatten(1)"),
        "{error}"
    );
}

#[test]
fn an_auxiliary_head_is_not_taken_for_the_one_whose_layer_is_not_found() {
    let place = Place::new();
    place.model(Dim::Batch, |graph, features| {
        let scores = linear(graph, "scores", features);
        // Not known here, so that only the other one's layer is found.
        let main = graph.relu("main", &scores);
        let weights = graph.floats("other weights", &[2, 3], &[0.5; 6]);
        let other = graph.linear("aux", features, &weights, None);
        graph.output(&main, &CLASSES);
        graph.output(&other, &CLASSES);
    });
    let error = place.refused(&[]);
    assert!(
        error.contains("any of `aux` (2 values), `main` (2 values)"),
        "{error}"
    );
    assert_eq!(
        place.adopt(&["--logits", "aux"]).unwrap().heads.logits,
        "aux"
    );
}

#[test]
fn a_temperature_is_part_of_the_last_layer() {
    let place = Place::new();
    place.model(Dim::Batch, |graph, features| {
        let scores = linear(graph, "scores", features);
        let temperature = graph.floats("temperature", &[], &[2.0]);
        let soft = graph.node("soft", "Div", &[&scores, &temperature], vec![]);
        let out = softmax(graph, "out", &soft);
        graph.output(&out, &CLASSES);
    });
    let heads = place.adopt(&[]).unwrap().heads;
    assert_eq!(
        (&*heads.logits, &*heads.representation),
        ("soft", "features")
    );
}

#[test]
fn a_sigmoid_is_refused_also_behind_another_shape_and_beside_a_softmax_it_does_not_matter() {
    let place = Place::new();
    let model = |with_softmax: bool| {
        place.model(Dim::Batch, |graph, features| {
            let scores = linear(graph, "scores", features);
            let each = graph.node("each", "Sigmoid", &[&scores], vec![]);
            let shape = graph.constant("shape", &[2], TensorData::I64(&[-1, 2]));
            let out = graph.node("out", "Reshape", &[&each, &shape], vec![]);
            let seen = graph.node("seen", "Identity", &[features], vec![]);
            graph.output(&out, &CLASSES);
            graph.output(&seen, &FEATURES);
            if with_softmax {
                let kind = softmax(graph, "kind", &scores);
                graph.output(&kind, &CLASSES);
            }
        })
    };
    model(false);
    let named = ["--logits", "out", "--representation", "seen"];
    for more in [&named[..], &[]] {
        let error = place.refused(more);
        assert!(error.contains("`out` comes from a Sigmoid"), "{error}");
    }
    model(true);
    assert_eq!(
        place.adopt(&["--logits", "kind"]).unwrap().heads.logits,
        "scores"
    );
}

#[test]
fn one_value_for_two_classes_is_told_how_to_become_two() {
    let place = Place::new();
    for with_sigmoid in [false, true] {
        place.model(Dim::Batch, |graph, features| {
            let weights = graph.floats("weights", &[1, 3], &WEIGHTS[..3]);
            let one = graph.linear("one", features, &weights, None);
            let out = match with_sigmoid {
                true => graph.node("out", "Sigmoid", &[&one], vec![]),
                false => one,
            };
            graph.output(&out, &[Dim::Batch, Dim::Fixed(1)]);
        });
        let error = place.refused(&[]);
        assert!(error.contains("one value, for two classes"), "{error}");
    }
}

#[test]
fn names_that_would_act_on_a_terminal_are_shown_as_they_are_written() {
    let place = Place::new();
    place.model(Dim::Batch, |graph, features| {
        let seen = graph.node("\u{1b}[2Jseen\n", "Identity", &[features], vec![]);
        let more = graph.relu("\u{1b}[2Jmore\n", &seen);
        let out = linear(graph, "out", &more);
        graph.output(&out, &CLASSES);
    });
    let said = place.adopt(&[]).unwrap().to_string();
    assert!(said.contains("`\\u{1b}[2Jmore\\n`"), "{said:?}");
    std::fs::remove_file(place.file("out.onnx")).unwrap();
    let error = place.refused(&["--logits", "x", "--labels", "a"]);
    assert!(!error.contains('\u{1b}'), "{error:?}");
}
