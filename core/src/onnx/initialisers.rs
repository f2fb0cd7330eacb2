use super::inline_data::{ExternalPart, part};
use super::proto::TensorProto;
use super::whole::decode_checked;
use super::{OnnxError, external_data};

/// The constants of a model's graph whose data is in other files, and where: not those that nodes hold. `None` if
/// there are graphs within it (the branches of an `If`), whose constants may have the same names. For what ONNX
/// Runtime has written: the places are not to be trusted.
///
/// # Errors
/// [`OnnxError`] if the model cannot be decoded, or such a place not be read.
pub(crate) fn initialisers_elsewhere(
    model: &[u8],
) -> Result<Option<Vec<(TensorProto, ExternalPart)>>, OnnxError> {
    external_data::check_depth(model)?;
    let graph = decode_checked(model)?.graph.unwrap_or_default();
    let mut attributes = graph.node.iter().flat_map(|node| &node.attribute);
    if attributes.any(|it| it.g.is_some() || !it.graphs.is_empty()) {
        return Ok(None);
    }
    let elsewhere = graph.initializer.into_iter();
    let elsewhere = elsewhere.filter(|tensor| tensor.data_location != 0);
    let parts = elsewhere.map(|tensor| part(&tensor).map(|part| (tensor, part)));
    parts.collect::<Result<_, _>>().map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::onnx::proto::{AttributeProto, GraphProto, StringStringEntryProto};
    use crate::onnx::{decode, encode};
    use crate::test_models;

    #[test]
    fn constants_in_another_file_are_found_unless_the_graph_has_graphs_within() {
        let mut model = decode(&test_models::bytes()).unwrap();
        let graph = model.graph.as_mut().unwrap();
        let tensor = &mut graph.initializer[2];
        let length = std::mem::take(&mut tensor.raw_data).len() as u64;
        tensor.data_location = 1;
        tensor.external_data = [("location", "weights"), ("offset", "4096")]
            .map(|(key, value)| StringStringEntryProto {
                key: key.into(),
                value: value.into(),
            })
            .into();
        let found = initialisers_elsewhere(&encode(&model)).unwrap().unwrap();
        let [(tensor, part)] = &found[..] else {
            panic!("{found:?}");
        };
        assert_eq!(tensor.name, "linear.weight");
        assert_eq!((part.offset, part.length), (4096, length));

        let within = AttributeProto {
            name: "then_branch".into(),
            g: Some(GraphProto::default()),
            ..Default::default()
        };
        model.graph.as_mut().unwrap().node[0].attribute.push(within);
        let found = initialisers_elsewhere(&encode(&model)).unwrap();
        assert!(found.is_none());
    }
}
