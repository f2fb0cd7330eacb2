use thiserror::Error;

use super::constants::Makers;
use super::last_layer::{Linear, linear, maker};
use super::proto::{DataType, GraphProto, NodeProto};

/// Where a classifier keeps its logits and its representation, whatever it calls them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heads {
    /// The value that holds the logits.
    pub logits: String,
    /// The value that the last linear layer makes them from.
    pub representation: String,
    /// The number of classes, and the length of a representation.
    pub lengths: (usize, usize),
    /// The operator between the logits and the output, if there is one: `Softmax` or `LogSoftmax`.
    pub softmax: Option<String>,
}

/// The output does not come from a linear layer.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "the output `{output}` comes from {found}, not from a linear layer with constant weights (Gemm, or MatMul and Add)"
)]
pub struct NoHeads {
    /// Name of the output.
    pub output: String,
    /// What makes it.
    pub found: String,
    /// The type of the layer's weights, if they are constants of one that is not read.
    pub unread: Option<&'static str>,
}

/// The operator that makes an output, passing over those that leave its values as they are.
pub fn made_by(graph: &GraphProto, output: &str) -> Option<String> {
    let makers = Makers::of(graph);
    let mut node = makers.behind(output).1?;
    for _ in 0..MOST_PASSED {
        if !["Reshape", "Flatten", "Squeeze", "Unsqueeze"].contains(&node.operator()) {
            break;
        }
        node = makers.behind(node.input(0)?).1?;
    }
    Some(node.op_type.clone())
}

/// The most that are passed over. More than one in a row has never been seen.
const MOST_PASSED: usize = 4;

/// The value before the `Softmax` that makes `output`, and that operator's name; `output` itself if there is none.
pub fn before_softmax(graph: &GraphProto, output: &str) -> (String, Option<String>) {
    let makers = Makers::of(graph);
    let (mut value, mut softmax) = (output.to_owned(), None);
    for _ in 0..MOST_PASSED {
        let (_, maker) = makers.behind(&value);
        let maker = maker.filter(|node| node.is("Softmax") || node.is("LogSoftmax"));
        let Some((node, input)) = maker.and_then(|node| Some((node, node.input(0)?))) else {
            break;
        };
        softmax.get_or_insert_with(|| node.op_type.clone());
        value = input.to_owned();
    }
    (value, softmax)
}

/// The logits and the representation behind an output: what the last linear layer before any `Softmax` makes, and
/// what it takes.
///
/// # Errors
/// [`NoHeads`] if there is no linear layer with constant weights.
pub fn heads(graph: &GraphProto, output: &str) -> Result<Heads, NoHeads> {
    let makers = Makers::of(graph);
    let (logits, softmax) = before_softmax(graph, output);
    let no_heads = |found: String| NoHeads {
        output: output.into(),
        found,
        unread: unread_weights(&makers, &logits),
    };
    let Some(Linear { input, numbers }) = linear(&makers, &logits) else {
        return Err(no_heads(maker(&makers, &logits)));
    };
    match numbers.as_ref().map(|(weights, _)| &*weights.shape) {
        Some(&[classes, size]) => Ok(Heads {
            representation: input.into(),
            lengths: (classes, size),
            logits,
            softmax,
        }),
        _ => Err(no_heads("weights that the graph computes".into())),
    }
}

/// The type of the weights of the layer that makes a value, if they are a constant of a type that is not read.
fn unread_weights(makers: &Makers<'_>, value: &str) -> Option<&'static str> {
    let is_layer = |node: &&NodeProto| node.is("Gemm") || node.is("MatMul");
    let mut node = makers.behind(value).1?;
    // A bias, a temperature.
    if ["Add", "Mul", "Div"].into_iter().any(|it| node.is(it)) {
        let mut inputs = node.input.iter();
        node = inputs.find_map(|it| makers.behind(it).1.filter(is_layer))?;
    }
    if !is_layer(&node) {
        return None;
    }
    match makers.constant(node.input(1)?)?.data_type.try_into() {
        Ok(DataType::Double) => Some("float64"),
        Ok(DataType::Bfloat16) => Some("bfloat16"),
        _ => None,
    }
}
