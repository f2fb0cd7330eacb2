//! ViM: Wang, Li, Feng & Zhang, "ViM: Out-Of-Distribution with Virtual-logit Matching", CVPR 2022,
//! Sec. 4, as in the authors' code (haoqiwang/vim).

use nalgebra::{DMatrix, DVector};
use serde::{Deserialize, Serialize};

use super::fit::{FitData, FitError};
use super::fitted::Learned;
use super::floats::Floats;
use super::softmax::{log_sum_exp, maximum};
use super::spread::{covariance, directions, significant};
use super::vectors::{dot, minus, norm};
use super::{Score, ScoreKind};
use crate::onnx::LastLayer;

/// `α ‖P⊥ (x − o)‖ − log Σ_k exp(z_k)`: the part of the representation outside the principal directions of the
/// training images, as one more logit beside the others. The authors' probability of that logit rises with this
/// score.
///
/// It learns the origin `o = −W⁺ b`, at which all logits are 0 (or nearly, if the rows of W sum to 0: directions that
/// are in W by rounding alone are left out, where the authors' code keeps them); the directions P⊥ after the first
/// [`principal`] ones of the training images around o; and α, which gives the new logit the same mean as the largest
/// old one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Vim {
    /// `size` values.
    origin: Floats,
    /// `directions · size`.
    residual: Floats,
    alpha: f32,
}

/// How many directions count as principal, as in the authors' code: their numbers for representations of 768 values
/// or more, and half of shorter ones.
fn principal(size: usize) -> usize {
    match size {
        2048.. => 1000,
        768.. => 512,
        _ => size / 2,
    }
}

impl Vim {
    pub(super) fn fit(data: &FitData<'_>) -> Result<Self, FitError> {
        let score = ScoreKind::Vim;
        let origin = origin(data.last_layer(score)?);
        let from_origin = data.features().map(|x| (x, &origin));
        let directions = directions(covariance(data.size(), from_origin));
        let residual = directions.into_iter().skip(principal(data.size()));
        let mut vim = Self {
            origin: origin.into_iter().collect(),
            residual: residual.flat_map(|(_, vector)| vector).collect(),
            alpha: 1.0,
        };
        let logits: f64 = data.images().map(|(_, z, _)| f64::from(maximum(z))).sum();
        let residuals: f64 = data.features().map(|x| vim.outside(x)).sum();
        vim.alpha = (logits / residuals) as f32;
        if logits <= 0.0 {
            // Otherwise α would make the new logit count in the wrong direction.
            return Err(FitError::NoPositiveLogits { score });
        }
        match vim.alpha.is_finite() && vim.alpha > 0.0 {
            true => Ok(vim),
            false => Err(FitError::Degenerate { score }),
        }
    }

    /// The norm of what lies outside the principal directions.
    fn outside(&self, x: &[f32]) -> f64 {
        let from_origin = minus(x, &self.origin);
        let directions = self.residual.chunks_exact(self.origin.len().max(1));
        norm(directions.map(|direction| dot(direction, &from_origin)))
    }
}

/// `−W⁺ b`, with W⁺ made from the smaller of the two matrices that give it.
fn origin(layer: &LastLayer) -> Vec<f64> {
    let (classes, size) = (
        layer.bias.len(),
        layer.weights.len() / layer.bias.len().max(1),
    );
    let weights = layer.weights.iter().map(|w| f64::from(*w));
    let weights = DMatrix::from_row_iterator(classes, size, weights);
    let bias = DVector::from_iterator(classes, layer.bias.iter().map(|b| f64::from(*b)));
    let transposed = weights.transpose();
    let origin = match classes <= size {
        true => &transposed * solve(&weights * &transposed, &bias),
        false => solve(&transposed * &weights, &(&transposed * bias)),
    };
    origin.iter().map(|value| -value).collect()
}

/// `matrix⁺ · right` for a symmetric matrix.
fn solve(matrix: DMatrix<f64>, right: &DVector<f64>) -> DVector<f64> {
    let mut sum = DVector::zeros(right.len());
    for (value, vector) in significant(directions(matrix)) {
        let vector = DVector::from_vec(vector);
        sum.axpy(vector.dot(right) / value, &vector, 1.0);
    }
    sum
}

impl Score for Vim {
    fn kind(&self) -> ScoreKind {
        ScoreKind::Vim
    }

    fn score(&self, logits: &[f32], representation: &[f32]) -> f32 {
        let virtual_logit = f64::from(self.alpha) * self.outside(representation);
        (virtual_logit - log_sum_exp(logits)) as f32
    }
}

impl Learned for Vim {
    fn fits(&self, _classes: usize, size: usize) -> bool {
        self.origin.len() == size
            && !self.residual.is_empty()
            && self.residual.len().is_multiple_of(size)
            && self.alpha.is_finite()
            && self.alpha > 0.0
    }
}

#[cfg(test)]
mod tests {
    use super::principal;

    #[test]
    fn as_many_directions_are_principal_as_the_authors_and_openood_have_of_their_models() {
        // ResNet-50 and BiT; ViT and DeiT; ResNet-18.
        for (size, directions) in [(2048, 1000), (768, 512), (512, 256)] {
            assert_eq!(principal(size), directions);
        }
    }

    #[test]
    fn directions_are_left_behind_the_principal_ones_whatever_the_size() {
        for size in 1..5000 {
            assert!(principal(size) < size, "{size}");
        }
    }
}
