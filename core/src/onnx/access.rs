//! Reads and makes the parts of a decoded graph.

use super::TensorData;
use super::proto::{
    AttributeProto, AttributeType, DataType, Dimension, NodeProto, StringStringEntryProto,
    TensorProto, TensorShapeProto, TensorType, TypeProto, ValueInfoProto,
};

impl TensorProto {
    /// A constant with its values in `raw_data`. The values must fill the shape.
    pub fn constant(name: &str, dims: &[usize], data: TensorData<'_>) -> Self {
        Self {
            dims: dims.iter().map(|dim| *dim as i64).collect(),
            data_type: data.data_type().into(),
            name: name.into(),
            raw_data: data.to_bytes(),
            ..Default::default()
        }
    }

    /// The shape; `None` if a dimension is negative or does not fit.
    pub fn shape(&self) -> Option<Vec<usize>> {
        let dim = |dim: &i64| usize::try_from(*dim).ok();
        self.dims.iter().map(dim).collect()
    }

    /// The number of values; `None` if the shape is not valid or they cannot be counted.
    pub fn count(&self) -> Option<usize> {
        let mut dims = self.shape()?.into_iter();
        dims.try_fold(1usize, usize::checked_mul)
    }

    /// The values of a 32-bit float constant in row-major order; `None` if it has another type, or if they do not
    /// fill the shape.
    pub fn floats(&self) -> Option<Vec<f32>> {
        if self.data_type != i32::from(DataType::Float) {
            return None;
        }
        let values = match self.raw_data.is_empty() {
            true => self.float_data.clone(),
            false => {
                let (words, rest) = self.raw_data.as_chunks::<4>();
                if !rest.is_empty() {
                    return None;
                }
                words.iter().map(|word| f32::from_le_bytes(*word)).collect()
            }
        };
        (self.count()? == values.len()).then_some(values)
    }
}

impl NodeProto {
    /// A node of ONNX's own operator set with one output, whose name is also the node's.
    pub fn new(operator: &str, inputs: &[&str], output: &str) -> Self {
        Self {
            input: inputs.iter().map(|input| (*input).into()).collect(),
            output: vec![output.into()],
            name: output.into(),
            op_type: operator.into(),
            ..Default::default()
        }
    }

    /// The same node with one more attribute.
    pub fn with(mut self, attribute: AttributeProto) -> Self {
        self.attribute.push(attribute);
        self
    }

    /// Its operator; empty if that is not of ONNX's own set.
    pub fn operator(&self) -> &str {
        match self.domain.as_str() {
            "" | "ai.onnx" => &self.op_type,
            _ => "",
        }
    }

    /// Whether it is this operator of ONNX's own set.
    pub fn is(&self, operator: &str) -> bool {
        self.operator() == operator
    }

    /// The attribute of that name, if it is given.
    pub fn attribute(&self, name: &str) -> Option<&AttributeProto> {
        self.attribute.iter().find(|a| a.name == name)
    }

    /// The name of an input; `None` if it is optional and left out.
    pub fn input(&self, index: usize) -> Option<&str> {
        let name = self.input.get(index)?;
        (!name.is_empty()).then_some(name.as_str())
    }
}

impl AttributeProto {
    /// An integer attribute.
    pub fn int(name: &str, i: i64) -> Self {
        Self {
            name: name.into(),
            i,
            r#type: AttributeType::Int.into(),
            ..Default::default()
        }
    }
}

impl StringStringEntryProto {
    /// An entry.
    pub fn new(key: &str, value: &str) -> Self {
        Self {
            key: key.into(),
            value: value.into(),
        }
    }
}

impl ValueInfoProto {
    /// An input or output of 32-bit floats.
    pub fn float(name: &str, dim: Vec<Dimension>) -> Self {
        let tensor = TensorType {
            elem_type: DataType::Float.into(),
            shape: Some(TensorShapeProto { dim }),
        };
        Self {
            name: name.into(),
            r#type: Some(TypeProto {
                tensor_type: Some(tensor),
                ..Default::default()
            }),
            ..Default::default()
        }
    }

    /// The element type of a tensor, a [`DataType`]; 0 if it is not stated.
    pub fn element_type(&self) -> i32 {
        let tensor = self.r#type.as_ref().and_then(|t| t.tensor_type.as_ref());
        tensor.map_or(0, |tensor| tensor.elem_type)
    }
}
