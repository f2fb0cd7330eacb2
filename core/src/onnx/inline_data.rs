use super::proto::{DataType, GraphProto, ModelProto, StringStringEntryProto, TensorProto};
use super::whole::decode_without_external_data;
use super::{MAX_BYTES, OnnxError};

/// Where a tensor keeps its data outside the model file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExternalPart {
    /// The tensor.
    pub tensor: String,
    /// The file, as the model names it. Not to be trusted.
    pub location: String,
    /// Where in the file the data begins, in bytes.
    pub offset: u64,
    /// The length in bytes, as the model states it, or as the tensor's shape and type give it.
    pub length: u64,
}

/// Decodes a model and moves into it the data that its tensors keep in other files.
///
/// `read` returns the bytes of a part; it must make sure that the part's file may be read.
///
/// # Errors
/// [`OnnxError`] if the model cannot be decoded, or would be too large for one file; and whatever `read` reports.
pub fn decode_with_external_data<E: From<OnnxError>>(
    model: &[u8],
    mut read: impl FnMut(&ExternalPart) -> Result<Vec<u8>, E>,
) -> Result<ModelProto, E> {
    let mut model = decode_without_external_data(model)?;
    let mut room = MAX_BYTES;
    if let Some(graph) = &mut model.graph {
        for_each_tensor(graph, &mut |tensor| {
            if tensor.data_location != 0 {
                let part = part(tensor)?;
                room = room
                    .checked_sub(part.length)
                    .ok_or(OnnxError::TooMuchData)?;
                tensor.raw_data = read(&part)?;
                tensor.data_location = 0;
            }
            tensor.external_data.clear();
            Ok::<(), E>(())
        })?;
    }
    Ok(model)
}

pub(super) fn part(tensor: &TensorProto) -> Result<ExternalPart, OnnxError> {
    let entry = |key: &str| {
        let is_it = |entry: &&StringStringEntryProto| entry.key == key;
        tensor
            .external_data
            .iter()
            .find(is_it)
            .map(|entry| entry.value.as_str())
    };
    let number = |key: &str| {
        let number = entry(key).map(str::parse).transpose();
        number.map_err(|_| OnnxError::Malformed {
            what: "the place of a tensor's data in another file is not a number",
        })
    };
    let (stated, needed) = (number("length")?, bytes_of(tensor));
    let length = match (stated, needed) {
        (Some(stated), Some(needed)) if stated != needed => None,
        (stated, needed) => stated.or(needed),
    };
    Ok(ExternalPart {
        tensor: tensor.name.clone(),
        location: entry("location").unwrap_or_default().to_owned(),
        offset: number("offset")?.unwrap_or(0),
        length: length.ok_or(OnnxError::Malformed {
            what: "a tensor's data in another file is not as long as its shape says",
        })?,
    })
}

/// How many bytes the values of a tensor take; `None` for a type that is not known here.
fn bytes_of(tensor: &TensorProto) -> Option<u64> {
    let each = match DataType::try_from(tensor.data_type).ok()? {
        DataType::Undefined => return None,
        DataType::Float | DataType::Int32 => 4,
        DataType::Uint8 | DataType::Int8 => 1,
        DataType::Int64 | DataType::Double => 8,
        DataType::Float16 | DataType::Bfloat16 => 2,
    };
    (tensor.count()? as u64).checked_mul(each)
}

fn for_each_tensor<E>(
    graph: &mut GraphProto,
    visit: &mut impl FnMut(&mut TensorProto) -> Result<(), E>,
) -> Result<(), E> {
    graph.initializer.iter_mut().try_for_each(&mut *visit)?;
    for attribute in graph.node.iter_mut().flat_map(|node| &mut node.attribute) {
        let tensors = attribute.t.iter_mut().chain(&mut attribute.tensors);
        tensors.into_iter().try_for_each(&mut *visit)?;
        for graph in attribute.g.iter_mut().chain(&mut attribute.graphs) {
            for_each_tensor(graph, visit)?;
        }
    }
    Ok(())
}
