use std::collections::{BTreeMap, BTreeSet, HashMap};

use normgate_core::onnx::proto::{DataType, GraphProto, NodeProto};
use normgate_core::runtime::LOGITS;

use super::links::Links;
use super::{KeepFp32, QuantizeError};

/// What becomes int8 in a graph.
///
/// A layer (convolution, linear layer) is quantised with its input and output, and so is what joins quantised values
/// (`Add`, `Concat`). An activation that follows directly (`Relu`, `Clip`) becomes part of the output's range.
/// Everything else stays as it is, in floating point.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Layers with weights, by index of their node, and the axis of their weights' output channels.
    pub layers: BTreeMap<usize, usize>,
    /// Nodes that take and give quantised values, the layers among them.
    pub nodes: BTreeSet<usize>,
    /// Quantised values, each with the value that its range comes from.
    pub values: BTreeMap<String, String>,
}

impl Plan {
    pub fn new(graph: &GraphProto, keep: &[KeepFp32]) -> Result<Self, QuantizeError> {
        let links = Links::of(graph);
        let mut layers = BTreeMap::new();
        let keeps_last = keep.contains(&KeepFp32::Last);
        let last = links.layer_behind(LOGITS).filter(|_| keeps_last);
        for (index, node) in graph.node.iter().enumerate() {
            // What stays as it is may have weights of any kind.
            if Some(index) == last {
                continue;
            }
            if let Some(axis) = output_axis(graph, &links, node)? {
                layers.insert(index, axis);
            }
        }
        if keep.contains(&KeepFp32::First) {
            layers.pop_first();
        }
        if keeps_last && last.is_none() {
            layers.pop_last();
        }
        if layers.is_empty() {
            return Err(QuantizeError::Nothing);
        }
        let mut planner = Planner {
            graph,
            links: &links,
            carried: HashMap::new(),
            plan: Plan {
                layers,
                nodes: BTreeSet::new(),
                values: BTreeMap::new(),
            },
        };
        for (index, node) in graph.node.iter().enumerate() {
            planner.visit(index, node);
        }
        Ok(planner.plan)
    }
}

/// The axis of a layer's weights that counts its outputs; `None` if it is not to be quantised.
fn output_axis(
    graph: &GraphProto,
    links: &Links<'_>,
    node: &NodeProto,
) -> Result<Option<usize>, QuantizeError> {
    let is_one = |name| node.attribute(name).is_none_or(|a| a.f == 1.0);
    let is_set = |name| node.attribute(name).is_some_and(|a| a.i != 0);
    let (axis, least_rank, most_rank) = if node.is("Conv") {
        (0, 3, usize::MAX)
    } else if node.is("Gemm") && is_one("alpha") && is_one("beta") && !is_set("transA") {
        (usize::from(!is_set("transB")), 2, 2)
    } else if node.is("MatMul") {
        (1, 2, 2)
    } else {
        return Ok(None);
    };
    let broken = |what| QuantizeError::BrokenNode {
        node: title(node).into(),
        operator: node.op_type.clone(),
        what,
    };
    let (Some(x), Some(weight), Some(_)) = (node.input(0), node.input(1), node.output.first())
    else {
        return Err(broken("it needs an input, weights and an output"));
    };
    let Some(tensor) = links.constant(weight) else {
        let maker = links.maker(weight).map(|maker| &graph.node[maker]);
        let from_constants = |maker: &&NodeProto| {
            let mut inputs = maker.input.iter();
            inputs.all(|input| links.constant(input).is_some()) && !maker.input.is_empty()
        };
        return match maker.filter(from_constants) {
            Some(maker) => Err(QuantizeError::ComputedWeights {
                node: title(node).into(),
                operator: maker.op_type.clone(),
            }),
            None => Ok(None),
        };
    };
    let rank = tensor.dims.len();
    if tensor.data_type != i32::from(DataType::Float) {
        return Err(QuantizeError::OtherWeights {
            node: title(node).into(),
        });
    }
    if tensor.floats().is_none() {
        return Err(broken("its weights do not fill their shape"));
    }
    if !(least_rank..=most_rank).contains(&rank) {
        return match node.is("MatMul") {
            true => Ok(None),
            false => Err(broken("its weights have the wrong number of dimensions")),
        };
    }
    // A computed bias, or an input that is itself a constant, is rare and left alone.
    let constant_bias = node.input(2).is_none_or(|bias| {
        let channels = tensor.dims[axis];
        let fits = |tensor: &&_| bias_fits(tensor, channels);
        links.constant(bias).filter(fits).is_some()
    });
    Ok((constant_bias && links.constant(x).is_none()).then_some(axis))
}

fn bias_fits(tensor: &normgate_core::onnx::proto::TensorProto, channels: i64) -> bool {
    tensor.dims == [channels] && tensor.floats().is_some()
}

/// The node's name, or that of its first output if it has none.
pub fn title(node: &NodeProto) -> &str {
    match node.name.is_empty() {
        true => node.output.first().map_or("", String::as_str),
        false => &node.name,
    }
}

struct Planner<'a> {
    graph: &'a GraphProto,
    links: &'a Links<'a>,
    /// Values that a quantised node gives, or that are such a value in another shape, each with the value that its
    /// range comes from.
    carried: HashMap<String, String>,
    plan: Plan,
}

/// Operators that take an int8 value to an int8 value of the same scale.
const CARRIERS: [&str; 7] = [
    "MaxPool",
    "Flatten",
    "Reshape",
    "Squeeze",
    "Unsqueeze",
    "Transpose",
    "DepthToSpace",
];

impl Planner<'_> {
    fn visit(&mut self, index: usize, node: &NodeProto) {
        let Some(output) = node.output.first() else {
            return;
        };
        if self.plan.layers.contains_key(&index) {
            self.plan.nodes.insert(index);
            self.need(&node.input[0]);
            // A linear layer can give floats at no cost, a convolution cannot.
            if node.is("Conv") {
                self.gives(output);
            }
        } else if (node.is("Add") && node.input.len() == 2 || node.is("Concat"))
            && node
                .input
                .iter()
                .all(|input| self.carried.contains_key(input))
        {
            self.plan.nodes.insert(index);
            node.input.iter().for_each(|input| self.need(input));
            self.gives(output);
        } else if CARRIERS.iter().any(|operator| node.is(operator))
            && let Some(range) = node.input(0).and_then(|input| self.carried.get(input))
        {
            self.carried.insert(output.clone(), range.clone());
        }
    }

    /// A quantised node gives this value, through the activation behind it if there is one.
    fn gives(&mut self, output: &str) {
        let mut value = output;
        if let Some((_, taker)) = self.links.only_taker(value)
            && (taker.is("Relu") || self.is_constant_clip(taker))
            && let Some(activated) = taker.output.first()
        {
            value = activated;
        }
        self.carried.insert(value.to_owned(), value.to_owned());
        self.need(value);
    }

    fn is_constant_clip(&self, node: &NodeProto) -> bool {
        let mut bounds = node.input.iter().skip(1).filter(|bound| !bound.is_empty());
        node.is("Clip") && bounds.all(|bound| self.links.constant(bound).is_some())
    }

    /// Marks the value as quantised, and, if it is another one in another shape, that one too.
    fn need(&mut self, value: &str) {
        let range = self.carried.get(value).cloned();
        let range = range.unwrap_or_else(|| value.to_owned());
        if range != value
            && let Some(maker) = self.links.maker(value)
            && let Some(before) = self.graph.node[maker].input(0)
        {
            self.need(before);
        }
        self.plan.values.insert(value.to_owned(), range);
    }
}
