use std::collections::{HashMap, HashSet};

use normgate_core::onnx::proto::{AttributeProto, DataType, NodeProto};

use super::*;

fn makers<'a>(graph: &'a GraphProto) -> HashMap<&'a str, &'a NodeProto> {
    let made = |node: &'a NodeProto| {
        node.output
            .iter()
            .map(move |output| (output.as_str(), node))
    };
    graph.node.iter().flat_map(made).collect()
}

fn takers<'a>(graph: &'a GraphProto, value: &str) -> Vec<&'a str> {
    let takes = |node: &&NodeProto| node.input.iter().any(|input| input == value);
    let nodes = graph.node.iter().filter(takes);
    nodes.map(|node| node.op_type.as_str()).collect()
}

/// Checks what ONNX requires of a graph: each name is made once, before it is taken.
fn check_order(graph: &GraphProto) {
    let mut known: HashSet<&str> = graph.input.iter().map(|i| i.name.as_str()).collect();
    for tensor in &graph.initializer {
        assert!(known.insert(&tensor.name), "{} twice", tensor.name);
    }
    for node in &graph.node {
        for input in &node.input {
            assert!(known.contains(input.as_str()), "{input} before it is made");
        }
        for output in &node.output {
            assert!(known.insert(output), "{output} twice");
        }
    }
    for output in &graph.output {
        assert!(known.contains(output.name.as_str()), "{}", output.name);
    }
}

#[test]
fn every_layer_stands_between_a_dequantize_and_a_quantize() {
    let small = network(|_| ());
    let int8 = quantized(&small, &[]).unwrap();
    let graph = graph_of(&int8);
    check_order(&graph);
    let makers = makers(&graph);
    let mut layers = 0;
    for node in &graph.node {
        assert!(!node.is("BatchNormalization"));
        if ["Conv", "Gemm", "Add"]
            .iter()
            .any(|operator| node.is(operator))
        {
            layers += 1;
            for input in &node.input {
                assert!(makers[input.as_str()].is("DequantizeLinear"), "{input}");
            }
        }
        if node.is("Conv") || node.is("Add") {
            let takers = takers(&graph, &node.output[0]);
            let [taker] = takers.as_slice() else {
                panic!("{takers:?}")
            };
            let behind = node.output[0].replace(".norm", ".relu");
            let behind = behind.replace("sum", "sum.relu") + ".exact";
            match *taker {
                "Relu" => assert!(makers.contains_key(behind.as_str()), "{behind}"),
                taker => assert_eq!(taker, "QuantizeLinear"),
            }
        }
    }
    assert_eq!(layers, 5);
    let pool = graph.node.iter().find(|node| node.is("MaxPool")).unwrap();
    let before = makers[pool.input[0].as_str()];
    let behind = graph
        .node
        .iter()
        .find(|n| n.input[0] == pool.output[0])
        .unwrap();
    assert!(behind.is("QuantizeLinear"));
    assert_eq!(
        before.input[1..],
        behind.input[1..],
        "pooling keeps the scale"
    );
}

#[test]
fn the_int8_model_answers_nearly_as_the_fp32_one() {
    let small = network(|_| ());
    let exact = answers(&small);
    let largest = exact
        .representation
        .iter()
        .fold(0.0f32, |a, b| a.max(b.abs()));
    for keep in [
        &[][..],
        &[KeepFp32::First],
        &[KeepFp32::Last],
        &[KeepFp32::First, KeepFp32::Last],
    ] {
        let int8 = answers(&quantized(&small, keep).unwrap());
        let worst = distance(&exact.representation, &int8.representation);
        assert!(worst < 0.05 * largest, "{keep:?}: {worst} of {largest}");
        assert!(worst > 0.0, "{keep:?}: nothing was rounded");
    }
}

#[test]
fn layers_that_are_kept_stay_as_they_are() {
    let small = network(|_| ());
    let int8 = quantized(&small, &[KeepFp32::First, KeepFp32::Last]).unwrap();
    let graph = graph_of(&int8);
    check_order(&graph);
    let constants: Vec<_> = graph.initializer.iter().map(|t| t.name.as_str()).collect();
    assert!(constants.contains(&"linear.weight"), "{constants:?}");
    let first = graph.node.iter().find(|node| node.is("Conv")).unwrap();
    assert_eq!(first.input[0], "image");
}

