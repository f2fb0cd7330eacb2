use normgate_core::onnx::TensorData;
use normgate_core::onnx::proto::{AttributeProto, AttributeType, ValueInfoProto};

use super::*;
use crate::quantize::simplify::simplify;

/// Simplifies, checks that the answers are the same, and counts the normalisations that are left.
fn normalisations_left(model: &Model) -> usize {
    let mut onnx = onnx::decode(model.bytes()).unwrap();
    simplify(onnx.graph.as_mut().unwrap()).unwrap();
    let simple = Model::from_bytes(onnx::encode(&onnx)).unwrap();
    check_near(model, &simple, 1e-4);
    let is_left = |node: &&NodeProto| node.is("BatchNormalization");
    graph_of(&simple).node.iter().filter(is_left).count()
}

#[test]
fn a_normalisation_is_folded_with_its_epsilon_and_the_bias_before_it() {
    for epsilon in [None, Some(0.1)] {
        let model = network(|onnx| {
            // Smaller than many an epsilon.
            let variance = TensorData::F32(&[1e-4; 8]);
            *tensor(onnx, "two.variance") = TensorProto::constant("two.variance", &[8], variance);
            let epsilon = epsilon.map(|f| AttributeProto {
                name: "epsilon".into(),
                f,
                r#type: AttributeType::Float.into(),
                ..Default::default()
            });
            node(onnx, "two.norm").attribute.extend(epsilon);
            node(onnx, "two.conv").input.push("two.conv.bias".into());
            let bias = noise(11, 8);
            let bias = TensorProto::constant("two.conv.bias", &[8], TensorData::F32(&bias));
            onnx.graph.as_mut().unwrap().initializer.push(bias);
        });
        assert_eq!(normalisations_left(&model), 0, "{epsilon:?}");
    }
}

#[test]
fn a_convolution_that_others_take_as_well_keeps_its_normalisation() {
    let model = network(|onnx| node(onnx, "sum").input[1] = "two.conv".into());
    assert_eq!(normalisations_left(&model), 1);
}

#[test]
fn a_normalisation_by_the_batch_s_own_statistics_is_not_folded() {
    // Up to operator set 13, further outputs say so.
    let model = network(|onnx| {
        onnx.opset_import[0].version = 13;
        let further = ["mean", "variance", "saved_mean", "saved_variance"];
        let further = further.map(|output| format!("two.norm.{output}"));
        node(onnx, "two.norm").output.extend(further);
    });
    assert_eq!(normalisations_left(&model), 1);
}

#[test]
fn a_copy_that_a_branch_takes_stays() {
    let model = network(|onnx| {
        let branch = |name: &str, operator: &str| AttributeProto {
            name: name.into(),
            r#type: AttributeType::Graph.into(),
            g: Some(GraphProto {
                name: name.into(),
                node: vec![NodeProto::new(operator, &["copy"], name)],
                output: vec![ValueInfoProto {
                    name: name.into(),
                    ..Default::default()
                }],
                ..Default::default()
            }),
            ..Default::default()
        };
        let chosen = NodeProto::new("If", &["condition"], "chosen");
        let chosen = chosen.with(branch("then_branch", "Sqrt"));
        let chosen = chosen.with(branch("else_branch", "Neg"));
        let copy = NodeProto::new("Identity", &["two.relu"], "copy");
        node(onnx, "three.conv").input[0] = "chosen".into();
        let graph = onnx.graph.as_mut().unwrap();
        let three = graph.node.iter().position(|it| it.name == "three.conv");
        graph
            .node
            .splice(three.unwrap()..three.unwrap(), [copy, chosen]);
        graph.initializer.push(TensorProto {
            name: "condition".into(),
            data_type: BOOL,
            raw_data: vec![1],
            ..Default::default()
        });
    });
    assert_eq!(normalisations_left(&model), 0);
}

/// ONNX's number for the element type bool.
const BOOL: i32 = 9;
