use thiserror::Error;

use super::constants::{Makers, Numbers};
use super::proto::NodeProto;
use super::{OnnxError, decode};

/// The linear layer between representation and logits, `z = W x + b`, as float32 numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct LastLayer {
    /// `classes · size` values: the weights of one class after another's.
    pub weights: Vec<f32>,
    /// One for each class; zeros if the layer has none.
    pub bias: Vec<f32>,
}

/// Why a graph's last layer could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum LastLayerError {
    /// The file cannot be decoded completely.
    #[error(transparent)]
    Onnx(#[from] OnnxError),
    /// The logits do not come from a linear layer.
    #[error(
        "the output `{logits}` comes from {found}, not from a linear layer (Gemm, or MatMul and \
         Add); use a score that needs none (representation_norm, energy, knn, mahalanobis, …)"
    )]
    NotLinear {
        /// Name of the output.
        logits: String,
        /// What makes it.
        found: String,
    },
    /// The linear layer does not take the representation.
    #[error(
        "the last linear layer takes `{input}`, not the output `{representation}`: the model's \
         representation is not what its logits are made from"
    )]
    OtherInput {
        /// What the layer takes.
        input: String,
        /// Name of the output.
        representation: String,
    },
    /// The weights are not a constant of a known kind.
    #[error(
        "the weights of the last layer are not a constant that this Normgate reads: export the \
         model with float32 weights"
    )]
    Weights,
}

/// Reads the layer between the outputs `representation` and `logits`, which have `size` and `classes` values.
///
/// It is a `Gemm` or a `MatMul`, constants that are added to it or subtracted from it, and single numbers that it is
/// multiplied or divided by (a temperature). Weights kept as fp16 or int8 become float32 as in the graph.
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
    let Some(Linear { input, numbers }) = linear(&makers, logits) else {
        return Err(LastLayerError::NotLinear {
            logits: logits.into(),
            found: maker(&makers, logits),
        });
    };
    if makers.behind(input).0 != makers.behind(representation).0 {
        return Err(LastLayerError::OtherInput {
            input: input.into(),
            representation: representation.into(),
        });
    }
    let (weights, bias) = numbers.ok_or(LastLayerError::Weights)?;
    let finite = weights.values.iter().chain(&bias).all(|w| w.is_finite());
    if weights.shape != [classes, size] || !finite {
        return Err(LastLayerError::Weights);
    }
    Ok(LastLayer {
        weights: weights.values,
        bias,
    })
}

/// A linear layer of a graph.
pub(super) struct Linear<'a> {
    pub(super) input: &'a str,
    /// Weights, `[classes, size]`, and a bias for each class, if they could be read.
    pub(super) numbers: Option<(Numbers, Vec<f32>)>,
}

/// The most constants after a layer. More than three in a row have never been seen: the bias, one for how often a
/// class occurs, and a temperature.
const MOST_AFTER: usize = 8;

/// What a constant does to the outcome of a layer.
enum After {
    Adds(Numbers),
    Scales(f32),
}

/// The linear layer that makes a value; constants that come after it are part of its weights and its bias.
pub(super) fn linear<'a>(makers: &Makers<'a>, value: &str) -> Option<Linear<'a>> {
    let mut node = makers.behind(value).1?;
    let mut after = Vec::new();
    while after.len() < MOST_AFTER
        && let Some((value, constant)) = with_constant(makers, node)
    {
        after.push(constant);
        node = makers.behind(value).1?;
    }
    let (input, weights, bias) = product(makers, node)?;
    let numbers =
        weights.zip(bias).and_then(|(weights, bias)| {
            let [classes, _] = *weights.shape else {
                return None;
            };
            let zeros = Numbers {
                shape: vec![classes],
                values: vec![0.0; classes],
            };
            let bias = zeros.combine(&bias, |a, b| a + b)?;
            let (weights, bias) = after.into_iter().rev().try_fold(
                (weights, bias),
                |(weights, bias), constant| match constant {
                    After::Adds(it) => Some((weights, bias.combine(&it, |a, b| a + b)?)),
                    After::Scales(factor) => Some((weights.scaled(factor), bias.scaled(factor))),
                },
            )?;
            Some((weights, bias.values))
        });
    Some(Linear { input, numbers })
}

/// What makes a value, in words.
pub(super) fn maker(makers: &Makers<'_>, value: &str) -> String {
    match makers.behind(value).1 {
        None => "no node".into(),
        Some(node) if node.is("Add") || node.is("Sub") => {
            "a sum of values that the graph computes".into()
        }
        Some(node) => format!("the operator {}", node.op_type),
    }
}

/// Input, weights as `[classes, size]`, and bias; the last two if they could be read.
type Product<'a> = (&'a str, Option<Numbers>, Option<Numbers>);

fn product<'a>(makers: &Makers<'a>, node: &'a NodeProto) -> Option<Product<'a>> {
    let none = || Numbers {
        shape: Vec::new(),
        values: vec![0.0],
    };
    let (input, weights) = (node.input(0)?, node.input(1)?);
    if node.is("MatMul") {
        let weights = makers.numbers(weights).map(Numbers::transposed);
        return Some((input, weights, Some(none())));
    }
    let whole = |name: &str| node.attribute(name).map_or(0, |attribute| attribute.i);
    let factor = |name: &str| node.attribute(name).map_or(1.0, |attribute| attribute.f);
    if !node.is("Gemm") || whole("transA") != 0 {
        return None;
    }
    let weights = makers.numbers(weights).map(|weights| {
        let weights = weights.scaled(factor("alpha"));
        match whole("transB") {
            0 => weights.transposed(),
            _ => weights,
        }
    });
    let bias = match node.input(2) {
        Some(bias) => makers.numbers(bias).map(|it| it.scaled(factor("beta"))),
        None => Some(none()),
    };
    Some((input, weights, bias))
}

/// For an operation with a constant: the other part, and what the constant does to it.
fn with_constant<'a>(makers: &Makers<'a>, node: &'a NodeProto) -> Option<(&'a str, After)> {
    let (first, second) = (node.input(0)?, node.input(1)?);
    let single = |value: &str| match *makers.numbers(value)?.values {
        [number] => Some(number),
        _ => None,
    };
    match node.operator() {
        "Add" => match makers.numbers(second) {
            Some(constant) => Some((first, After::Adds(constant))),
            None => Some((second, After::Adds(makers.numbers(first)?))),
        },
        "Sub" => Some((first, After::Adds(makers.numbers(second)?.scaled(-1.0)))),
        "Mul" => match single(second) {
            Some(factor) => Some((first, After::Scales(factor))),
            None => Some((second, After::Scales(single(first)?))),
        },
        "Div" => Some((first, After::Scales(1.0 / single(second)?))),
        _ => None,
    }
}
