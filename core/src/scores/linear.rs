use serde::{Deserialize, Serialize};

use super::floats::Floats;
use super::vectors::dot;
use crate::onnx::LastLayer;

/// The model's last layer, for scores that ask what it would say about another representation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Linear {
    /// `classes · size`
    weights: Floats,
    /// `classes`
    bias: Floats,
}

impl Linear {
    pub(super) fn of(layer: &LastLayer) -> Self {
        Self {
            weights: layer.weights.clone().into(),
            bias: layer.bias.clone().into(),
        }
    }

    /// The weights of each class.
    pub(super) fn rows(&self) -> impl Iterator<Item = &[f32]> {
        let size = self.weights.len() / self.bias.len().max(1);
        self.weights.chunks_exact(size.max(1))
    }

    /// `W x + b`
    pub(super) fn logits(&self, x: &[f32]) -> Vec<f32> {
        let rows = self.rows().zip(self.bias.iter());
        rows.map(|(row, bias)| dot(row, x) + bias).collect()
    }

    /// Whether it is the layer of a model with this many classes and values.
    pub(super) fn fits(&self, classes: usize, size: usize) -> bool {
        self.bias.len() == classes && self.weights.len() == classes.saturating_mul(size)
    }
}
