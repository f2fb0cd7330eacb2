//! The same function with fewer nodes: without what exporters leave in a graph and quantisation would stumble over.

use std::collections::{HashMap, HashSet};

use normgate_core::onnx::proto::{GraphProto, NodeProto};

use super::QuantizeError;
use super::links::{Links, Names};
use super::weights::{constant, floats};

/// Removes what no output depends on, makes constants of `Constant` nodes, drops `Identity` and `Dropout`, and folds
/// `BatchNormalization` into the convolution before it.
pub fn simplify(graph: &mut GraphProto) -> Result<(), QuantizeError> {
    useless(graph);
    constants(graph);
    copies(graph);
    batch_norms(graph)?;
    unused(graph);
    Ok(())
}

/// Removes what no output depends on, such as a head that was not adopted: it is not a layer of the model, and
/// certainly not its last.
fn useless(graph: &mut GraphProto) {
    let links = Links::of(graph);
    let mut useful: HashSet<usize> = HashSet::new();
    // One pass is enough if nodes come before those that take from them, as ONNX requires.
    loop {
        let before = useful.len();
        for (index, node) in graph.node.iter().enumerate().rev() {
            let is_taken = |value: &String| {
                links.is_output(value) || links.takers(value).iter().any(|it| useful.contains(it))
            };
            if node.output.iter().any(is_taken) {
                useful.insert(index);
            }
        }
        if useful.len() == before {
            break;
        }
    }
    let all = 0..graph.node.len();
    let dropped = all.filter(|index| !useful.contains(index)).collect();
    drop_nodes(graph, &dropped);
}

fn constants(graph: &mut GraphProto) {
    let mut kept = Vec::with_capacity(graph.node.len());
    for mut node in std::mem::take(&mut graph.node) {
        let value = match node.is("Constant") {
            true => node.attribute.iter_mut().find_map(|a| a.t.take()),
            false => None,
        };
        match (value, node.output.first()) {
            (Some(mut tensor), Some(output)) => {
                tensor.name = output.clone();
                graph.initializer.push(tensor);
            }
            _ => kept.push(node),
        }
    }
    graph.node = kept;
}

/// Drops `Identity`, and `Dropout`, which does nothing outside training.
fn copies(graph: &mut GraphProto) {
    let links = Links::of(graph);
    let mut original: HashMap<String, String> = HashMap::new();
    let mut dropped = HashSet::new();
    for (index, node) in graph.node.iter().enumerate() {
        let is_copy = node.is("Identity") || (node.is("Dropout") && node.input(2).is_none());
        let (Some(input), [output, masks @ ..]) = (node.input(0), node.output.as_slice()) else {
            continue;
        };
        let needed = links.is_output(output)
            || links.is_captured(output)
            || masks.iter().any(|mask| !links.takers(mask).is_empty());
        if is_copy && !needed {
            // In topological order: the input's own original is known.
            let source = original.get(input).map_or(input, String::as_str);
            original.insert(output.clone(), source.to_owned());
            dropped.insert(index);
        }
    }
    drop_nodes(graph, &dropped);
    for input in graph.node.iter_mut().flat_map(|node| &mut node.input) {
        if let Some(source) = original.get(input) {
            input.clone_from(source);
        }
    }
}

fn drop_nodes(graph: &mut GraphProto, dropped: &HashSet<usize>) {
    let mut index = 0..;
    graph
        .node
        .retain(|_| !index.next().is_some_and(|i| dropped.contains(&i)));
}

