use std::sync::Arc;

use ndarray::{Array, ArrayD, Axis, ShapeError, Slice};
use ort::session::builder::{PrepackedWeights, SessionBuilder};
use ort::value::{DynValue, Tensor};

use super::sessions::NotShared;
use crate::onnx::initialisers;
use crate::onnx::proto::{DataType, TensorProto};

/// Constants of fewer bytes are left to each session.
const FEWEST: usize = 1 << 10;

/// Kernels read weights a vector register at a time, at most this many bytes. From memory that does not begin at a
/// multiple of it, convolutions took 11 to 27 % longer.
const ALIGNMENT: usize = 64;

/// The large constants of a graph, in memory that sessions read in place, and what sessions make of those that their
/// kernels want in another order.
pub(super) struct Weights {
    constants: Vec<(String, Arc<DynValue>)>,
    packed: PrepackedWeights,
    bytes: usize,
}

impl Weights {
    /// Those of this ONNX file.
    pub(super) fn of(graph: &[u8]) -> Result<Self, NotShared> {
        let (mut constants, mut bytes) = (Vec::new(), 0);
        for constant in initialisers(graph)?.ok_or(NotShared::Nested)? {
            let constant = constant?;
            if let Some(value) = value(&constant)? {
                bytes += constant.raw_data.len();
                constants.push((constant.name, Arc::new(value)));
            }
        }
        Ok(Self {
            constants,
            packed: PrepackedWeights::new(),
            bytes,
        })
    }

    /// How many bytes of the file they are.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Has the session use these constants. They must live for as long as it does.
    pub(super) fn give_to(&self, builder: SessionBuilder) -> ort::Result<SessionBuilder> {
        let mut builder = builder.with_prepacked_weights(&self.packed)?;
        for (name, value) in &self.constants {
            builder = builder.with_initializer(name, Arc::clone(value))?;
        }
        Ok(builder)
    }
}

/// The constant's value; `None` if it is small, or of a type that is left to each session.
fn value(constant: &TensorProto) -> Result<Option<DynValue>, NotShared> {
    let bytes = &constant.raw_data;
    let Some(shape) = constant.shape().filter(|_| bytes.len() >= FEWEST) else {
        return Ok(None);
    };
    let words = || bytes.as_chunks::<4>().0.iter();
    let value = match DataType::try_from(constant.data_type) {
        Ok(DataType::Float) => {
            let values = words().map(|word| f32::from_le_bytes(*word));
            Tensor::from_array(aligned(&shape, values)?)?.into_dyn()
        }
        Ok(DataType::Int32) => {
            let values = words().map(|word| i32::from_le_bytes(*word));
            Tensor::from_array(aligned(&shape, values)?)?.into_dyn()
        }
        Ok(DataType::Int8) => {
            let values = bytes.iter().map(|byte| *byte as i8);
            Tensor::from_array(aligned(&shape, values)?)?.into_dyn()
        }
        Ok(DataType::Uint8) => {
            Tensor::from_array(aligned(&shape, bytes.iter().copied())?)?.into_dyn()
        }
        _ => return Ok(None),
    };
    Ok(Some(value))
}

/// The values in memory that begins at a multiple of [`ALIGNMENT`]: the rest of a longer vector, which is kept whole.
fn aligned<T: Copy + Default>(
    shape: &[usize],
    values: impl ExactSizeIterator<Item = T>,
) -> Result<ArrayD<T>, ShapeError> {
    let (count, room) = (values.len(), ALIGNMENT / size_of::<T>());
    let mut memory = Vec::<T>::with_capacity(room + count);
    let before = memory.as_ptr().align_offset(ALIGNMENT).min(room);
    memory.resize(before, T::default());
    memory.extend(values);
    let mut values = Array::from_vec(memory);
    values.slice_axis_inplace(Axis(0), Slice::from(before..));
    values.into_shape_with_order(shape)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_begin_where_vector_registers_are_read_at_once() {
        for count in [1, 7, 300, 100_000] {
            let floats = aligned(&[count], (0..count).map(|it| it as f32)).unwrap();
            let bytes = aligned(&[1, count], (0..count).map(|it| it as u8)).unwrap();
            assert_eq!(floats.as_ptr().addr() % ALIGNMENT, 0);
            assert_eq!(bytes.as_ptr().addr() % ALIGNMENT, 0);
            assert_eq!(floats[[count - 1]], (count - 1) as f32);
            assert_eq!(bytes[[0, count - 1]], (count - 1) as u8);
        }
    }

    #[test]
    fn values_that_do_not_fill_their_shape_are_refused() {
        assert!(aligned(&[2, 3], (0..5).map(|it| it as f32)).is_err());
    }
}
