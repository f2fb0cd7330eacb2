use prost::Message as _;

use super::OnnxError;
use super::external_data::check_depth;
use super::proto::{GraphProto, ModelProto, StringStringEntryProto, TensorProto};
use super::whole::refuse_unknown_fields;

/// Where a tensor keeps its data, beside the model file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExternalPart {
    /// The tensor.
    pub tensor: String,
    /// The file, as the model names it: not to be trusted.
    pub location: String,
    /// Where in the file it begins.
    pub offset: u64,
    /// How many bytes it has; `None`: up to the file's end.
    pub length: Option<u64>,
}

/// Decodes a model and takes the data that its tensors keep in other files into it: `read` gives
/// the bytes of a part, having made sure that its file is one that may be read.
///
/// # Errors
/// [`OnnxError`] as for [`decode`](super::decode), and whatever `read` says.
pub fn decode_with_external_data<E: From<OnnxError>>(
    model: &[u8],
    mut read: impl FnMut(&ExternalPart) -> Result<Vec<u8>, E>,
) -> Result<ModelProto, E> {
    check_depth(model)?;
    refuse_unknown_fields(model)?;
    let mut model = ModelProto::decode(model).map_err(|_| OnnxError::Malformed {
        what: "a field has another type than ONNX gives it",
    })?;
    if let Some(graph) = &mut model.graph {
        for_each_tensor(graph, &mut |tensor| {
            if tensor.data_location == 0 && tensor.external_data.is_empty() {
                return Ok(());
            }
            tensor.raw_data = read(&part(tensor)?)?;
            tensor.external_data.clear();
            tensor.data_location = 0;
            Ok::<(), E>(())
        })?;
    }
    Ok(model)
}

fn part(tensor: &TensorProto) -> Result<ExternalPart, OnnxError> {
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
            what: "the place of a tensor's data in another file is no number",
        })
    };
    Ok(ExternalPart {
        tensor: tensor.name.clone(),
        location: entry("location").unwrap_or_default().to_owned(),
        offset: number("offset")?.unwrap_or(0),
        length: number("length")?,
    })
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
