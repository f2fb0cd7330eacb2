//! The numbers of a value that depends only on constants: weights kept as fp16 or int8, and what makes float32 of
//! them.

use half::f16;
use std::cell::Cell;
use std::collections::HashMap;

use super::proto::{DataType, GraphProto, NodeProto, TensorProto};

/// Numbers of a tensor, whatever type it has in the file.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Numbers {
    pub(super) shape: Vec<usize>,
    pub(super) values: Vec<f32>,
}

/// What makes each value of a graph.
pub(super) struct Makers<'a> {
    nodes: HashMap<&'a str, &'a NodeProto>,
    constants: HashMap<&'a str, &'a TensorProto>,
}

/// How many nodes are passed over in search of what makes a value. Without a limit, a cycle, which no valid model
/// has, would never end.
const LONGEST: usize = 16;

/// The most values that a constant may be made of. This too ends cycles, and chains whose nodes use a value several
/// times, which would take forever to follow.
const MOST: usize = 64;

impl<'a> Makers<'a> {
    pub(super) fn of(graph: &'a GraphProto) -> Self {
        let outputs = |node: &'a NodeProto| node.output.iter().map(move |o| (o.as_str(), node));
        let named = |tensor: &'a TensorProto| (tensor.name.as_str(), tensor);
        Self {
            nodes: graph.node.iter().flat_map(outputs).collect(),
            constants: graph.initializer.iter().map(named).collect(),
        }
    }

    /// The name of the value behind a value, and the node that makes it.
    ///
    /// Nodes that leave a value as it is (an `Identity`, or the rounding of a quantised value) are passed over.
    pub(super) fn behind<'v>(&self, value: &'v str) -> (&'v str, Option<&'a NodeProto>)
    where
        'a: 'v,
    {
        let mut name = value;
        for _ in 0..LONGEST {
            match self.nodes.get(name) {
                Some(node) if keeps(node) => match node.input(0) {
                    Some(input) => name = input,
                    None => break,
                },
                _ => break,
            }
        }
        (name, self.nodes.get(name).copied())
    }

    /// The tensor that a value is, if it is a constant of the file, possibly transposed or cast.
    pub(super) fn constant(&self, value: &str) -> Option<&'a TensorProto> {
        let mut name = value;
        for _ in 0..LONGEST {
            if let Some(tensor) = self.constants.get(name) {
                return Some(tensor);
            }
            let node = self.nodes.get(name)?;
            match node.operator() {
                "Transpose" | "Identity" | "Cast" => name = node.input(0)?,
                "Constant" => return node.attribute("value")?.t.as_ref(),
                _ => return None,
            }
        }
        None
    }

    /// The numbers of a value that depends only on constants; `None` if it does not, or if they are made in a way
    /// that is not known here.
    pub(super) fn numbers(&self, value: &str) -> Option<Numbers> {
        self.made(value, &Cell::new(MOST))
    }

    fn made(&self, value: &str, left: &Cell<usize>) -> Option<Numbers> {
        left.set(left.get().checked_sub(1)?);
        if let Some(tensor) = self.constants.get(value) {
            return numbers(tensor);
        }
        let node = self.nodes.get(value)?;
        let input = |index: usize| self.made(node.input(index)?, left);
        match node.operator() {
            "Constant" => numbers(node.attribute("value")?.t.as_ref()?),
            // Nothing here is ever cast to whole numbers.
            "Identity" | "Cast" => input(0),
            "Mul" => {
                let (one, other) = (input(0)?, input(1)?);
                let product = |a: &Numbers, b| a.combine(b, |a, b| a * b);
                product(&one, &other).or_else(|| product(&other, &one))
            }
            // Weights as training with quantisation leaves them: rounded in the graph.
            "QuantizeLinear" => {
                let numbers = input(0)?;
                let along = |it: Numbers| it.along(axis(node), numbers.shape.len());
                let levels = numbers.combine(&along(input(1)?)?, |it, scale| it / scale)?;
                let levels = levels.each(f32::round_ties_even);
                let asked = node.attribute("output_dtype").map_or(0, |kind| kind.i);
                let (levels, kind) = match node.input(2) {
                    Some(zero) => {
                        let kind = self.constants.get(zero)?.data_type;
                        (levels.combine(&along(input(2)?)?, |a, b| a + b)?, kind)
                    }
                    None if asked == 0 => (levels, DataType::Uint8.into()),
                    None => (levels, asked.try_into().ok()?),
                };
                let (least, most) = match DataType::try_from(kind).ok()? {
                    DataType::Uint8 => (0.0, 255.0),
                    DataType::Int8 => (-128.0, 127.0),
                    _ => return None,
                };
                Some(levels.each(|level| level.clamp(least, most)))
            }
            "DequantizeLinear" => {
                let levels = input(0)?;
                let along = |it: Numbers| it.along(axis(node), levels.shape.len());
                let scale = along(input(1)?)?;
                let whole = match node.input(2) {
                    Some(_) => levels.combine(&along(input(2)?)?, |level, zero| level - zero)?,
                    None => levels.clone(),
                };
                whole.combine(&scale, |level, scale| level * scale)
            }
            "Transpose" => match node.attribute("perm").map(|perm| perm.ints.as_slice()) {
                None | Some([1, 0]) => Some(input(0)?.transposed()),
                Some([0, 1]) => input(0),
                Some(_) => None,
            },
            _ => None,
        }
    }
}

