use std::cmp::Reverse;
use std::fmt::Debug;
use std::sync::Arc;

use half::f16;
use ndarray::{Array, ArrayD, Axis, ShapeError, Slice};
use ort::session::builder::{PrepackedWeights, SessionBuilder};
use ort::value::{DynValue, PrimitiveTensorElementType, Tensor};

use super::scratch::Scratch;
use super::sessions::NotShared;
use crate::onnx::initialisers_elsewhere;
use crate::onnx::proto::{DataType, ModelProto, StringStringEntryProto, TensorProto};

/// Kernels read weights a vector register at a time, at most this many bytes. From memory that does not begin at a
/// multiple of it, convolutions took 11 to 27 % longer.
const ALIGNMENT: usize = 64;

/// Where the model says that its constants are, so that nothing is read by mistake.
const NOWHERE: &str = "what the session is given";

/// The large constants of a graph, in memory that sessions read in place, and what sessions make of those that their
/// kernels want in another order.
pub(super) struct Weights {
    constants: Vec<(String, Arc<DynValue>)>,
    packed: PrepackedWeights,
}

impl Weights {
    /// Those that this model keeps in the other file. Constants of types that are not known here go back into it, and
    /// so are left to each session.
    pub(super) fn of(model: &mut ModelProto, scratch: &mut Scratch) -> Result<Self, NotShared> {
        let mut elsewhere = initialisers_elsewhere(model)?.ok_or(NotShared::Nested)?;
        // From the end, so that the file gives back what has been read.
        elsewhere.sort_by_key(|(_, part)| Reverse(part.offset));
        let (mut constants, mut bytes) = (Vec::new(), Vec::new());
        for (constant, part) in elsewhere {
            scratch.take_data(part.offset, part.length, &mut bytes)?;
            constant.external_data.clear();
            if let Some(value) = value(constant, &bytes)? {
                let nowhere = StringStringEntryProto::new("location", NOWHERE);
                constant.external_data.push(nowhere);
                constants.push((constant.name.clone(), Arc::new(value)));
            } else {
                constant.data_location = 0;
                constant.raw_data.clone_from(&bytes);
            }
        }
        Ok(Self {
            constants,
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

/// The constant's value; `None` if its type is not known.
fn value(constant: &TensorProto, bytes: &[u8]) -> Result<Option<DynValue>, NotShared> {
    let Some(shape) = constant.shape() else {
        return Ok(None);
    };
    let value = match DataType::try_from(constant.data_type) {
        Ok(DataType::Float) => tensor(&shape, bytes, f32::from_le_bytes)?,
        Ok(DataType::Float16) => tensor(&shape, bytes, f16::from_le_bytes)?,
        Ok(DataType::Int64) => tensor(&shape, bytes, i64::from_le_bytes)?,
        Ok(DataType::Int32) => tensor(&shape, bytes, i32::from_le_bytes)?,
        Ok(DataType::Int8) => tensor(&shape, bytes, i8::from_le_bytes)?,
        Ok(DataType::Uint8) => tensor(&shape, bytes, u8::from_le_bytes)?,
        Ok(DataType::Double | DataType::Bfloat16 | DataType::Undefined) | Err(_) => {
            return Ok(None);
        }
    };
    Ok(Some(value))
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
    fn weights_of_a_known_type_are_taken_out_of_the_model_and_others_put_into_it() {
        const BOOL: i32 = 9;
        let mut scratch = Scratch::new().unwrap();
        let place = scratch.graph().with_file_name(scratch.data().unwrap());
        std::fs::write(place, [&[0; 8][..], &[1, 0, 1]].concat()).unwrap();
        let constant =
            |name: &str, data_type, dims: &[i64], place: [(&str, &str); 2]| TensorProto {
                name: name.into(),
                dims: dims.into(),
                data_type,
                data_location: 1,
                external_data: place
                    .map(|(key, value)| StringStringEntryProto::new(key, value))
                    .into(),
                ..Default::default()
            };
        let half = DataType::Float16.into();
        let mut model = ModelProto::default();
        model.graph.get_or_insert_default().initializer = vec![
            constant("halves", half, &[2, 2], [("offset", "0"), ("length", "8")]),
            constant("mask", BOOL, &[3], [("offset", "8"), ("length", "3")]),
        ];
        let weights = Weights::of(&mut model, &mut scratch).unwrap();
        let [(name, _)] = &weights.constants[..] else {
            panic!("{} constants are shared", weights.constants.len());
        };
        assert_eq!(name, "halves");
        let [halves, mask] = &model.graph.unwrap().initializer[..] else {
            panic!("a constant is missing");
        };
        assert_eq!(halves.external_data[0].value, NOWHERE);
        assert_eq!(
            (mask.data_location, &mask.raw_data[..]),
            (0, &[1, 0, 1][..])
        );
    }
}