#[test]
fn a_head_that_was_not_adopted_is_no_last_layer() {
    let two_heads = network(|onnx| {
        let inputs = ["representation", "linear.weight", "linear.bias"];
        let other = NodeProto::new("Gemm", &inputs, "other");
        nodes(onnx).push(other.with(AttributeProto::int("transB", 1)));
    });
    let keep = [KeepFp32::Last];
    let of_one = graph_of(&quantized(&network(|_| ()), &keep).unwrap());
    let of_two = graph_of(&quantized(&two_heads, &keep).unwrap());
    assert_eq!(of_one, of_two);
}

#[test]
fn the_manifest_says_what_the_model_was_made_from_and_has_no_threshold() {
    let small = network(|_| ());
    let int8 = quantized(&small, &[KeepFp32::Last]).unwrap();
    let manifest = int8.manifest();
    assert_eq!(manifest.version, "1+int8");
    assert!(manifest.calibration.is_none());
    let record = manifest.quantization.as_ref().unwrap();
    assert_eq!((record.of.as_str(), record.images), (small.digest(), 100));
    assert_eq!(record.keep_fp32, ["last"]);
}

fn message(change: impl FnOnce(&mut ModelProto)) -> String {
    quantized(&network(change), &[]).err().unwrap().to_string()
}

#[test]
fn what_cannot_be_quantised_is_refused_with_the_reason() {
    let old = message(|onnx| onnx.opset_import[0].version = 12);
    assert!(
        old.contains("operator set 12") && old.contains("13"),
        "{old}"
    );

    let broken = message(|onnx| {
        let graph = onnx.graph.as_mut().unwrap();
        let weight = graph
            .initializer
            .iter_mut()
            .find(|t| t.name == "linear.weight");
        weight.unwrap().raw_data[..4].copy_from_slice(&f32::NAN.to_le_bytes());
    });
    assert!(broken.contains("`linear.weight` holds NaN"), "{broken}");

    let short = message(|onnx| {
        let graph = onnx.graph.as_mut().unwrap();
        graph.initializer[0].raw_data.truncate(8);
    });
    assert!(
        short.contains("one.conv") && short.contains("fill"),
        "{short}"
    );

    let half = message(|onnx| {
        let graph = onnx.graph.as_mut().unwrap();
        graph.initializer[0].data_type = DataType::Float16.into();
    });
    assert!(half.contains("not float32"), "{half}");

    let stored = message(|onnx| {
        let cast = NodeProto::new("Cast", &["one.weight"], "one.weight.real");
        let cast = cast.with(AttributeProto::int("to", 1));
        nodes(onnx)[0].input[1] = "one.weight.real".into();
        nodes(onnx).insert(0, cast);
    });
    assert!(
        stored.contains("a Cast") && stored.contains("--weights fp32"),
        "{stored}"
    );

    let twice = quantized(&quantized(&network(|_| ()), &[]).unwrap(), &[]);
    let twice = twice.err().unwrap().to_string();
    assert!(twice.contains("quantised already"), "{twice}");

    // Of values on both sides of 0, the logarithm is not finite.
    let infinite = message(|onnx| node(onnx, "two.relu").op_type = "Log".into());
    assert!(infinite.contains("not finite on image 0"), "{infinite}");

    for percentile in [50.0, 100.1, f64::NAN] {
        let options = Options {
            percentile,
            ..Options::default()
        };
        let refused = quantize(&runtime(), &network(|_| ()), &images(1, SIDE), &options);
        assert!(matches!(refused, Err(QuantizeError::Percentile(_))));
    }

    let nothing = quantize(
        &runtime(),
        &network(|_| ()),
        &images(0, SIDE),
        &Options::default(),
    );
    assert!(matches!(nothing, Err(QuantizeError::NoImages)));
}

