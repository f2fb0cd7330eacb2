use std::collections::HashMap;

use normgate_core::onnx::TensorData;
use normgate_core::onnx::proto::{AttributeProto, GraphProto, NodeProto, TensorProto};

use super::QuantizeError;
use super::links::{Links, Names};
use super::plan::Plan;
use super::ranges::Scale;
use super::simplify::unused;
use super::weights::{constant, quantize, quantize_bias};

/// Puts a `QuantizeLinear`–`DequantizeLinear` pair behind every quantised value, and int8 weights
/// with a `DequantizeLinear` before every layer: the form that ONNX Runtime fuses into its int8
/// operators. `largest` is the largest level of a weight.
pub fn rewrite(
    graph: &mut GraphProto,
    plan: &Plan,
    scales: &HashMap<String, Scale>,
    largest: i8,
) -> Result<(), QuantizeError> {
    let old = graph.clone();
    let mut writer = Writer {
        links: Links::of(&old),
        names: Names::of(graph),
        plan,
        scales,
        largest,
        parameters: HashMap::new(),
        inputs: HashMap::new(),
        nodes: Vec::with_capacity(graph.node.len() * 3),
        constants: Vec::new(),
    };
    for input in &old.input {
        writer.input(&input.name);
    }
    for (index, node) in std::mem::take(&mut graph.node).into_iter().enumerate() {
        writer.node(index, node)?;
    }
    graph.node = writer.nodes;
    graph.initializer.append(&mut writer.constants);
    unused(graph);
    Ok(())
}

struct Writer<'a> {
    links: Links<'a>,
    names: Names,
    plan: &'a Plan,
    scales: &'a HashMap<String, Scale>,
    largest: i8,
    /// Names of scale and zero point, by the value that they come from.
    parameters: HashMap<String, [String; 2]>,
    /// The model's inputs, which keep their names, and what quantised nodes take in their place.
    inputs: HashMap<String, String>,
    nodes: Vec<NodeProto>,
    constants: Vec<TensorProto>,
}

impl Writer<'_> {
    fn input(&mut self, name: &str) {
        if self.plan.values.contains_key(name) {
            let rounded = self.names.fresh(&format!("{name}.dequantized"));
            self.pair(name, name, &rounded);
            self.inputs.insert(name.to_owned(), rounded);
        }
    }

    fn node(&mut self, index: usize, mut node: NodeProto) -> Result<(), QuantizeError> {
        if self.plan.nodes.contains(&index) {
            if let Some(&axis) = self.plan.layers.get(&index) {
                self.weights(&mut node, axis)?;
            }
            for input in &mut node.input {
                if let Some(rounded) = self.inputs.get(input) {
                    input.clone_from(rounded);
                }
            }
        }
        // Nodes that take the value still take it under its name, and so get the rounded one.
        let mut made = Vec::new();
        for output in &mut node.output {
            if self.plan.values.contains_key(output) {
                let exact = self.names.fresh(&format!("{output}.exact"));
                made.push((std::mem::replace(output, exact.clone()), exact));
            }
        }
        self.nodes.push(node);
        for (value, exact) in made {
            self.pair(&value, &exact, &value);
        }
        Ok(())
    }

    /// Adds the nodes from `exact` to int8 and back to `rounded`, with the scale of `value`.
    fn pair(&mut self, value: &str, exact: &str, rounded: &str) {
        let [scale, zero_point] = self.parameters(value);
        let level = self.names.fresh(&format!("{value}.quantized"));
        let quantize = NodeProto::new("QuantizeLinear", &[exact, &scale, &zero_point], &level);
        let inputs = [level.as_str(), &scale, &zero_point];
        let mut dequantize = NodeProto::new("DequantizeLinear", &inputs, rounded);
        // The node that made the value may have its name.
        dequantize.name = self.names.fresh(&format!("{value}.dequantize"));
        self.nodes.extend([quantize, dequantize]);
    }

    fn parameters(&mut self, value: &str) -> [String; 2] {
        let range = self.plan.values.get(value).map_or(value, String::as_str);
        if let Some(names) = self.parameters.get(range) {
            return names.clone();
        }
        let scale = self.scale(range);
        let names = ["scale", "zero_point"].map(|of| self.names.fresh(&format!("{range}.{of}")));
        self.constant(&names[0], &[], TensorData::F32(&[scale.scale]));
        self.constant(&names[1], &[], TensorData::U8(&[scale.zero_point]));
        self.parameters.insert(range.to_owned(), names.clone());
        names
    }

    fn scale(&self, range: &str) -> Scale {
        let scale = self.scales.get(range).copied();
        scale.unwrap_or(Scale::spanning(0.0, 1.0))
    }

    fn weights(&mut self, node: &mut NodeProto, axis: usize) -> Result<(), QuantizeError> {
        let broken = |what| QuantizeError::BrokenNode {
            node: node.name.clone(),
            operator: node.op_type.clone(),
            what,
        };
        let constant = |input: usize| constant(&self.links, node.input(input));
        let Some((weight, shape)) = constant(1)? else {
            return Err(broken("its weights are not a float32 constant"));
        };
        let bias = constant(2)?.map(|(bias, _)| bias);
        let range = &self.plan.values[&node.input[0]];
        let input = self.scale(range).scale;
        let weights = quantize(&weight, &shape, axis, self.largest, bias.as_deref(), input);
        let channels = weights.scales.len();
        let name = node.input[1].clone();
        node.input[1] = self.dequantized(
            &name,
            &shape,
            axis,
            TensorData::I8(&weights.levels),
            &weights.scales,
            TensorData::I8(&vec![0; channels]),
        );
        if let Some(bias) = bias {
            let (levels, units) = quantize_bias(&bias, input, &weights.scales);
            let name = node.input[2].clone();
            node.input[2] = self.dequantized(
                &name,
                &[channels],
                0,
                TensorData::I32(&levels),
                &units,
                TensorData::I32(&vec![0; channels]),
            );
        }
        Ok(())
    }

    /// Adds a constant with a scale for each index of `axis`, and the node that makes floats of it.
    fn dequantized(
        &mut self,
        name: &str,
        shape: &[usize],
        axis: usize,
        levels: TensorData<'_>,
        scales: &[f32],
        zero_points: TensorData<'_>,
    ) -> String {
        let mut fresh = |of: &str| self.names.fresh(&format!("{name}.{of}"));
        let stored = [fresh("quantized"), fresh("scale"), fresh("zero_point")];
        let real = fresh("dequantized");
        self.constant(&stored[0], shape, levels);
        self.constant(&stored[1], &[scales.len()], TensorData::F32(scales));
        self.constant(&stored[2], &[scales.len()], zero_points);
        let inputs = stored.each_ref().map(String::as_str);
        let node = NodeProto::new("DequantizeLinear", &inputs, &real);
        self.nodes
            .push(node.with(AttributeProto::int("axis", axis as i64)));
        real
    }

    fn constant(&mut self, name: &str, dims: &[usize], data: TensorData<'_>) {
        self.constants.push(TensorProto::constant(name, dims, data));
    }
}
