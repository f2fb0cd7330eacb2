use std::fmt::Debug;
use std::sync::Arc;

use half::f16;
use ndarray::{Array, ArrayD, Axis, ShapeError, Slice};
use ort::session::builder::{PrepackedWeights, SessionBuilder};
use ort::value::PrimitiveTensorElementType;
use ort::value::{DynValue, Tensor};

use super::scratch::Scratch;
use super::sessions::NotShared;
use crate::onnx::initialisers_elsewhere;
use crate::onnx::proto::{DataType, TensorProto};

/// Kernels read weights a vector register at a time, at most this many bytes. From memory that does not begin at a
/// multiple of it, convolutions took 11 to 27 % longer.
const ALIGNMENT: usize = 64;

/// The large constants of a graph, in memory that sessions read in place, and what sessions make of those that their
/// kernels want in another order.
pub(super) struct Weights {
    constants: Vec<(String, Arc<DynValue>)>,
    packed: PrepackedWeights,
}

impl Weights {
    /// Those that this ONNX file keeps in another.
    pub(super) fn of(graph: &[u8], scratch: &mut Scratch) -> Result<Self, NotShared> {
        let constants = initialisers_elsewhere(graph)?.ok_or(NotShared::Nested)?;
        let mut bytes = Vec::new();
        let constants = constants.into_iter().map(|(constant, part)| {
            scratch.read_data(part.offset, part.length, &mut bytes)?;
            let value = value(&constant, &bytes)?;
            Ok((constant.name, Arc::new(value)))
        });
        Ok(Self {
            constants: constants.collect::<Result<_, NotShared>>()?,
            packed: PrepackedWeights::new(),
        })
    }

    /// Has the session use these constants. It keeps them for as long as it lives.
    pub(super) fn give_to(&self, builder: SessionBuilder) -> ort::Result<SessionBuilder> {
        let mut builder = builder.with_prepacked_weights(&self.packed)?;
        for (name, value) in &self.constants {
            // The first gives the graph what it has in another file. The second has it read in place.
            builder = builder
                .with_external_initializer(name, Arc::clone(value))?
                .with_initializer(name, Arc::clone(value))?;
        }
        Ok(builder)
    }
}

fn value(constant: &TensorProto, bytes: &[u8]) -> Result<DynValue, NotShared> {
    let kind = NotShared::Kind(constant.data_type);
    let Some(shape) = constant.shape() else {
        return Err(kind);
    };
    let value = match DataType::try_from(constant.data_type) {
        Ok(DataType::Float) => tensor(&shape, bytes, f32::from_le_bytes)?,
        Ok(DataType::Float16) => tensor(&shape, bytes, f16::from_le_bytes)?,
        Ok(DataType::Int64) => tensor(&shape, bytes, i64::from_le_bytes)?,
        Ok(DataType::Int32) => tensor(&shape, bytes, i32::from_le_bytes)?,
        Ok(DataType::Int8) => tensor(&shape, bytes, i8::from_le_bytes)?,
        Ok(DataType::Uint8) => tensor(&shape, bytes, u8::from_le_bytes)?,
        _ => return Err(kind),
    };
    Ok(value)
}

/// These bytes as a tensor: each `N` of them are a value.
fn tensor<T: PrimitiveTensorElementType + Debug + Copy + Default + 'static, const N: usize>(
    shape: &[usize],
    bytes: &[u8],
    read: fn([u8; N]) -> T,
) -> Result<DynValue, NotShared> {
    let values = bytes.as_chunks().0.iter().map(|bytes| read(*bytes));
    Ok(Tensor::from_array(aligned(shape, values)?)?.into_dyn())
}

/// The values in memory that begins at a multiple of [`ALIGNMENT`]: the rest of a longer vector, which is kept whole.
/// ONNX Runtime's binding takes that from `ndarray` only.
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

    #[test]
    fn weights_of_an_unknown_type_and_of_another_length_than_their_shape_says_are_refused() {
        let constant = |data_type, dims: &[i64]| TensorProto {
            dims: dims.into(),
            data_type,
            ..Default::default()
        };
        let bool = 9;
        let refused = value(&constant(bool, &[8]), &[1; 8]).unwrap_err();
        assert_eq!(refused.to_string(), "weights of ONNX's type 9");
        let float16 = DataType::Float16.into();
        assert!(value(&constant(float16, &[2, 2]), &[0; 8]).is_ok());
        assert!(value(&constant(float16, &[2, 3]), &[0; 8]).is_err());
    }
}
