//! OOD scores: one number from a model's output, **larger = more OOD**.
//!
//! Each has a file of its own, and all are behind [`Score`]; [`ScoreKind`] names the one that a manifest asks for. A
//! score is NaN, never a plausible number, if what it uses of the output holds NaN.
//!
//! Some scores need nothing but the output. The others are [`Fitted`] to training images first, and what they learnt
//! is stored in the model file.

mod ash;
mod bank;
mod energy;
mod fdbd;
mod fit;
mod fitted;
mod floats;
mod fusion;
mod generalized_entropy;
mod kind;
mod knn;
mod linear;
mod mahalanobis;
mod max_logit;
mod msp;
mod nci;
mod nnguide;
mod react;
mod relative_mahalanobis;
mod representation_norm;
mod scale;
mod softmax;
mod spread;
mod vectors;
mod vim;
mod whitening;

#[cfg(test)]
mod tests;

pub use energy::Energy;
pub use fit::{FitData, FitError};
pub(crate) use fitted::ready;
pub use fitted::{Fitted, FittedError, METADATA_KEY};
pub use generalized_entropy::Gen;
pub use kind::ScoreKind;
pub use max_logit::MaxLogit;
pub use msp::Msp;
pub use representation_norm::RepresentationNorm;
pub use softmax::softmax;

/// A rule that turns a model's output for one image into one number, larger = more OOD.
pub trait Score: Send + Sync {
    /// Which score it is.
    fn kind(&self) -> ScoreKind;

    /// The score of one image, from its logits (one for each class) and its penultimate representation.
    ///
    /// Pure. The lengths must be the model's (for a fitted score, those that it was fitted to), which is not checked.
    /// It is NaN if an input that the score uses holds NaN. Input that is empty, infinite or of another length gives
    /// no meaningful number, but no panic.
    fn score(&self, logits: &[f32], representation: &[f32]) -> f32;
}
