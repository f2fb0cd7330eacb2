use thiserror::Error;

use super::constants::{Makers, Numbers};
use super::proto::NodeProto;
use super::{OnnxError, decode};

/// The linear layer between representation and logits, `z = W x + b`, as float32 numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct LastLayer {
    /// `classes · size`: the weights of each class together.
    pub weights: Vec<f32>,
    /// One for each class; zeros where the layer has none.
    pub bias: Vec<f32>,
}

/// Why a graph's last layer could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum LastLayerError {
    /// The file cannot be decoded whole.
    #[error(transparent)]
    Onnx(#[from] OnnxError),
    /// The logits do not come from a linear layer.
    #[error(
        "the output `{logits}` comes from {found}, not from a linear layer (Gemm, or MatMul and \
         Add); scores that need none (representation_norm, energy, knn, mahalanobis, …) do"
    )]
    NotLinear {
        /// Name of the output.
        logits: String,
        /// The operator found there.
        found: String,
    },
    /// The linear layer does not take the representation.
    #[error(
        "the last linear layer takes `{input}`, not the output `{representation}`: the model's \
         representation is not what its logits are made of"
    )]
    OtherInput {
        /// What the layer takes.
        input: String,
        /// Name of the output.
        representation: String,
    },
    /// The weights are no constant of a known kind.
    #[error(
        "the weights of the last layer are no constant that this Normgate reads: export the model \
         with float32 weights"
    )]
    Weights,
}

/// Reads the layer between the outputs `representation` and `logits`, of `classes` and `size`
/// values: a `Gemm`, or a `MatMul` with or without an `Add`. Weights of fp16 and int8 are turned into
/// float32 as the graph does it.
///
/// # Errors
/// [`LastLayerError`].
pub fn last_layer(
    model: &[u8],
    (logits, representation): (&str, &str),
    (classes, size): (usize, usize),
) -> Result<LastLayer, LastLayerError> {
    let model = decode(model)?;
    let graph = model.graph.as_ref().ok_or(OnnxError::NoGraph)?;
    let makers = Makers::of(graph);
    let (_, last) = makers.behind(logits);
    let not_linear = |node: Option<&NodeProto>| LastLayerError::NotLinear {
        logits: logits.into(),
        found: node.map_or("no node".into(), |node| format!("a {}", node.op_type)),
    };
    let last = last.ok_or_else(|| not_linear(None))?;
    let found = if last.is("Add") {
        added(&makers, last)
    } else {
        product(&makers, last)
    };
    let (input, weights, bias) = found.ok_or_else(|| not_linear(Some(last)))?;
    if makers.behind(input).0 != makers.behind(representation).0 {
        return Err(LastLayerError::OtherInput {
            input: input.into(),
            representation: representation.into(),
        });
    }
    let (Some(weights), Some(bias)) = (weights, bias) else {
        return Err(LastLayerError::Weights);
    };
    let bias = match bias.values.len() {
        // One number, or none, for all classes.
        0 => vec![0.0; classes],
        1 => vec![bias.values[0]; classes],
        _ => bias.values,
    };
    let finite = weights.values.iter().chain(&bias).all(|w| w.is_finite());
    if weights.shape != [classes, size] || bias.len() != classes || !finite {
        return Err(LastLayerError::Weights);
    }
    Ok(LastLayer {
        weights: weights.values,
        bias,
    })
}

/// Input, weights as `[classes, size]`, and bias; the last two where they could be read.
pub(super) type Layer<'a> = (&'a str, Option<Numbers>, Option<Numbers>);

fn no_bias() -> Numbers {
    Numbers {
        shape: vec![0],
        values: Vec::new(),
    }
}

pub(super) fn product<'a>(makers: &Makers<'a>, node: &'a NodeProto) -> Option<Layer<'a>> {
    let (input, weights) = (node.input(0)?, node.input(1)?);
    if node.is("MatMul") {
        let weights = makers.numbers(weights).map(Numbers::transposed);
        return Some((input, weights, Some(no_bias())));
    }
    let whole = |name: &str| node.attribute(name).map_or(0, |attribute| attribute.i);
    let factor = |name: &str| node.attribute(name).map_or(1.0, |attribute| attribute.f);
    if !node.is("Gemm") || whole("transA") != 0 {
        return None;
    }
    let scaled = |numbers: Numbers, factor: f32| Numbers {
        values: numbers.values.iter().map(|value| value * factor).collect(),
        ..numbers
    };
    let weights = makers.numbers(weights).map(|weights| {
        let weights = scaled(weights, factor("alpha"));
        match whole("transB") {
            0 => weights.transposed(),
            _ => weights,
        }
    });
    let bias = match node.input(2) {
        Some(bias) => makers
            .numbers(bias)
            .map(|bias| scaled(bias, factor("beta"))),
        None => Some(no_bias()),
    };
    Some((input, weights, bias))
}

/// `MatMul + bias`, in either order.
pub(super) fn added<'a>(makers: &Makers<'a>, node: &'a NodeProto) -> Option<Layer<'a>> {
    let (first, second) = (node.input(0)?, node.input(1)?);
    for (value, bias) in [(first, second), (second, first)] {
        let (_, made) = makers.behind(value);
        if let Some(made) = made.filter(|made| made.is("MatMul")) {
            let (input, weights, _) = product(makers, made)?;
            return Some((input, weights, makers.numbers(bias)));
        }
    }
    None
}
