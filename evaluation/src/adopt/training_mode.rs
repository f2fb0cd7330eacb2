//! What makes an answer depend on more than its image: what training leaves in a graph, and ranges that are taken
//! from the batch.

use std::collections::HashSet;

use normgate_core::onnx::proto::{GraphProto, NodeProto, TensorProto};

use super::AdoptError;

/// ONNX's number for the element type bool.
const BOOL: i32 = 9;

const RANDOM: [&str; 6] = [
    "RandomUniform",
    "RandomUniformLike",
    "RandomNormal",
    "RandomNormalLike",
    "Bernoulli",
    "Multinomial",
];

/// Checks that an answer depends on the image alone: no batch normalisation takes its statistics from the batch
/// itself, no quantisation its ranges (of a single image, it may), and nothing is random. ONNX Runtime leaves out a
/// `Dropout` that is not told to train.
///
/// # Errors
/// [`AdoptError::TrainingMode`], [`AdoptError::DynamicRange`], [`AdoptError::Random`].
pub fn refuse(graph: &GraphProto, is_batched: bool) -> Result<(), AdoptError> {
    refuse_within(graph, is_batched, &HashSet::new())
}

/// A branch sees the constants of the graph around it.
fn refuse_within<'a>(
    graph: &'a GraphProto,
    is_batched: bool,
    outer: &HashSet<&'a str>,
) -> Result<(), AdoptError> {
    let mut on = outer.clone();
    let constants = graph.initializer.iter();
    on.extend(constants.filter(|it| is_on(it)).map(|it| it.name.as_str()));
    for node in &graph.node {
        if makes_on(node, &on) {
            on.extend(node.output.first().map(String::as_str));
        }
        let mode = node.attribute("training_mode");
        if node.is("BatchNormalization") && mode.is_some_and(|mode| mode.i != 0) {
            return Err(AdoptError::TrainingMode);
        }
        if is_batched && node.is("DynamicQuantizeLinear") {
            return Err(AdoptError::DynamicRange);
        }
        let drops = node.is("Dropout") && node.input(2).is_some_and(|mode| on.contains(mode));
        if drops || RANDOM.contains(&node.operator()) {
            return Err(AdoptError::Random {
                operator: node.op_type.clone(),
            });
        }
        let mut branches = node
            .attribute
            .iter()
            .flat_map(|it| it.g.iter().chain(&it.graphs));
        branches.try_for_each(|branch| refuse_within(branch, is_batched, &on))?;
    }
    Ok(())
}

fn makes_on(node: &NodeProto, on: &HashSet<&str>) -> bool {
    match node.operator() {
        "Constant" => {
            let value = node.attribute("value").and_then(|value| value.t.as_ref());
            value.is_some_and(is_on)
        }
        "Identity" => node.input(0).is_some_and(|input| on.contains(input)),
        _ => false,
    }
}

/// Whether it is a single boolean, and true.
fn is_on(tensor: &TensorProto) -> bool {
    tensor.data_type == BOOL && (tensor.raw_data == [1] || tensor.int32_data == [1])
}
