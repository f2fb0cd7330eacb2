mod constant;
mod operators;

use prost::Message;
use thiserror::Error;

pub use constant::TensorData;
pub use operators::Window;

use super::proto::{
    AttributeProto, Dimension, DimensionValue, GraphProto, ModelProto, NodeProto, OperatorSetId,
    StringStringEntryProto, TensorProto, ValueInfoProto,
};

/// ONNX 1.12: old enough for every tool in use, and new enough for all that is written here.
const OPSET: i64 = 17;
const IR_VERSION: i64 = 8;

/// Builds an ONNX model node by node. A node and the value that it makes share a name.
///
/// Every method takes only values that exist already, so the nodes are in topological order. Mistakes (a name used
/// twice, data that does not fill its shape) are reported by [`GraphBuilder::finish`].
pub struct GraphBuilder {
    graph: GraphProto,
    mistake: Option<GraphError>,
}

/// A value in the graph under construction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value(String);

impl Value {
    /// Its name in the graph.
    pub fn name(&self) -> &str {
        &self.0
    }
}

/// The length of an axis of an input or output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dim {
    /// The batch: any length, named `N` in the file.
    Batch,
    /// Always this length.
    Fixed(usize),
}

/// A mistake in a graph under construction.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum GraphError {
    /// Two values have the same name.
    #[error("the name `{0}` is used twice in the graph")]
    DuplicateName(String),
    /// A constant's data does not fill its shape.
    #[error("the constant `{name}` has {found} values, but its shape {dims:?} needs {needed}")]
    WrongLength {
        /// Name of the constant.
        name: String,
        /// Its shape.
        dims: Vec<usize>,
        /// The number of values needed.
        needed: usize,
        /// The number of values given.
        found: usize,
    },
    /// The graph has no output.
    #[error("the graph has no output")]
    NoOutput,
}

impl GraphBuilder {
    /// An empty graph.
    pub fn new(name: &str) -> Self {
        let graph = GraphProto {
            name: name.into(),
            ..Default::default()
        };
        Self {
            graph,
            mistake: None,
        }
    }

    /// Adds a float input.
    pub fn input(&mut self, name: &str, shape: &[Dim]) -> Value {
        self.claim(name);
        self.graph.input.push(float_value(name, shape));
        Value(name.into())
    }

    /// Makes a float value an output of the model, under its own name.
    pub fn output(&mut self, value: &Value, shape: &[Dim]) {
        self.graph.output.push(float_value(&value.0, shape));
    }

    /// Adds a constant.
    pub fn constant(&mut self, name: &str, dims: &[usize], data: TensorData<'_>) -> Value {
        self.claim(name);
        let needed = dims.iter().product();
        if data.len() != needed {
            self.mistake.get_or_insert(GraphError::WrongLength {
                name: name.into(),
                dims: dims.into(),
                needed,
                found: data.len(),
            });
        }
        let constant = TensorProto::constant(name, dims, data);
        self.graph.initializer.push(constant);
        Value(name.into())
    }

    /// Adds a constant of 32-bit floats.
    pub fn floats(&mut self, name: &str, dims: &[usize], data: &[f32]) -> Value {
        self.constant(name, dims, TensorData::F32(data))
    }

    /// Adds a node with one output and any operator of ONNX's own set.
    pub fn node(
        &mut self,
        name: &str,
        operator: &str,
        inputs: &[&Value],
        attributes: Vec<AttributeProto>,
    ) -> Value {
        self.claim(name);
        self.graph.node.push(NodeProto {
            input: inputs.iter().map(|value| value.0.clone()).collect(),
            output: vec![name.into()],
            name: name.into(),
            op_type: operator.into(),
            attribute: attributes,
            ..Default::default()
        });
        Value(name.into())
    }

    /// The model file's bytes, with the given metadata.
    ///
    /// # Errors
    /// [`GraphError`] for the first mistake made while building.
    pub fn finish(mut self, metadata: &[(&str, &str)]) -> Result<Vec<u8>, GraphError> {
        if self.graph.output.is_empty() {
            self.mistake.get_or_insert(GraphError::NoOutput);
        }
        if let Some(mistake) = self.mistake {
            return Err(mistake);
        }
        let entry = |(key, value): &(&str, &str)| StringStringEntryProto::new(key, value);
        let model = ModelProto {
            ir_version: IR_VERSION,
            opset_import: vec![OperatorSetId {
                domain: String::new(),
                version: OPSET,
            }],
            producer_name: "normgate".into(),
            producer_version: env!("CARGO_PKG_VERSION").into(),
            graph: Some(self.graph),
            metadata_props: metadata.iter().map(entry).collect(),
            ..Default::default()
        };
        Ok(model.encode_to_vec())
    }

    fn claim(&mut self, name: &str) {
        let inputs = self.graph.input.iter().map(|value| &value.name);
        let constants = self.graph.initializer.iter().map(|tensor| &tensor.name);
        let nodes = self.graph.node.iter().map(|node| &node.name);
        if inputs
            .chain(constants)
            .chain(nodes)
            .any(|used| used == name)
        {
            self.mistake
                .get_or_insert(GraphError::DuplicateName(name.into()));
        }
    }
}

fn float_value(name: &str, shape: &[Dim]) -> ValueInfoProto {
    let dim = |dim: &Dim| Dimension {
        value: Some(match dim {
            Dim::Batch => DimensionValue::Named("N".into()),
            Dim::Fixed(length) => DimensionValue::Fixed(*length as i64),
        }),
        ..Default::default()
    };
    ValueInfoProto::float(name, shape.iter().map(dim).collect())
}
