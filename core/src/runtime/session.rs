use ort::session::builder::{GraphOptimizationLevel, SessionBuilder};
use ort::session::{HasSelectedOutputs, OutputSelector, RunOptions};
use ort::value::TensorRef;

use super::int8::needs_precision;
use super::said::said;
use super::shape::{LOGITS, REPRESENTATION, Shape};
use super::{Device, Outputs, Runtime, SessionError};
use crate::model::Model;

/// How a [`Session`] uses the processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionOptions {
    /// Threads that share the work of one operator, including the calling one. 0: as many as there are physical
    /// cores.
    pub threads: usize,
    /// Whether its threads stay awake from one operator to the next until the run ends. This is faster if the session
    /// has its cores to itself; if several sessions share them, it steals from the others.
    pub spinning: bool,
}

impl Default for SessionOptions {
    fn default() -> Self {
        Self {
            threads: 1,
            spinning: false,
        }
    }
}

/// A model, ready to run. Only one thread can use it at a time, but it can be sent between threads.
pub struct Session {
    inner: ort::session::Session,
    selected: RunOptions<HasSelectedOutputs>,
    shape: Shape,
}

impl Session {
    /// Prepares the model: optimises its graph and packs its weights, which takes a moment.
    ///
    /// Checks the model against its manifest: one float input `[N, 3, height, width]`, outputs
    /// `logits` `[N, labels]` and `representation` `[N, representation size]`; N may be fixed to 1.
    ///
    /// # Errors
    /// [`SessionError`] if ONNX Runtime or the device cannot take the model, or if it is not as its manifest says.
    pub fn new(
        runtime: &Runtime,
        model: &Model,
        options: &SessionOptions,
    ) -> Result<Self, SessionError> {
        let inner = configure(runtime, options)
            .and_then(|mut builder| builder.commit_from_memory(model.bytes()))
            .map_err(unloadable(runtime, model))?;
        Self::checked(runtime, model, inner)
    }

    /// A session of ONNX Runtime's, if it suits the model's manifest.
    pub(super) fn checked(
        runtime: &Runtime,
        model: &Model,
        inner: ort::session::Session,
    ) -> Result<Self, SessionError> {
        let shape = Shape::check(&inner, model)?;
        let selected = RunOptions::new()
            .map_err(unloadable(runtime, model))?
            .with_outputs(
                OutputSelector::no_default()
                    .with(LOGITS)
                    .with(REPRESENTATION),
            );
        Ok(Self {
            inner,
            selected,
            shape,
        })
    }

    /// Runs the model on `count` images: float32 `[count, 3, height, width]` in `images`.
    ///
    /// `outputs` is overwritten. If it is reused, nothing is allocated for it after the first run. After an error it
    /// is empty.
    ///
    /// # Errors
    /// [`SessionError`] if `images` does not have that length, or if the model fails or answers in another shape.
    pub fn run(
        &mut self,
        images: &[f32],
        count: usize,
        outputs: &mut Outputs,
    ) -> Result<(), SessionError> {
        outputs.clear();
        let image_length = 3 * self.shape.height * self.shape.width;
        let expected = count.saturating_mul(image_length);
        if images.len() != expected {
            return Err(SessionError::ImagesLength {
                count,
                expected,
                found: images.len(),
            });
        }
        if count == 0 {
            return Ok(());
        }
        let batch = if self.shape.batched { count } else { 1 };
        let result = images
            .chunks_exact(batch * image_length)
            .try_for_each(|images| self.run_batch(images, batch, outputs));
        if result.is_err() {
            outputs.clear();
        }
        result
    }

    fn run_batch(
        &mut self,
        images: &[f32],
        count: usize,
        outputs: &mut Outputs,
    ) -> Result<(), SessionError> {
        let Shape {
            height,
            width,
            classes,
            representation,
            ..
        } = self.shape;
        let input = TensorRef::from_array_view(([count, 3, height, width], images)).map_err(run)?;
        let found = self
            .inner
            .run_with_options(ort::inputs![input], &self.selected)
            .map_err(run)?;
        for (output, length, target) in [
            (LOGITS, classes, &mut outputs.logits),
            (REPRESENTATION, representation, &mut outputs.representation),
        ] {
            let (shape, values): (&[i64], &[f32]) = match found.get(output) {
                Some(value) => {
                    let (shape, values) = value.try_extract_tensor::<f32>().map_err(run)?;
                    (shape, values)
                }
                None => (&[], &[]),
            };
            // As many values in another order would be taken for those of other images.
            let expected = [count, length];
            if !shape.iter().copied().eq(expected.map(|axis| axis as i64)) {
                return Err(SessionError::OutputShape {
                    output,
                    expected,
                    found: shape.to_vec(),
                });
            }
            target.extend_from_slice(values);
        }
        Ok(())
    }
}

/// What ONNX Runtime's error says of the model or the device.
pub(super) fn unloadable(runtime: &Runtime, model: &Model) -> impl Fn(ort::Error) -> SessionError {
    |error| match runtime.device {
        Device::Cpu => SessionError::Unloadable {
            model: model.title(),
            origin: model.origin().into(),
            reason: said(&error),
        },
        device => SessionError::Device {
            model: model.title(),
            device,
            reason: said(&error),
        },
    }
}

/// The builder of a session. Memory is left as ONNX Runtime handles it: for ResNet18, switching the arena off made
/// two or four sessions no smaller.
pub(super) fn configure(
    runtime: &Runtime,
    options: &SessionOptions,
) -> ort::Result<SessionBuilder> {
    let builder = ort::session::Session::builder(&runtime.environment)?
        .with_intra_threads(options.threads)?
        .with_inter_threads(1)?
        .with_intra_op_spinning(options.spinning)?
        // The next operator follows within a few µs. Whoever waits for longer waits for a thread that had to give
        // way, to decoding for example, and would only delay it further.
        .with_config_entry("session.intra_op.spin_duration_us", "30")?
        // Between runs the threads sleep: an idle server takes no processor time.
        .with_config_entry("session.force_spinning_stop", "1")?
        // Not by the first bytes, which may suggest another format: what was checked is what is loaded.
        .with_config_entry("session.load_model_format", "ONNX")?
        .with_optimization_level(GraphOptimizationLevel::All)?
        .with_config_entry("session.x64quantprecision", needs_precision())?
        .with_memory_pattern(true)?;
    runtime.device.configure(builder)
}

pub(super) fn run(error: ort::Error) -> SessionError {
    SessionError::Run {
        reason: said(&error),
    }
}
