//! The randomness that training leaves in a graph.

use normgate_core::onnx::proto::{AttributeType, GraphProto, NodeProto};

use super::*;

/// The plain model with one more operator between features and head, after `change`.
fn with(operator: &str, batch: Dim, change: impl FnOnce(&mut GraphProto)) -> Place {
    let place = Place::new();
    let path = place.model(batch, |graph, features| {
        let ratio = graph.floats("ratio", &[], &[0.5]);
        let mode = graph.constant("mode", &[], TensorData::U8(&[1]));
        let inputs: &[&Value] = match operator {
            "Dropout" => &[features, &ratio, &mode],
            _ => &[features],
        };
        let between = graph.node("between", operator, inputs, vec![]);
        let out = linear(graph, "out", &between);
        graph.output(&out, &CLASSES);
    });
    let mut model = decode(&std::fs::read(&path).unwrap()).unwrap();
    let graph = model.graph.as_mut().unwrap();
    let mode = graph.initializer.iter_mut().find(|it| it.name == "mode");
    mode.unwrap().data_type = BOOL;
    change(graph);
    std::fs::write(&path, onnx::encode(&model)).unwrap();
    place
}

const BOOL: i32 = 9;

fn refused(place: &Place, operator: &str) {
    let error = place.refused(&[]);
    let names = format!("(the operator {operator})");
    assert!(
        error.contains(&names) && error.contains("model.eval()"),
        "{error}"
    );
}

#[test]
fn random_numbers_are_refused_with_any_batch() {
    for operator in ["RandomUniformLike", "RandomNormalLike", "Bernoulli"] {
        for batch in [Dim::Batch, Dim::Fixed(1)] {
            refused(&with(operator, batch, |_| {}), operator);
        }
    }
}

#[test]
fn random_numbers_in_a_branch_are_refused_and_dropout_there_that_is_told_from_outside() {
    for (operator, inputs) in [
        ("RandomNormalLike", &["features"][..]),
        ("Dropout", &["features", "ratio", "mode"]),
    ] {
        let place = with("Identity", Dim::Fixed(1), |graph| {
            let branch = GraphProto {
                node: vec![NodeProto::new(operator, inputs, "inside")],
                ..Default::default()
            };
            let branch = AttributeProto {
                name: "then_branch".into(),
                r#type: AttributeType::Graph.into(),
                g: Some(branch),
                ..Default::default()
            };
            let chosen = NodeProto::new("If", &["mode"], "chosen").with(branch);
            graph.node.push(chosen);
        });
        refused(&place, operator);
    }
}

#[test]
fn dropout_is_refused_where_a_constant_tells_it_to_train_wherever_that_stands() {
    refused(&with("Dropout", Dim::Fixed(1), |_| {}), "Dropout");
    let place = with("Dropout", Dim::Fixed(1), |graph| {
        let mode = graph.initializer.iter().position(|it| it.name == "mode");
        let mut mode = graph.initializer.remove(mode.unwrap());
        mode.name.clear();
        let value = AttributeProto {
            name: "value".into(),
            r#type: AttributeType::Tensor.into(),
            t: Some(mode),
            ..Default::default()
        };
        let constant = NodeProto::new("Constant", &[], "constant").with(value);
        let same = NodeProto::new("Identity", &["constant"], "mode");
        graph.node.splice(..0, [constant, same]);
    });
    refused(&place, "Dropout");
}

#[test]
fn dropout_that_does_not_train_is_left_alone() {
    let off = with("Dropout", Dim::Batch, |graph| {
        let mode = graph.initializer.iter_mut().find(|it| it.name == "mode");
        mode.unwrap().raw_data = vec![0];
    });
    check_answers(&off.adopt(&[]).unwrap().written);
    let absent = with("Dropout", Dim::Batch, |graph| {
        let dropout = graph.node.iter_mut().find(|node| node.is("Dropout"));
        dropout.unwrap().input.truncate(1);
        graph.initializer.retain(|it| it.name != "mode");
    });
    check_answers(&absent.adopt(&[]).unwrap().written);
}

#[test]
fn ranges_that_are_taken_from_each_batch_are_refused() {
    let place = Place::new();
    let model = |batch| {
        place.model(batch, |graph, features| {
            let levels = graph.node("levels", "DynamicQuantizeLinear", &[features], vec![]);
            let whole = graph.cast_to_float("whole", &levels);
            let out = linear(graph, "out", &whole);
            graph.output(&out, &[batch, Dim::Fixed(2)]);
        })
    };
    model(Dim::Batch);
    let error = place.refused(&[]);
    assert!(error.contains("normgate quantize"), "{error}");
    // Of one image at a time, nothing else can be in the batch.
    let path = model(Dim::Fixed(1));
    // The builder gives a node one output, and this operator has three.
    let mut model = decode(&std::fs::read(&path).unwrap()).unwrap();
    let nodes = &mut model.graph.as_mut().unwrap().node;
    let node = nodes
        .iter_mut()
        .find(|node| node.op_type.starts_with("Dynamic"))
        .unwrap();
    node.output.extend(["scale".into(), "zero".into()]);
    std::fs::write(&path, onnx::encode(&model)).unwrap();
    assert!(!place.adopt(&[]).unwrap().is_batched);
}
