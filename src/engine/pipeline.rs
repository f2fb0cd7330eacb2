//! From decoded images to classifications: what one thread needs, without any threading.

use std::time::{Duration, Instant};

use normgate_core::classifier::ClassifyError;
use normgate_core::preprocess::PreprocessError;
use normgate_core::runtime::SessionError;
use normgate_core::{Classification, Classifier, Outputs, Preprocessor, Rgb8, Session};

/// A session, the preprocessing before it and the decision after it, with a reused batch buffer.
pub struct Pipeline {
    preprocessor: Preprocessor,
    session: Session,
    classifier: Classifier,
    images: Vec<f32>,
    count: usize,
    outputs: Outputs,
}

/// Why decoded images could not be classified: a broken model, or a bug.
#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    /// The image did not fit into the batch.
    #[error(transparent)]
    Preprocess(#[from] PreprocessError),
    /// The model could not be loaded or run.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The model's output makes no sense.
    #[error(transparent)]
    Classify(#[from] ClassifyError),
    /// More images than the batch has room for.
    #[error("the batch is full")]
    Full,
}

impl Pipeline {
    /// A pipeline for batches of at most `max_batch` images.
    pub fn new(session: Session, classifier: Classifier, max_batch: usize) -> Self {
        let preprocessor = Preprocessor::new(&classifier.manifest().preprocessing);
        let images = vec![0.0; max_batch * preprocessor.tensor_len()];
        let outputs = Outputs::default();
        Self {
            preprocessor,
            session,
            classifier,
            images,
            count: 0,
            outputs,
        }
    }

    /// Runs images of zeros, one alone and a batch as large as will come, so that the first real ones find all
    /// buffers allocated. `most` says how large, from the time that one image takes.
    pub fn warm_up(&mut self, most: impl FnOnce(Duration) -> usize) -> Result<(), PipelineError> {
        self.try_out(1)?;
        let started = Instant::now();
        self.try_out(1)?;
        let room = self.images.len() / self.preprocessor.tensor_len();
        self.try_out(most(started.elapsed()).min(room))
    }

    fn try_out(&mut self, count: usize) -> Result<(), PipelineError> {
        self.count = count;
        self.run()?.try_for_each(|answer| answer.map(drop))
    }

    /// What brings images to the model's size.
    pub fn preprocessor(&mut self) -> &mut Preprocessor {
        &mut self.preprocessor
    }

    /// Adds an image to the batch.
    pub fn add(&mut self, image: &Rgb8) -> Result<(), PipelineError> {
        let length = self.preprocessor.tensor_len();
        let slot = self.images.chunks_exact_mut(length).nth(self.count);
        self.preprocessor
            .write_tensor(image, slot.ok_or(PipelineError::Full)?)?;
        self.count += 1;
        Ok(())
    }

    /// Classifies the images of the batch, in order, and empties it.
    pub fn run(
        &mut self,
    ) -> Result<impl Iterator<Item = Result<Classification, PipelineError>>, PipelineError> {
        self.run_in(None)
    }

    /// The same, in another session of the same model, if one is given.
    pub fn run_in<'a>(
        &'a mut self,
        other: Option<&mut Session>,
    ) -> Result<impl Iterator<Item = Result<Classification, PipelineError>> + use<'a>, PipelineError>
    {
        let count = std::mem::take(&mut self.count);
        let length = self.preprocessor.tensor_len();
        let images = &self.images[..count * length];
        let session = other.unwrap_or(&mut self.session);
        session.run(images, count, &mut self.outputs)?;
        let manifest = self.classifier.manifest();
        let (classes, size) = (manifest.labels.len(), manifest.representation_size);
        let logits = self.outputs.logits.chunks_exact(classes);
        let representations = self.outputs.representation.chunks_exact(size);
        Ok(logits.zip(representations).map(|(logits, representation)| {
            self.classifier
                .classify(logits, representation)
                .map_err(PipelineError::from)
        }))
    }

    /// Forgets the batch and everything that a panic may have left half done. The session stays: it is ONNX
    /// Runtime's, and no panic passes through that.
    pub fn start_afresh(&mut self) {
        self.preprocessor = Preprocessor::new(&self.classifier.manifest().preprocessing);
        self.count = 0;
    }

    /// Whether the batch holds nothing.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
}
