use prost::Message as _;

use super::OnnxError;
use super::external_data::{check_depth, refuse_external_data};
use super::message::Message;
use super::proto::ModelProto;
use super::wire::Fields;

/// More nodes, attributes, tensors and the like than any classifier has. Decoded, each takes up to some 900 bytes, of
/// which a file need not have more than two.
const MOST_PARTS: usize = 1 << 19;

/// Decodes a model that is going to be changed and encoded again.
///
/// # Errors
///
/// [`OnnxError`]; besides damage and external data, for a field that `onnx.proto3` of ONNX 1.20 does not have, which
/// would be lost when the model is encoded again.
pub fn decode(model: &[u8]) -> Result<ModelProto, OnnxError> {
    // This comes first, since it bounds the depth that prost then decodes.
    refuse_external_data(model)?;
    decode_checked(model)
}

/// Decodes a model whose tensors may have their data in other files. It stays there.
///
/// # Errors
/// [`OnnxError`] if the model cannot be decoded.
pub(crate) fn decode_without_external_data(model: &[u8]) -> Result<ModelProto, OnnxError> {
    check_depth(model)?;
    decode_checked(model)
}

/// Decodes a model that is not nested too deeply.
fn decode_checked(model: &[u8]) -> Result<ModelProto, OnnxError> {
    refuse_unknown_fields(model)?;
    ModelProto::decode(model).map_err(|_| OnnxError::Malformed {
        what: "a field has a type that is not the one ONNX gives it",
    })
}

/// The file of a decoded model.
pub fn encode(model: &ModelProto) -> Vec<u8> {
    model.encode_to_vec()
}

/// Whether [`super::proto`] keeps this field of a message.
fn is_kept(message: Message, field: u32) -> bool {
    use Message::*;
    match message {
        Model => matches!(field, 1..=8 | 14 | 20 | 25 | 26),
        OperatorSet | Entry | TensorType => matches!(field, 1 | 2),
        Graph => matches!(field, 1 | 2 | 5 | 10..=16),
        Node => matches!(field, 1..=10),
        Attribute => matches!(field, 1..=11 | 13..=15 | 20..=23),
        Tensor => matches!(field, 1..=14 | 16),
        SparseTensor | Dimension => matches!(field, 1..=3),
        ValueInfo => matches!(field, 1..=4),
        Type => matches!(field, 1 | 4..=9),
        Shape => field == 1,
        // Kept as bytes.
        Function | TrainingInfo => true,
    }
}

/// Refuses fields that would be lost. The model must have been checked for its depth and for being complete.
fn refuse_unknown_fields(model: &[u8]) -> Result<(), OnnxError> {
    refuse_unknown(model, Message::Model, &mut 0)
}

fn refuse_unknown(bytes: &[u8], message: Message, parts: &mut usize) -> Result<(), OnnxError> {
    *parts += 1;
    if *parts > MOST_PARTS {
        return Err(OnnxError::TooManyParts { most: MOST_PARTS });
    }
    if let Message::Function | Message::TrainingInfo = message {
        return Ok(());
    }
    for field in Fields::inside(bytes) {
        let field = field?;
        if !is_kept(message, field.number) {
            return Err(OnnxError::UnknownField {
                message: format!("{message:?}"),
                field: field.number,
            });
        }
        if let (Some(child), Some(bytes)) = (message.child(field.number), field.bytes()) {
            refuse_unknown(bytes, child, parts)?;
        }
    }
    Ok(())
}
