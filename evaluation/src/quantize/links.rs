use std::collections::{HashMap, HashSet};

use normgate_core::onnx::proto::{GraphProto, NodeProto, TensorProto};

/// Which nodes make and which take each value of a graph.
pub struct Links<'a> {
    graph: &'a GraphProto,
    makers: HashMap<&'a str, usize>,
    takers: HashMap<&'a str, Vec<usize>>,
    outputs: HashSet<&'a str>,
    constants: HashMap<&'a str, &'a TensorProto>,
}

impl<'a> Links<'a> {
    /// Reads the graph, including what its nodes' own graphs (branches of `If`) take from it.
    pub fn of(graph: &'a GraphProto) -> Self {
        let mut links = Self {
            graph,
            makers: HashMap::new(),
            takers: HashMap::new(),
            outputs: graph.output.iter().map(|o| o.name.as_str()).collect(),
            constants: HashMap::new(),
        };
        for tensor in &graph.initializer {
            links.constants.insert(&tensor.name, tensor);
        }
        for (index, node) in graph.node.iter().enumerate() {
            for output in &node.output {
                links.makers.insert(output, index);
            }
            let mut taken = Vec::new();
            inputs(node, &mut taken);
            for name in taken {
                links.takers.entry(name).or_default().push(index);
            }
        }
        links
    }

    /// The node that makes the value; `None` for inputs and constants.
    pub fn maker(&self, value: &str) -> Option<usize> {
        self.makers.get(value).copied()
    }

    /// The nodes that take the value, in order; a node that takes it twice is there twice.
    pub fn takers(&self, value: &str) -> &[usize] {
        self.takers.get(value).map_or(&[], Vec::as_slice)
    }

    /// The one node that takes the value; `None` if others do too, or if the model returns it.
    pub fn only_taker(&self, value: &str) -> Option<(usize, &'a NodeProto)> {
        match self.takers(value) {
            &[taker] if !self.is_output(value) => Some((taker, &self.graph.node[taker])),
            _ => None,
        }
    }

    /// The layer that gives a value, behind nodes that only change its form or compute with a constant; `None` if
    /// there are others in between.
    pub fn layer_behind(&self, value: &str) -> Option<usize> {
        const LAYERS: [&str; 3] = ["Conv", "Gemm", "MatMul"];
        const FORMS: [&str; 10] = [
            "Add",
            "Cast",
            "Div",
            "Flatten",
            "Identity",
            "Mul",
            "Reshape",
            "Squeeze",
            "Sub",
            "Unsqueeze",
        ];
        let mut value = value;
        // A node is never behind itself in a valid graph; in another, this ends all the same.
        for _ in &self.graph.node {
            let index = self.maker(value)?;
            let node = &self.graph.node[index];
            if LAYERS.iter().any(|layer| node.is(layer)) {
                return Some(index);
            }
            let made = |input: &&String| self.maker(input).is_some();
            let mut inputs = node.input.iter().filter(made);
            value = inputs
                .next()
                .filter(|_| FORMS.iter().any(|form| node.is(form)))?;
            if inputs.next().is_some() {
                return None;
            }
        }
        None
    }

    /// Whether the model returns the value.
    pub fn is_output(&self, value: &str) -> bool {
        self.outputs.contains(value)
    }

    /// The constant of that name.
    pub fn constant(&self, value: &str) -> Option<&'a TensorProto> {
        self.constants.get(value).copied()
    }

    /// Whether any node takes the value only inside a graph of its own.
    pub fn is_captured(&self, value: &str) -> bool {
        let direct = |index: &usize| self.graph.node[*index].input.iter().any(|i| i == value);
        !self.takers(value).iter().all(direct)
    }
}

fn inputs<'a>(node: &'a NodeProto, taken: &mut Vec<&'a str>) {
    taken.extend(
        node.input
            .iter()
            .map(String::as_str)
            .filter(|i| !i.is_empty()),
    );
    let graphs = node.attribute.iter();
    for graph in graphs.flat_map(|a| a.g.iter().chain(&a.graphs)) {
        graph.node.iter().for_each(|node| inputs(node, taken));
        taken.extend(graph.output.iter().map(|output| output.name.as_str()));
    }
}

/// Names that are not in a graph yet.
pub struct Names(HashSet<String>);

impl Names {
    /// All names that the graph uses, and those in the graphs of its nodes.
    pub fn of(graph: &GraphProto) -> Self {
        let mut names = HashSet::new();
        collect(graph, &mut names);
        Self(names)
    }

    /// The wanted name, with a number if it is taken.
    pub fn fresh(&mut self, wanted: &str) -> String {
        let numbered = (1..).map(|number| format!("{wanted}.{number}"));
        let mut candidates = std::iter::once(wanted.to_owned()).chain(numbered);
        let name = candidates.find(|name| !self.0.contains(name));
        let name = name.unwrap_or_default();
        self.0.insert(name.clone());
        name
    }
}

fn collect(graph: &GraphProto, names: &mut HashSet<String>) {
    let values = graph.input.iter().chain(&graph.output);
    names.extend(values.map(|value| value.name.clone()));
    names.extend(graph.initializer.iter().map(|tensor| tensor.name.clone()));
    for node in &graph.node {
        names.insert(node.name.clone());
        names.extend(node.input.iter().chain(&node.output).cloned());
        let graphs = node.attribute.iter();
        for graph in graphs.flat_map(|a| a.g.iter().chain(&a.graphs)) {
            collect(graph, names);
        }
    }
}