fn batch_norms(graph: &mut GraphProto) -> Result<(), QuantizeError> {
    let mut names = Names::of(graph);
    let mut folded = Vec::new();
    {
        let links = Links::of(graph);
        for (index, node) in graph.node.iter().enumerate() {
            if let Some(fold) = fold(graph, &links, node)? {
                folded.push((index, fold));
            }
        }
    }
    let mut dropped = HashSet::new();
    for (index, fold) in folded {
        let output = graph.node[index].output[0].clone();
        let weight = names.fresh(&format!("{output}.weight"));
        let bias = names.fresh(&format!("{output}.bias"));
        graph
            .initializer
            .push(floats(&weight, &fold.shape, &fold.weight));
        graph
            .initializer
            .push(floats(&bias, &[fold.bias.len()], &fold.bias));
        let conv = &mut graph.node[fold.conv];
        conv.input = vec![conv.input[0].clone(), weight, bias];
        conv.output = vec![output];
        dropped.insert(index);
    }
    drop_nodes(graph, &dropped);
    Ok(())
}

struct Fold {
    conv: usize,
    shape: Vec<usize>,
    weight: Vec<f32>,
    bias: Vec<f32>,
}

/// The convolution that this node and the one before it make together; `None` if they are not a convolution and its
/// normalisation.
fn fold(
    graph: &GraphProto,
    links: &Links<'_>,
    node: &NodeProto,
) -> Result<Option<Fold>, QuantizeError> {
    let trains = node.attribute("training_mode").is_some_and(|a| a.i != 0);
    let alone = node.output.iter().skip(1).all(String::is_empty);
    if !node.is("BatchNormalization") || trains || !alone {
        return Ok(None);
    }
    let Some(x) = node.input(0) else {
        return Ok(None);
    };
    let Some(conv) = links.maker(x).filter(|&maker| graph.node[maker].is("Conv")) else {
        return Ok(None);
    };
    let convolution = &graph.node[conv];
    let tensor = |name: Option<&str>| constant(links, name);
    let (Some(_), Some((weight, shape))) = (links.only_taker(x), tensor(convolution.input(1))?)
    else {
        return Ok(None);
    };
    let Some(&channels) = shape.first().filter(|channels| **channels > 0) else {
        return Ok(None);
    };
    let vector = |name: Option<&str>| -> Result<Option<Vec<f64>>, QuantizeError> {
        let values = tensor(name)?.map(|(values, _)| values);
        let wanted = values.filter(|values| values.len() == channels);
        Ok(wanted.map(|values| values.into_iter().map(f64::from).collect()))
    };
    let mut parameters = Vec::new();
    for input in 1..5 {
        let Some(values) = vector(node.input(input))? else {
            return Ok(None);
        };
        parameters.push(values);
    }
    let before = match convolution.input(2) {
        None => vec![0.0; channels],
        bias => match vector(bias)? {
            Some(values) => values,
            None => return Ok(None),
        },
    };
    let epsilon = node.attribute("epsilon").map_or(1e-5, |a| f64::from(a.f));
    let [gamma, beta, mean, variance] = parameters.as_slice() else {
        return Ok(None);
    };
    let scale: Vec<f64> = gamma
        .iter()
        .zip(variance)
        .map(|(gamma, variance)| gamma / (variance + epsilon).sqrt())
        .collect();
    let shift = |channel: usize| beta[channel] + (before[channel] - mean[channel]) * scale[channel];
    let of_channel = weight.len() / channels;
    let scaled = weight.iter().enumerate();
    Ok(Some(Fold {
        conv,
        shape,
        bias: (0..channels).map(|channel| shift(channel) as f32).collect(),
        weight: scaled
            .map(|(index, weight)| (f64::from(*weight) * scale[index / of_channel]) as f32)
            .collect(),
    }))
}

/// Drops constants that nothing takes any more.
pub fn unused(graph: &mut GraphProto) {
    let links = Links::of(graph);
    let is_unused = |name: &str| links.takers(name).is_empty() && !links.is_output(name);
    let constants = graph.initializer.iter().map(|tensor| tensor.name.as_str());
    let unused: HashSet<String> = constants
        .filter(|n| is_unused(n))
        .map(String::from)
        .collect();
    graph
        .initializer
        .retain(|tensor| !unused.contains(&tensor.name));
    // Old exporters list constants among the inputs, as defaults that can be replaced.
    graph.input.retain(|input| !unused.contains(&input.name));
}
