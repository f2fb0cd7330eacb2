//! Whether an adopted model does what a classifier does, on noise.

use normgate_core::manifest::Preprocessing;
use normgate_core::model::Model;
use normgate_core::onnx::Heads;
use normgate_core::preprocess::{Preprocessor, Rgb8};
use normgate_core::printable::on_one_line;
use normgate_core::runtime::{
    LOGITS, Outputs, REPRESENTATION, Runtime, Session, SessionError, SessionOptions,
};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

use super::AdoptError;
use super::graph::Input;
use super::options::Size;
use crate::error::EvaluationError;

const IMAGES: usize = 3;

/// How much an answer may differ with what is beside an image, as a share of the largest value: rounding, and no
/// more.
const ROUNDING: f32 = 1e-2;

/// Opens the model and runs it. Its shapes must be as its manifest says; its answers must be finite, must not be
/// probabilities, and must not depend on what else is in a batch.
///
/// # Errors
/// [`EvaluationError`].
pub fn try_out(
    runtime: &Runtime,
    model: &Model,
    input: &Input,
    heads: &Heads,
) -> Result<(), EvaluationError> {
    let session = Session::new(runtime, model, &SessionOptions::default());
    let mut session = session.map_err(|source| refused(source, model, input, heads))?;
    let noise = noise(&model.manifest().preprocessing)?;
    let (mut alone, mut representations) = (Vec::new(), Vec::new());
    let mut outputs = Outputs::default();
    for image in noise.chunks_exact(noise.len() / IMAGES) {
        let run = session.run(image, 1, &mut outputs);
        run.map_err(|source| refused(source, model, input, heads))?;
        check_finite(&outputs)?;
        alone.extend_from_slice(&outputs.logits);
        representations.extend_from_slice(&outputs.representation);
    }
    let classes = model.manifest().labels.len();
    if alone.chunks_exact(classes).all(are_probabilities) {
        return Err(AdoptError::Probabilities.into());
    }
    if input.is_batched() {
        let run = session.run(&noise, IMAGES, &mut outputs);
        run.map_err(|source| AdoptError::FixedInside {
            images: IMAGES,
            source,
        })?;
        check_finite(&outputs)?;
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

/// Why the model cannot be opened, or not run on an image, in terms of what the user has said.
fn refused(source: SessionError, model: &Model, input: &Input, heads: &Heads) -> EvaluationError {
    match source {
        SessionError::Shape { name, found, .. } if [LOGITS, REPRESENTATION].contains(&&*name) => {
            let (output, length) = match name == LOGITS {
                true => (&heads.logits, heads.lengths.0),
                false => (&heads.representation, heads.lengths.1),
            };
            AdoptError::OtherShape {
                output: on_one_line(output),
                said: format!("float [N, {length}]"),
                found,
            }
            .into()
        }
        source @ SessionError::Run { .. } if !input.has_channels => {
            AdoptError::Layout { source }.into()
        }
        source @ SessionError::Run { .. } if input.size.contains(&None) => {
            let Preprocessing { width, height, .. } = model.manifest().preprocessing;
            AdoptError::WrongSize {
                size: Size(width, height).to_string(),
                source,
            }
            .into()
        }
        source => source.into(),
    }
}

/// Images of noise, prepared like any others.
fn noise(preprocessing: &Preprocessing) -> Result<Vec<f32>, EvaluationError> {
    let preprocessor = Preprocessor::new(preprocessing);
    let length = preprocessor.tensor_len();
    let mut random = Pcg64::seed_from_u64(0);
    let mut noise = vec![0.0; IMAGES * length];
    for (index, tensor) in noise.chunks_exact_mut(length).enumerate() {
        let picture = Rgb8 {
            width: preprocessing.width,
            height: preprocessing.height,
            pixels: (0..length).map(|_| random.random()).collect(),
        };
        let written = preprocessor.write_tensor(&picture, tensor);
        written.map_err(|source| EvaluationError::Image {
            set: "noise".into(),
            index,
            source,
        })?;
    }
    Ok(noise)
}

fn check_finite(outputs: &Outputs) -> Result<(), AdoptError> {
    let mut values = outputs.logits.iter().chain(&outputs.representation);
    match values.all(|value| value.is_finite()) {
        true => Ok(()),
        false => Err(AdoptError::NotFinite),
    }
}

fn are_probabilities(logits: &[f32]) -> bool {
    let sum: f32 = logits.iter().sum();
    logits.iter().all(|logit| *logit >= 0.0) && (sum - 1.0).abs() < 1e-3
}
