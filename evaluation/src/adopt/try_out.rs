//! Whether an adopted model does what a classifier does, on noise.

use normgate_core::model::Model;
use normgate_core::runtime::{Outputs, Runtime, Session, SessionOptions};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

use super::AdoptError;
use crate::error::EvaluationError;

const IMAGES: usize = 3;

/// So much of the largest value may differ with what is beside an image: rounding, and no more.
const ROUNDING: f32 = 1e-2;

/// Opens the model and runs it: its shapes are as its manifest says, its answers are finite, are no
/// probabilities, and do not depend on what else is in a batch.
///
/// # Errors
/// [`EvaluationError`].
pub fn try_out(runtime: &Runtime, model: &Model, is_batched: bool) -> Result<(), EvaluationError> {
    let mut session = Session::new(runtime, model, &SessionOptions::default())?;
    let preprocessing = &model.manifest().preprocessing;
    let length = 3 * (preprocessing.width * preprocessing.height) as usize;
    let mut random = Pcg64::seed_from_u64(0);
    let noise: Vec<f32> = (0..IMAGES * length)
        .map(|_| random.random_range(-2.0..2.0))
        .collect();
    let (mut alone, mut representations) = (Vec::new(), Vec::new());
    let mut outputs = Outputs::default();
    for image in noise.chunks_exact(length) {
        session.run(image, 1, &mut outputs)?;
        if !outputs
            .logits
            .iter()
            .chain(&outputs.representation)
            .all(|value| value.is_finite())
        {
            return Err(AdoptError::NotFinite.into());
        }
        alone.extend_from_slice(&outputs.logits);
        representations.extend_from_slice(&outputs.representation);
    }
    let classes = model.manifest().labels.len();
    if alone.chunks_exact(classes).all(are_probabilities) {
        return Err(AdoptError::Probabilities.into());
    }
    if is_batched {
        session.run(&noise, IMAGES, &mut outputs)?;
        for (alone, together) in [
            (&alone, &outputs.logits),
            (&representations, &outputs.representation),
        ] {
            let apart = alone.iter().zip(together).map(|(a, b)| (a - b).abs());
            let difference = apart.fold(0.0, f32::max);
            let largest = alone
                .iter()
                .fold(1.0, |largest: f32, value| largest.max(value.abs()));
            if difference > ROUNDING * largest {
                return Err(AdoptError::BatchMatters { difference }.into());
            }
        }
    }
    Ok(())
}

fn are_probabilities(logits: &[f32]) -> bool {
    let sum: f32 = logits.iter().sum();
    logits.iter().all(|logit| *logit >= 0.0) && (sum - 1.0).abs() < 1e-3
}
