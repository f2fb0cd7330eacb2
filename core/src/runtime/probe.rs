use ort::session::{HasSelectedOutputs, OutputSelector, RunOptions};
use ort::value::TensorRef;

use super::session::{configure, run};
use super::{Runtime, SessionError, SessionOptions, shape};
use crate::model::Model;

/// A graph of which any values can be read, not only those that a [`Session`](super::Session) returns. Quantisation
/// uses it to see what flows between the layers.
pub struct Probe {
    inner: ort::session::Session,
    selected: RunOptions<HasSelectedOutputs>,
    names: Vec<String>,
    image: [usize; 3],
    batched: bool,
}

impl Probe {
    /// Prepares `graph`, a variant of `model`'s ONNX file that takes the same images, to read its float outputs
    /// `names`.
    ///
    /// # Errors
    ///
    /// [`SessionError::Unloadable`], and [`SessionError::Inputs`] if it takes something else besides the images.
    pub fn new(
        runtime: &Runtime,
        model: &Model,
        graph: &[u8],
        names: Vec<String>,
        options: &SessionOptions,
    ) -> Result<Self, SessionError> {
        let unloadable = |error: ort::Error| SessionError::Unloadable {
            model: model.title(),
            origin: model.origin().into(),
            reason: error.to_string(),
        };
        let inner = configure(runtime, options)
            .and_then(|mut builder| builder.commit_from_memory(graph))
            .map_err(unloadable)?;
        let [input] = inner.inputs() else {
            return Err(SessionError::Inputs {
                model: model.title(),
                found: shape::names(inner.inputs()),
            });
        };
        let batch = input
            .dtype()
            .tensor_shape()
            .and_then(|s| s.first().copied());
        let selector = names
            .iter()
            .fold(OutputSelector::no_default(), |all, name| all.with(name));
        let preprocessing = &model.manifest().preprocessing;
        Ok(Self {
            selected: RunOptions::new()
                .map_err(unloadable)?
                .with_outputs(selector),
            names,
            image: [
                3,
                preprocessing.height as usize,
                preprocessing.width as usize,
            ],
            batched: batch == Some(-1),
            inner,
        })
    }

    /// Runs `count` images, float32 `[count, 3, height, width]`, and passes each value to `see`: its place among the
    /// names, and its entries, possibly in several parts.
    ///
    /// # Errors
    ///
    /// [`SessionError::ImagesLength`] and [`SessionError::Run`].
    pub fn run(
        &mut self,
        images: &[f32],
        count: usize,
        mut see: impl FnMut(usize, &[f32]),
    ) -> Result<(), SessionError> {
        let [channels, height, width] = self.image;
        let length = channels * height * width;
        if images.len() != count * length {
            return Err(SessionError::ImagesLength {
                count,
                expected: count * length,
                found: images.len(),
            });
        }
        let batch = if self.batched { count.max(1) } else { 1 };
        for images in images.chunks_exact(batch * length) {
            let shape = [batch, channels, height, width];
            let input = TensorRef::from_array_view((shape, images)).map_err(run)?;
            let found = self
                .inner
                .run_with_options(ort::inputs![input], &self.selected)
                .map_err(run)?;
            for (place, name) in self.names.iter().enumerate() {
                if let Some(value) = found.get(name) {
                    see(place, value.try_extract_tensor::<f32>().map_err(run)?.1);
                }
            }
        }
        Ok(())
    }
}
