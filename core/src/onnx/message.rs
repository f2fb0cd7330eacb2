//! Which messages of onnx.proto3 (ONNX 1.20) lie within which.

/// A message that readers look into.
#[derive(Clone, Copy, Debug)]
pub(super) enum Message {
    Model,
    OperatorSet,
    Entry,
    Graph,
    Node,
    Attribute,
    Tensor,
    SparseTensor,
    Function,
    TrainingInfo,
    ValueInfo,
    Type,
    TensorType,
    Shape,
    Dimension,
}

impl Message {
    /// The message that a field of this one holds.
    pub(super) fn child(self, field: u32) -> Option<Message> {
        use Message::*;
        match (self, field) {
            (Model, 7) => Some(Graph),
            (Model, 8) => Some(OperatorSet),
            (Model, 20) => Some(TrainingInfo),
            (Model, 25) => Some(Function),
            (Model, 14) | (Graph, 16) | (Node, 9) | (Tensor, 13 | 16) | (ValueInfo, 4) => {
                Some(Entry)
            }
            (Graph, 1) | (Function, 7) => Some(Node),
            (Graph, 5) | (Attribute, 5 | 10) | (SparseTensor, 1 | 2) => Some(Tensor),
            (Graph, 11..=13) => Some(ValueInfo),
            (Graph, 15) | (Attribute, 22 | 23) => Some(SparseTensor),
            (Node, 5) | (Function, 11) => Some(Attribute),
            (Attribute, 6 | 11) | (TrainingInfo, 1 | 2) => Some(Graph),
            (ValueInfo, 2) => Some(Type),
            (Type, 1) => Some(TensorType),
            (TensorType, 2) => Some(Shape),
            (Shape, 1) => Some(Dimension),
            _ => None,
        }
    }

    /// Whether this is a tensor, or one can be reached through it.
    pub(super) fn leads_to_tensors(self) -> bool {
        use Message::*;
        match self {
            Model | Graph | Node | Attribute | Tensor | SparseTensor | Function | TrainingInfo => {
                true
            }
            OperatorSet | Entry | ValueInfo | Type | TensorType | Shape | Dimension => false,
        }
    }
}