#[test]
fn what_exporters_leave_in_a_graph_does_not_matter() {
    let plain = answers(&quantized(&network(|_| ()), &[]).unwrap());
    let odd = network(|onnx| {
        let graph = onnx.graph.as_mut().unwrap();
        // Weights as a node, behind an Identity; a Dropout; operators without names.
        let place = graph
            .initializer
            .iter()
            .position(|t| t.name == "two.weight");
        let tensor = graph.initializer.remove(place.unwrap());
        let mut constant = NodeProto::new("Constant", &[], "two.weight.stored");
        constant.attribute.push(AttributeProto {
            name: "value".into(),
            t: Some(tensor),
            r#type: 4,
            ..Default::default()
        });
        let identity = NodeProto::new("Identity", &["two.weight.stored"], "two.weight");
        let dropout = NodeProto::new("Dropout", &["two.relu"], "dropped");
        let three = graph
            .node
            .iter()
            .position(|node| node.name == "three.conv")
            .unwrap();
        graph.node[three].input[0] = "dropped".into();
        graph.node.insert(three, dropout);
        graph.node.splice(0..0, [constant, identity]);
        graph.node.iter_mut().for_each(|node| node.name.clear());
    });
    assert_eq!(answers(&quantized(&odd, &[]).unwrap()), plain);
}

#[test]
fn operators_that_are_not_quantised_work_on_real_numbers() {
    let model = network(|onnx| node(onnx, "two.relu").op_type = "Sigmoid".into());
    let int8 = quantized(&model, &[]).unwrap();
    check_order(&graph_of(&int8));
    check_near(&model, &int8, 0.1);
}

#[test]
fn images_get_a_fourth_channel_where_that_is_faster() {
    let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/cifar10-lt.onnx");
    let model = Model::open(shipped.as_ref()).unwrap();
    let int8 = quantized(&model, &[]).unwrap();
    let graph = graph_of(&int8);
    check_order(&graph);
    assert!(graph.node[0].is("Pad"));
    let weights = |graph: &GraphProto, name: &str| {
        let tensor = graph.initializer.iter().find(|t| t.name == name);
        tensor.unwrap().clone()
    };
    let (old, new) = (
        weights(&graph_of(&model), "conv1.weight").floats().unwrap(),
        weights(&graph, "conv1.weight.padded.quantized"),
    );
    assert_eq!(new.dims, [16, 4, 3, 3]);
    for (channel, levels) in new.raw_data.chunks_exact(36).enumerate() {
        assert_eq!(levels[27..], [0; 9], "the fourth channel counts nothing");
        let old = &old[27 * channel..27 * (channel + 1)];
        let signs = old.iter().zip(levels);
        let same =
            |(old, level): (&f32, &u8)| *level as i8 == 0 || (*level as i8 > 0) == (*old > 0.0);
        assert!(signs.into_iter().all(same), "channel {channel}");
    }
    let kept = graph_of(&quantized(&model, &[KeepFp32::First]).unwrap());
    assert!(!kept.node.iter().any(|node| node.is("Pad")));
}

#[test]
fn with_reduced_range_weights_have_seven_bits() {
    for (reduce_range, expected) in [(true, 63), (false, 127)] {
        let options = Options {
            reduce_range,
            ..Options::default()
        };
        let int8 = quantize(&runtime(), &network(|_| ()), &images(10, SIDE), &options).unwrap();
        let constants = graph_of(&int8).initializer.into_iter();
        let weights = constants.filter(|t| t.data_type == i32::from(DataType::Int8));
        let levels = weights.flat_map(|tensor| tensor.raw_data);
        let largest = levels.map(|level| (level as i8).unsigned_abs()).max();
        assert_eq!(largest, Some(expected));
        let record = int8.manifest().quantization.as_ref().unwrap();
        assert_eq!(record.reduce_range, reduce_range);
    }
}

#[test]
fn a_percentile_of_100_cuts_nothing_off() {
    let [all, whole] = [RangeMethod::Percentile, RangeMethod::Minmax].map(|range| {
        let options = Options {
            range,
            percentile: 100.0,
            ..Options::default()
        };
        quantize(&runtime(), &network(|_| ()), &images(10, SIDE), &options).unwrap()
    });
    assert_eq!(graph_of(&all), graph_of(&whole));
}

#[test]
fn zeros_do_not_shift_the_ends_of_the_least_divergence() {
    let mut histogram = Histogram::new(0.0, 4.0);
    histogram.add(
        &noise(3, 50_000)
            .iter()
            .map(|v| 4.0 * v * v)
            .collect::<Vec<_>>(),
    );
    let without = RangeMethod::Entropy.choose(&histogram, 0.0);
    histogram.counts[0] += 1_000_000;
    assert_eq!(RangeMethod::Entropy.choose(&histogram, 0.0), without);
}
