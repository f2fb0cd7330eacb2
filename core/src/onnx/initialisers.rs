use prost::Message as _;

use super::OnnxError;
use super::external_data::check_outline;
use super::proto::{NodeProto, TensorProto};
use super::wire::Fields;

/// The constants of a model's graph, one after the other: not those that nodes hold. `None` if there are graphs within
/// it (the branches of an `If`), whose constants may have the same names. For what ONNX Runtime has written: fields of
/// a later ONNX would be dropped, and of several graphs the last counts.
///
/// # Errors
/// [`OnnxError`] if the model cannot be read; [`OnnxError::Malformed`] if a node or a constant cannot.
pub(crate) fn initialisers(
    model: &[u8],
) -> Result<Option<impl Iterator<Item = Result<TensorProto, OnnxError>>>, OnnxError> {
    /// Field numbers of `ModelProto.graph`, `GraphProto.node` and `GraphProto.initializer`.
    const GRAPH: u32 = 7;
    const NODE: u32 = 1;
    const INITIALISER: u32 = 5;

    check_outline(model)?;
    let parts = |message, number| {
        Fields::inside(message).filter_map(move |field| match field {
            Ok(field) if field.number == number => field.bytes().map(Ok),
            Ok(_) => None,
            Err(error) => Some(Err(error)),
        })
    };
    let graph = parts(model, GRAPH).last().transpose()?.unwrap_or_default();
    for node in parts(graph, NODE) {
        let node = NodeProto::decode(node?).map_err(|_| OnnxError::Malformed {
            what: "a node cannot be read",
        })?;
        if node
            .attribute
            .iter()
            .any(|it| it.g.is_some() || !it.graphs.is_empty())
        {
            return Ok(None);
        }
    }
    Ok(Some(parts(graph, INITIALISER).map(|tensor| {
        TensorProto::decode(tensor?).map_err(|_| OnnxError::Malformed {
            what: "a constant cannot be read",
        })
    })))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::onnx::proto::{AttributeProto, GraphProto};
    use crate::onnx::{decode, encode};
    use crate::test_models;

    #[test]
    fn the_constants_of_a_graph_are_read_unless_it_has_graphs_within() {
        let bytes = test_models::bytes();
        let names: Vec<String> = initialisers(&bytes)
            .unwrap()
            .unwrap()
            .map(|it| it.unwrap().name)
            .collect();
        let expected = ["conv.weight", "conv.bias", "linear.weight", "linear.bias"];
        assert_eq!(names, expected);

        let mut model = decode(&bytes).unwrap();
        model.graph.as_mut().unwrap().node[0]
            .attribute
            .push(AttributeProto {
                name: "then_branch".into(),
                g: Some(GraphProto::default()),
                ..Default::default()
            });
        assert!(initialisers(&encode(&model)).unwrap().is_none());
    }
}
