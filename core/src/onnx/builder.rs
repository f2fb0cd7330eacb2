use prost::Message;
use thiserror::Error;

use super::proto::{
    AttributeProto, AttributeType, DataType, Dimension, DimensionValue, GraphProto, ModelProto,
    NodeProto, OperatorSetId, StringStringEntryProto, TensorProto, TensorShapeProto, TensorType,
    TypeProto, ValueInfoProto,
};

/// ONNX 1.12: old enough for every tool in use, and new enough for all that is written here.
const OPSET: i64 = 17;
const IR_VERSION: i64 = 8;

/// Builds an ONNX model node by node. A node and the value it makes share one name.
///
/// Every method takes only values that exist already, so the nodes come out in topological order.
/// Mistakes (a name used twice, data that does not fill its shape) are reported by
/// [`GraphBuilder::finish`].
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

/// Length of an axis of an input or output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dim {
    /// The batch: any length, named `N` in the file.
    Batch,
    /// Always this length.
    Fixed(usize),
}

/// The values of a constant, in row-major order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum TensorData<'a> {
    /// 32-bit floats.
    F32(&'a [f32]),
    /// 16-bit IEEE floats as bit patterns.
    F16(&'a [u16]),
    /// Signed bytes.
    I8(&'a [i8]),
    /// Unsigned bytes.
    U8(&'a [u8]),
    /// 64-bit integers.
    I64(&'a [i64]),
}

/// Stride and zero padding of a convolution or pooling, the same on both axes and all sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv {
    /// Step, at least 1.
    pub stride: usize,
    /// Zeros added on each side.
    pub padding: usize,
}

/// A mistake in a graph under construction.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum GraphError {
    /// Two values have one name.
    #[error("the name `{0}` is used twice in the graph")]
    DuplicateName(String),
    /// A constant's data does not fill its shape.
    #[error("the constant `{name}` has {found} values, but its shape {dims:?} needs {needed}")]
    WrongLength {
        /// Name of the constant.
        name: String,
        /// Its shape.
        dims: Vec<usize>,
        /// Values needed.
        needed: usize,
        /// Values given.
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

    /// Makes a float value an output of the model, under the name it has.
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
        self.graph.initializer.push(TensorProto {
            dims: dims.iter().map(|dim| *dim as i64).collect(),
            data_type: data.data_type().into(),
            name: name.into(),
            raw_data: data.to_bytes(),
            ..Default::default()
        });
        Value(name.into())
    }

    /// Adds a constant of 32-bit floats.
    pub fn floats(&mut self, name: &str, dims: &[usize], data: &[f32]) -> Value {
        self.constant(name, dims, TensorData::F32(data))
    }

    /// Adds a node of any operator of ONNX's own set with one output.
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

    /// Convolution with square kernels: `x` is `[N, C, H, W]`, `weight` `[K, C, R, R]`, `bias`
    /// `[K]`. ONNX reads the kernel's size from the weight.
    pub fn conv(
        &mut self,
        name: &str,
        x: &Value,
        weight: &Value,
        bias: Option<&Value>,
        conv: Conv,
    ) -> Value {
        let mut inputs = vec![x, weight];
        inputs.extend(bias);
        let attributes = vec![
            ints("strides", &[conv.stride as i64; 2]),
            ints("pads", &[conv.padding as i64; 4]),
        ];
        self.node(name, "Conv", &inputs, attributes)
    }

    /// Batch normalisation in inference mode: `(x − mean) / sqrt(variance + epsilon) · scale + bias`.
    /// `parameters` are scale, bias, mean and variance, each `[C]`.
    pub fn batch_norm(
        &mut self,
        name: &str,
        x: &Value,
        [scale, bias, mean, variance]: [&Value; 4],
        epsilon: f32,
    ) -> Value {
        self.node(
            name,
            "BatchNormalization",
            &[x, scale, bias, mean, variance],
            vec![float("epsilon", epsilon)],
        )
    }

    /// `max(x, 0)`
    pub fn relu(&mut self, name: &str, x: &Value) -> Value {
        self.node(name, "Relu", &[x], vec![])
    }

    /// `a + b`, broadcast.
    pub fn add(&mut self, name: &str, a: &Value, b: &Value) -> Value {
        self.node(name, "Add", &[a, b], vec![])
    }

    /// The greatest value of each `kernel`-sized square window.
    pub fn max_pool(&mut self, name: &str, x: &Value, kernel: usize, conv: Conv) -> Value {
        let attributes = vec![
            ints("kernel_shape", &[kernel as i64; 2]),
            ints("strides", &[conv.stride as i64; 2]),
            ints("pads", &[conv.padding as i64; 4]),
        ];
        self.node(name, "MaxPool", &[x], attributes)
    }

    /// The mean over height and width: `[N, C, H, W]` to `[N, C, 1, 1]`.
    pub fn global_average_pool(&mut self, name: &str, x: &Value) -> Value {
        self.node(name, "GlobalAveragePool", &[x], vec![])
    }

    /// Everything but the batch in one axis: `[N, C, H, W]` to `[N, C·H·W]`.
    pub fn flatten(&mut self, name: &str, x: &Value) -> Value {
        self.node(name, "Flatten", &[x], vec![int("axis", 1)])
    }

    /// A linear layer as PyTorch stores it: `x · weightᵀ + bias`, `weight` `[out, in]`.
    pub fn linear(&mut self, name: &str, x: &Value, weight: &Value, bias: Option<&Value>) -> Value {
        let mut inputs = vec![x, weight];
        inputs.extend(bias);
        self.node(name, "Gemm", &inputs, vec![int("transB", 1)])
    }

    /// A constant or value as 32-bit floats: how weights kept as 16-bit floats are used.
    pub fn cast_to_float(&mut self, name: &str, x: &Value) -> Value {
        let to = i64::from(i32::from(DataType::Float));
        self.node(name, "Cast", &[x], vec![int("to", to)])
    }

    /// `(x − zero_point) · scale`; with `axis`, scale and zero point hold one entry for each index
    /// of it.
    pub fn dequantize(
        &mut self,
        name: &str,
        [x, scale, zero_point]: [&Value; 3],
        axis: usize,
    ) -> Value {
        let attributes = vec![int("axis", axis as i64)];
        self.node(
            name,
            "DequantizeLinear",
            &[x, scale, zero_point],
            attributes,
        )
    }

    /// The model file's bytes, with the given metadata.
    pub fn finish(mut self, metadata: &[(&str, &str)]) -> Result<Vec<u8>, GraphError> {
        if self.graph.output.is_empty() {
            self.mistake.get_or_insert(GraphError::NoOutput);
        }
        if let Some(mistake) = self.mistake {
            return Err(mistake);
        }
        let entry = |(key, value): &(&str, &str)| StringStringEntryProto {
            key: (*key).into(),
            value: (*value).into(),
        };
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

impl TensorData<'_> {
    fn len(&self) -> usize {
        match self {
            Self::F32(values) => values.len(),
            Self::F16(values) => values.len(),
            Self::I8(values) => values.len(),
            Self::U8(values) => values.len(),
            Self::I64(values) => values.len(),
        }
    }

    fn data_type(&self) -> DataType {
        match self {
            Self::F32(_) => DataType::Float,
            Self::F16(_) => DataType::Float16,
            Self::I8(_) => DataType::Int8,
            Self::U8(_) => DataType::Uint8,
            Self::I64(_) => DataType::Int64,
        }
    }

    fn to_bytes(self) -> Vec<u8> {
        match self {
            Self::F32(values) => values
                .iter()
                .flat_map(|value| value.to_le_bytes())
                .collect(),
            Self::F16(values) => values
                .iter()
                .flat_map(|value| value.to_le_bytes())
                .collect(),
            Self::I8(values) => values
                .iter()
                .flat_map(|value| value.to_le_bytes())
                .collect(),
            Self::U8(values) => values.to_vec(),
            Self::I64(values) => values
                .iter()
                .flat_map(|value| value.to_le_bytes())
                .collect(),
        }
    }
}

fn float_value(name: &str, shape: &[Dim]) -> ValueInfoProto {
    let dim = |dim: &Dim| Dimension {
        value: Some(match dim {
            Dim::Batch => DimensionValue::Named("N".into()),
            Dim::Fixed(length) => DimensionValue::Fixed(*length as i64),
        }),
    };
    ValueInfoProto {
        name: name.into(),
        r#type: Some(TypeProto {
            tensor_type: Some(TensorType {
                elem_type: DataType::Float.into(),
                shape: Some(TensorShapeProto {
                    dim: shape.iter().map(dim).collect(),
                }),
            }),
        }),
        ..Default::default()
    }
}

fn attribute(name: &str, r#type: AttributeType) -> AttributeProto {
    AttributeProto {
        name: name.into(),
        r#type: r#type.into(),
        ..Default::default()
    }
}

fn float(name: &str, f: f32) -> AttributeProto {
    AttributeProto {
        f,
        ..attribute(name, AttributeType::Float)
    }
}

fn int(name: &str, i: i64) -> AttributeProto {
    AttributeProto {
        i,
        ..attribute(name, AttributeType::Int)
    }
}

fn ints(name: &str, ints: &[i64]) -> AttributeProto {
    AttributeProto {
        ints: ints.into(),
        ..attribute(name, AttributeType::Ints)
    }
}
