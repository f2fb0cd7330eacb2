use normgate_core::onnx::TensorData;
use normgate_core::onnx::proto::AttributeProto;

use super::*;

/// A network whose first layer has this many outputs, in this many groups.
fn beginning_with(outputs: usize, groups: usize) -> Model {
    let mut graph = GraphBuilder::new("small");
    let side = Dim::Fixed(SIDE);
    let x = graph.input("image", &[Dim::Batch, Dim::Fixed(3), side, side]);
    let inputs = 3 / groups;
    let values = noise(1, outputs * inputs * 9);
    let weight = graph.floats("first.weight", &[outputs, inputs, 3, 3], &values);
    let x = graph.conv("first", &x, &weight, None, SAME);
    let x = graph.relu("first.relu", &x);
    let values = noise(2, 8 * outputs * 9);
    let weight = graph.floats("second.weight", &[8, outputs, 3, 3], &values);
    let x = graph.conv("second", &x, &weight, None, SAME);
    with_head(graph, &x, |onnx| {
        let group = AttributeProto::int("group", groups as i64);
        node(onnx, "first").attribute.push(group);
    })
}

#[test]
fn no_fourth_channel_where_the_fast_convolution_does_not_take_the_layer() {
    // The fast convolution gives channels in fours, at least sixteen, and not in groups.
    for (outputs, groups, widened) in [
        (16, 1, true),
        (20, 1, true),
        (12, 1, false),
        (18, 1, false),
        (24, 3, false),
    ] {
        let model = beginning_with(outputs, groups);
        let int8 = quantized(&model, &[]).unwrap();
        let is_widened = graph_of(&int8).node[0].is("Pad");
        assert_eq!(is_widened, widened, "{outputs} in {groups}");
        check_near(&model, &int8, 0.1);
    }
}

/// Weights `[in, out]` where PyTorch has `[out, in]`.
fn transpose(onnx: &mut ModelProto) {
    let weight = tensor(onnx, "linear.weight");
    let old = weight.floats().unwrap();
    let values: Vec<f32> = (0..24).map(|i| old[i % 3 * 8 + i / 3]).collect();
    *weight = TensorProto::constant("linear.weight", &[8, 3], TensorData::F32(&values));
}

#[test]
fn a_linear_layer_has_a_scale_for_each_class_however_its_weights_lie() {
    let gemm = network(|onnx| {
        transpose(onnx);
        node(onnx, "logits").attribute.clear();
    });
    let matmul = network(|onnx| {
        transpose(onnx);
        let products = NodeProto::new("MatMul", &["representation", "linear.weight"], "products");
        *node(onnx, "logits") = products;
        let sum = NodeProto::new("Add", &["products", "linear.bias"], "logits");
        nodes(onnx).push(sum);
    });
    let weights = noise(9, 24);
    let greatest = |class: &[f32]| class.iter().fold(0.0f32, |a, b| a.max(b.abs()));
    let expected: Vec<f32> = weights.chunks(8).map(|w| greatest(w) / 127.0).collect();
    for model in [network(|_| ()), gemm, matmul] {
        let int8 = quantized(&model, &[]).unwrap();
        let mut onnx = onnx::decode(int8.bytes()).unwrap();
        let scales = tensor(&mut onnx, "linear.weight.scale").floats().unwrap();
        assert_eq!(scales, expected);
        check_near(&model, &int8, 0.1);
    }
}

#[test]
fn the_layer_that_stays_fp32_is_that_of_the_logits_wherever_it_is_in_the_file() {
    // The representation is made by a layer, too, and behind the logits.
    let model = network(|onnx| {
        for node in nodes(onnx) {
            let values = node.input.iter_mut().chain(&mut node.output);
            let are = values.filter(|value| *value == "representation");
            are.for_each(|value| *value = "features".into());
        }
        node(onnx, "representation").name = "features".into();
        let embedding = NodeProto::new("MatMul", &["features", "embed"], "representation");
        nodes(onnx).push(embedding);
        let weights = TensorProto::constant("embed", &[8, 8], TensorData::F32(&noise(3, 64)));
        let prior = TensorProto::constant("prior", &[3], TensorData::F32(&noise(4, 3)));
        // The logits are adjusted by the classes' priors.
        node(onnx, "logits").output[0] = "unadjusted".into();
        let adjustment = NodeProto::new("Sub", &["unadjusted", "prior"], "logits");
        nodes(onnx).push(NodeProto {
            name: "adjusted".into(),
            ..adjustment
        });
        let constants = &mut onnx.graph.as_mut().unwrap().initializer;
        constants.extend([weights, prior]);
    });
    let int8 = graph_of(&quantized(&model, &[KeepFp32::Last]).unwrap());
    let has = |name: &str| int8.initializer.iter().any(|tensor| tensor.name == name);
    assert!(has("embed.scale") && !has("linear.weight.scale"));

    // It stays so on its own account, which is no reason to keep another one.
    let model = network(|onnx| {
        let rate = AttributeProto {
            name: "alpha".into(),
            f: 0.5,
            r#type: 1,
            ..Default::default()
        };
        node(onnx, "logits").attribute.push(rate);
    });
    let int8 = graph_of(&quantized(&model, &[KeepFp32::Last]).unwrap());
    let convolutions = int8.initializer.iter();
    let scales = convolutions.filter(|tensor| tensor.name.ends_with("weight.scale"));
    assert_eq!(scales.count(), 3);
}
