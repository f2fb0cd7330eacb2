use super::OnnxError;
use super::inline_data::{ExternalPart, part};
use super::proto::{ModelProto, TensorProto};

/// The constants of a model's graph whose data is in other files, and where: not those that nodes hold. `None` if
/// there are graphs within it (the branches of an `If`), whose constants may have the same names.
///
/// # Errors
/// [`OnnxError`] if such a place cannot be read.
pub(crate) fn initialisers_elsewhere(
    model: &mut ModelProto,
) -> Result<Option<Vec<(&mut TensorProto, ExternalPart)>>, OnnxError> {
    let graph = model.graph.get_or_insert_default();
    let mut attributes = graph.node.iter().flat_map(|node| &node.attribute);
    if attributes.any(|it| it.g.is_some() || !it.graphs.is_empty()) {
        return Ok(None);
    }
    let elsewhere = graph.initializer.iter_mut();
    let elsewhere = elsewhere.filter(|tensor| tensor.data_location != 0);
    let parts = elsewhere.map(|tensor| part(tensor).map(|part| (tensor, part)));
    parts.collect::<Result<_, _>>().map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::onnx::proto::{AttributeProto, GraphProto, StringStringEntryProto};
    use crate::onnx::{decode, decode_without_external_data, encode};
    use crate::test_models;

    #[test]
    fn constants_in_another_file_are_found_unless_the_graph_has_graphs_within() {
        let mut model = decode(&test_models::bytes()).unwrap();
        let graph = model.graph.as_mut().unwrap();
        let tensor = &mut graph.initializer[2];
        let length = std::mem::take(&mut tensor.raw_data).len() as u64;
        tensor.data_location = 1;
        tensor.external_data = [("location", "weights"), ("offset", "4096")]
            .map(|(key, value)| StringStringEntryProto::new(key, value))
            .into();
        let mut model = decode_without_external_data(&encode(&model)).unwrap();
        let found = initialisers_elsewhere(&mut model).unwrap().unwrap();
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
        assert!(initialisers_elsewhere(&mut model).unwrap().is_none());
    }
}
