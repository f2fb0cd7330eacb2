use prost::Message as _;

use super::OnnxError;
use super::external_data::check_outline;
use super::proto::TensorProto;
use super::wire::Fields;

/// The constants of a model's graph, one after the other: not those of graphs within it, and not those that nodes
/// hold. For what ONNX Runtime has written: fields of a later ONNX would be dropped.
///
/// # Errors
/// [`OnnxError`] if the model cannot be read; [`OnnxError::Malformed`] if a constant cannot.
pub(crate) fn initialisers(
    model: &[u8],
) -> Result<impl Iterator<Item = Result<TensorProto, OnnxError>>, OnnxError> {
    /// Field numbers of `ModelProto.graph` and `GraphProto.initializer`.
    const GRAPH: u32 = 7;
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
    Ok(parts(graph, INITIALISER).map(|tensor| {
        TensorProto::decode(tensor?).map_err(|_| OnnxError::Malformed {
            what: "a constant cannot be read",
        })
    }))
}