/// The axis along which a quantised tensor has scales.
fn axis(node: &NodeProto) -> i64 {
    node.attribute("axis").map_or(1, |axis| axis.i)
}

fn keeps(node: &NodeProto) -> bool {
    // One that may be told to train has a third input.
    let is_idle = node.is("Dropout") && node.input(2).is_none();
    is_idle
        || ["Identity", "QuantizeLinear", "DequantizeLinear", "Cast"]
            .into_iter()
            .any(|operator| node.is(operator))
}

impl Numbers {
    /// Rows and columns of numbers with at most two axes.
    fn matrix(&self) -> Option<(usize, usize)> {
        match *self.shape {
            [] => Some((1, 1)),
            [columns] => Some((1, columns)),
            [rows, columns] => Some((rows, columns)),
            _ => None,
        }
    }

    /// Combines each number with the one at its place in `other`, where an axis of length 1 fits any length.
    pub(super) fn combine(&self, other: &Self, with: impl Fn(f32, f32) -> f32) -> Option<Self> {
        let ((rows, columns), (others, wide)) = (self.matrix()?, other.matrix()?);
        if !(others == 1 || others == rows) || !(wide == 1 || wide == columns) {
            return None;
        }
        let place = |index: usize| {
            let (row, column) = (index / columns, index % columns);
            (row % others) * wide + column % wide
        };
        let values = self.values.iter().enumerate();
        Some(Self {
            shape: self.shape.clone(),
            values: values
                .map(|(index, value)| with(*value, other.values[place(index)]))
                .collect(),
        })
    }

    /// Lays one number for each index of `axis` along that axis, of `axes` in all. A single number stays as it is.
    /// Numbers for blocks are not known here.
    fn along(mut self, axis: i64, axes: usize) -> Option<Self> {
        if self.shape.len() > 1 {
            return None;
        }
        let axis = if axis < 0 { axis + axes as i64 } else { axis };
        if self.values.len() > 1 && axes == 2 {
            self.shape = match axis {
                0 => vec![self.values.len(), 1],
                1 => vec![1, self.values.len()],
                _ => return None,
            };
        }
        Some(self)
    }

    /// Each number times the factor.
    pub(super) fn scaled(self, factor: f32) -> Self {
        self.each(|value| value * factor)
    }

    fn each(mut self, change: impl Fn(f32) -> f32) -> Self {
        let values = self.values.iter_mut();
        values.for_each(|value| *value = change(*value));
        self
    }

    /// A matrix with its axes swapped; a vector as it is.
    pub(super) fn transposed(self) -> Self {
        let [rows, columns] = *self.shape else {
            return self;
        };
        let value = |index: usize| self.values[index % rows * columns + index / rows];
        Self {
            values: (0..rows * columns).map(value).collect(),
            shape: vec![columns, rows],
        }
    }
}

fn numbers(tensor: &TensorProto) -> Option<Numbers> {
    let shape = tensor.shape()?;
    let bytes = &tensor.raw_data;
    let small = || tensor.int32_data.iter().copied();
    let values: Vec<f32> = match DataType::try_from(tensor.data_type).ok()? {
        DataType::Float => tensor.floats()?,
        DataType::Float16 if bytes.is_empty() => small()
            .map(|bits| f16::from_bits(bits as u16).to_f32())
            .collect(),
        DataType::Float16 => {
            let halves = bytes.as_chunks::<2>().0.iter();
            halves
                .map(|pair| f16::from_le_bytes(*pair).to_f32())
                .collect()
        }
        DataType::Int8 | DataType::Uint8 | DataType::Int32 if bytes.is_empty() => {
            small().map(|value| value as f32).collect()
        }
        DataType::Int8 => bytes.iter().map(|byte| f32::from(*byte as i8)).collect(),
        DataType::Uint8 => bytes.iter().map(|byte| f32::from(*byte)).collect(),
        DataType::Int32 => {
            let words = bytes.as_chunks::<4>().0.iter();
            words.map(|word| i32::from_le_bytes(*word) as f32).collect()
        }
        _ => return None,
    };
    (tensor.count()? == values.len()).then_some(Numbers { shape, values })
}
