use normgate_core::onnx::TensorData;
use normgate_core::onnx::proto::{GraphProto, NodeProto, TensorProto};

use super::QuantizeError;
use super::links::{Links, Names};
use super::plan::Plan;
use super::simplify::unused;
use super::weights::{constant, floats};

/// ONNX Runtime's fast int8 convolution takes channels in fours, and gives them in fours, at least sixteen.
const CHANNELS: usize = 4;
const LEAST_OUTPUTS: usize = 16;

/// Gives images a fourth channel, of zeros, if a quantised convolution takes them. With three channels, ONNX Runtime
/// copies each pixel once for each weight of a kernel, which takes half as long again.
///
/// Returns whether it changed the graph; the plan is then for another one.
pub fn align(graph: &mut GraphProto, plan: &Plan) -> Result<bool, QuantizeError> {
    let mut names = Names::of(graph);
    let mut changes = Vec::new();
    {
        let links = Links::of(graph);
        for &index in plan.layers.keys() {
            let node = &graph.node[index];
            let is_input = graph.input.iter().any(|input| input.name == node.input[0]);
            let is_whole = node.attribute("group").is_none_or(|group| group.i == 1);
            if !(node.is("Conv") && is_input && is_whole) {
                continue;
            }
            let Some((weight, shape)) = constant(&links, node.input(1))? else {
                continue;
            };
            let missing = shape[1].next_multiple_of(CHANNELS) - shape[1];
            let suits = shape[0] >= LEAST_OUTPUTS && shape[0].is_multiple_of(CHANNELS);
            if missing > 0 && suits {
                changes.push((index, weight, shape, missing));
            }
        }
    }
    for (index, weight, shape, missing) in changes.iter() {
        let (image, old) = {
            let inputs = &graph.node[*index].input;
            (inputs[0].clone(), inputs[1].clone())
        };
        let pads = names.fresh(&format!("{image}.pads"));
        let padded = names.fresh(&format!("{image}.padded"));
        let weights = names.fresh(&format!("{old}.padded"));
        let rank = shape.len();
        let mut added = vec![0i64; 2 * rank];
        added[rank + 1] = *missing as i64;
        let (values, shape) = widened(weight, shape, *missing);
        graph.initializer.extend([
            TensorProto::constant(&pads, &[2 * rank], TensorData::I64(&added)),
            floats(&weights, &shape, &values),
        ]);
        graph.node[*index].input[0].clone_from(&padded);
        graph.node[*index].input[1] = weights;
        // Moved to the front below, since it takes nothing but the model's input.
        graph
            .node
            .push(NodeProto::new("Pad", &[&image, &pads], &padded));
    }
    graph.node.rotate_right(changes.len());
    unused(graph);
    Ok(!changes.is_empty())
}

/// Weights `[K, C, …]` with `more` channels of zeros added.
fn widened(weight: &[f32], shape: &[usize], more: usize) -> (Vec<f32>, Vec<usize>) {
    let kernel: usize = shape[2..].iter().product();
    let mut shape = shape.to_vec();
    let mut values = Vec::with_capacity(shape[0] * (shape[1] + more) * kernel);
    for channels in weight.chunks_exact((shape[1] * kernel).max(1)) {
        values.extend_from_slice(channels);
        values.resize(values.len() + more * kernel, 0.0);
    }
    shape[1] += more;
    (values, shape)
}
