use prost::Message as _;

use super::OnnxError;
use super::external_data::refuse_external_data;
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
    refuse_unknown_fields(model)?;
    ModelProto::decode(model).map_err(|_| OnnxError::Malformed {
        what: "a field has a type that is not the one ONNX gives it",
    })
}

/// The file of a decoded model.
pub fn encode(model: &ModelProto) -> Vec<u8> {
    model.encode_to_vec()
}

/// The messages of onnx.proto3 that [`super::proto`] decodes.
#[derive(Clone, Copy, Debug)]
enum Message {
    Model,
    OperatorSet,
    Entry,
    Graph,
    Node,
    Attribute,
    Tensor,
    SparseTensor,
    ValueInfo,
    Type,
    TensorType,
    Shape,
    Dimension,
}

impl Message {
    fn has(self, field: u32) -> bool {
        use Message::*;
        match self {
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
        }
    }

    fn child(self, field: u32) -> Option<Message> {
        use Message::*;
        match (self, field) {
            (Model, 7) => Some(Graph),
            (Model, 8) => Some(OperatorSet),
            (Model, 14) | (Graph, 16) | (Node, 9) | (Tensor, 13 | 16) | (ValueInfo, 4) => {
                Some(Entry)
            }
            (Graph, 1) => Some(Node),
            (Graph, 5) | (Attribute, 5 | 10) | (SparseTensor, 1 | 2) => Some(Tensor),
            (Graph, 11..=13) => Some(ValueInfo),
            (Graph, 15) | (Attribute, 22 | 23) => Some(SparseTensor),
            (Node, 5) => Some(Attribute),
            (Attribute, 6 | 11) => Some(Graph),
            (ValueInfo, 2) => Some(Type),
            (Type, 1) => Some(TensorType),
            (TensorType, 2) => Some(Shape),
            (Shape, 1) => Some(Dimension),
            _ => None,
        }
    }
}

/// Refuses fields that would be lost. The model must have been checked for its depth and for being complete.
pub(super) fn refuse_unknown_fields(model: &[u8]) -> Result<(), OnnxError> {
    refuse_unknown(model, Message::Model, &mut 0)
}

fn refuse_unknown(bytes: &[u8], message: Message, parts: &mut usize) -> Result<(), OnnxError> {
    *parts += 1;
    if *parts > MOST_PARTS {
        return Err(OnnxError::TooManyParts { most: MOST_PARTS });
    }
    for field in Fields::inside(bytes) {
        let field = field?;
        if !message.has(field.number) {
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
