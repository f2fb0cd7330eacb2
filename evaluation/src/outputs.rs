//! Running a model file over an image set: what it answers for every image.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use indicatif::ProgressBar;
use normgate_core::classifier::argmax;
use normgate_core::manifest::Manifest;
use normgate_core::model::Model;
use normgate_core::preprocess::Preprocessor;
use normgate_core::runtime::{Outputs, Runtime, Session, SessionOptions};
use normgate_core::scores::Score;

use crate::datasets::{ImageSet, renamed};
use crate::error::EvaluationError;

/// Images in each call of the session. Batches are of this size and cut from the set in order, so that the same
/// images share one whatever the number of threads: a model's answer may depend on its batch in the last bit.
const BATCH: usize = 64;

/// What a model answered for each image of a set, in the set's order.
#[derive(Clone, Debug, PartialEq)]
pub struct SetOutputs {
    /// The set's name.
    pub name: String,
    /// `count * classes` logits, image by image.
    pub logits: Vec<f32>,
    /// `count * size` entries of the penultimate representations, image by image.
    pub representation: Vec<f32>,
    /// The number of images.
    pub count: usize,
    /// The number of classes, and so of an image's logits.
    pub classes: usize,
    /// Length of a representation.
    pub size: usize,
    /// The class of each image, as an index of the model's labels; `None` if it is none of them, or not known.
    pub labels: Vec<Option<usize>>,
}

impl SetOutputs {
    /// Logits and representation of each image.
    pub fn images(&self) -> impl Iterator<Item = (&[f32], &[f32])> {
        let logits = self.logits.chunks_exact(self.classes.max(1));
        logits.zip(self.representation.chunks_exact(self.size.max(1)))
    }

    /// A score of each image, larger = more OOD.
    pub fn scores(&self, score: &dyn Score) -> Vec<f32> {
        self.images()
            .map(|(logits, representation)| score.score(logits, representation))
            .collect()
    }

    /// Several scores of each image, a list for each score; computed in parallel, since some are costly.
    pub fn all_scores(&self, scores: &[Arc<dyn Score>]) -> Vec<Vec<f32>> {
        thread::scope(|scope| {
            let workers: Vec<_> = scores
                .iter()
                .map(|score| scope.spawn(|| self.scores(&**score)))
                .collect();
            let joined = workers.into_iter().map(thread::ScopedJoinHandle::join);
            joined
                .map(|scores| scores.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
                .collect()
        })
    }

    /// The label of each image.
    ///
    /// # Errors
    /// [`EvaluationError::NoLabel`] at the first image that has none of the model's classes.
    pub fn truth(&self) -> Result<Vec<usize>, EvaluationError> {
        truth(&self.name, &self.labels, self.classes)
    }

    /// For each image, the class with the largest logit; the first of several equal ones.
    pub fn predicted(&self) -> Vec<usize> {
        self.images().map(|(logits, _)| argmax(logits)).collect()
    }
}

/// Runs `model` over every image of `set`, with `threads` sessions of one thread each.
///
/// The set must be in memory, at a size that the model's preprocessing takes: load it with
/// [`LoadOptions::preprocessing`](crate::datasets::LoadOptions) set to the model's. Its classes are found among the
/// model's by name. The result does not depend on `threads`. `progress` is advanced by the images done.
///
/// # Errors
/// [`EvaluationError`] if the set is empty, a session cannot be made, an image cannot be brought to the model's size,
/// or the model fails on a batch or answers with NaN or infinity (the image is named).
pub fn run(
    runtime: &Runtime,
    model: &Model,
    set: &ImageSet,
    threads: usize,
    progress: &ProgressBar,
) -> Result<SetOutputs, EvaluationError> {
    if set.is_empty() {
        return Err(EvaluationError::EmptySet {
            set: set.name.clone(),
        });
    }
    let manifest = model.manifest();
    let (classes, size) = (manifest.labels.len(), manifest.representation_size);
    let mut outputs = SetOutputs {
        name: set.name.clone(),
        logits: vec![0.0; set.len() * classes],
        representation: vec![0.0; set.len() * size],
        count: set.len(),
        classes,
        size,
        labels: labels_of(set, &manifest.labels),
    };
    let batches = outputs
        .logits
        .chunks_mut(BATCH * classes)
        .zip(outputs.representation.chunks_mut(BATCH * size))
        .enumerate();
    let queue = Mutex::new(batches);
    let has_failed = AtomicBool::new(false);
    let work = || -> Result<(), EvaluationError> {
        // Otherwise the others would run the whole set before anybody is told.
        let fail = |_: &EvaluationError| has_failed.store(true, Ordering::Relaxed);
        let mut worker = Worker::new(runtime, model, set).inspect_err(fail)?;
        loop {
            let next = queue.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some((index, (logits, representation))) = next else {
                return Ok(());
            };
            if has_failed.load(Ordering::Relaxed) {
                return Ok(());
            }
            let done = worker.batch(index * BATCH, logits, representation);
            progress.inc(done.inspect_err(fail)? as u64);
        }
    };
    let threads = threads.clamp(1, set.len().div_ceil(BATCH));
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| {
            worker
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    })?;
    check_finite(&outputs)?;
    Ok(outputs)
}

/// Checks that a set is labelled with the model's classes, `names`, before the model is run on it in vain.
///
/// # Errors
/// As [`SetOutputs::truth`].
pub(crate) fn all_labelled(set: &ImageSet, names: &[String]) -> Result<(), EvaluationError> {
    truth(&set.name, &labels_of(set, names), names.len()).map(drop)
}

fn truth(
    set: &str,
    labels: &[Option<usize>],
    classes: usize,
) -> Result<Vec<usize>, EvaluationError> {
    let known = |(index, label): (usize, &Option<usize>)| {
        let label = label.filter(|&label| label < classes);
        label.ok_or_else(|| EvaluationError::NoLabel {
            set: set.to_owned(),
            index,
            classes,
        })
    };
    labels.iter().enumerate().map(known).collect()
}

/// The class of each image, as an index of `names`.
fn labels_of(set: &ImageSet, names: &[String]) -> Vec<Option<usize>> {
    let indices = |labels: &[Option<u16>]| labels.iter().map(|it| it.map(usize::from)).collect();
    match set.class_names.as_deref() {
        // Not if the lists are equal: two classes may have the same name.
        Some(own) if own != names => indices(&renamed(&set.labels, own, names)),
        _ => indices(&set.labels),
    }
}

struct Worker<'a> {
    session: Session,
    preprocessor: Preprocessor,
    set: &'a ImageSet,
    manifest: &'a Manifest,
    input: Vec<f32>,
    answer: Outputs,
}

impl<'a> Worker<'a> {
    fn new(
        runtime: &Runtime,
        model: &'a Model,
        set: &'a ImageSet,
    ) -> Result<Self, EvaluationError> {
        Ok(Self {
            session: Session::new(runtime, model, &SessionOptions::default())?,
            preprocessor: Preprocessor::new(&model.manifest().preprocessing),
            set,
            manifest: model.manifest(),
            input: Vec::new(),
            answer: Outputs::default(),
        })
    }

    /// Runs the batch that begins at image `first`; it has as many images as `logits` has room for.
    fn batch(
        &mut self,
        first: usize,
        logits: &mut [f32],
        representation: &mut [f32],
    ) -> Result<usize, EvaluationError> {
        let count = logits.len() / self.manifest.labels.len();
        let length = self.preprocessor.tensor_len();
        self.input.resize(count * length, 0.0);
        self.set
            .write_tensors(first, &self.preprocessor, &mut self.input)
            .map_err(|(index, source)| EvaluationError::Image {
                set: self.set.name.clone(),
                index,
                source,
            })?;
        self.session.run(&self.input, count, &mut self.answer)?;
        logits.copy_from_slice(&self.answer.logits);
        representation.copy_from_slice(&self.answer.representation);
        Ok(count)
    }
}

fn check_finite(outputs: &SetOutputs) -> Result<(), EvaluationError> {
    let finite = |values: &[f32]| values.iter().all(|v| v.is_finite());
    let mut images = outputs.images();
    match images.position(|(logits, representation)| !(finite(logits) && finite(representation))) {
        Some(index) => Err(EvaluationError::NotFinite {
            set: outputs.name.clone(),
            index,
        }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use normgate_core::scores::{MaxLogit, RepresentationNorm};

    use super::*;

    fn outputs() -> SetOutputs {
        SetOutputs {
            name: "s".into(),
            logits: vec![1.0, 3.0, 2.0, 2.0, -1.0, -2.0],
            representation: vec![3.0, 4.0, 0.0, 1.0, 0.0, 0.0],
            count: 3,
            classes: 2,
            size: 2,
            labels: vec![Some(1), None, Some(0)],
        }
    }

    #[test]
    fn scores_and_predictions_follow_the_images() {
        let norms = vec![-5.0, -1.0, 0.0];
        assert_eq!(outputs().scores(&RepresentationNorm), norms);
        let both: [Arc<dyn Score>; 2] = [Arc::new(MaxLogit), Arc::new(RepresentationNorm)];
        assert_eq!(outputs().all_scores(&both), [vec![-3.0, -2.0, 1.0], norms]);
        assert_eq!(outputs().predicted(), [1, 0, 0]);
    }

    #[test]
    fn classes_are_found_by_their_names() {
        let names =
            |names: &[&str]| -> Vec<String> { names.iter().map(|it| (*it).into()).collect() };
        let model = names(&["bird", "cat", "dog"]);
        let labels = vec![Some(0), Some(1), None, Some(2)];
        let of = |class_names: Option<Vec<String>>| {
            let set = ImageSet {
                labels: labels.clone(),
                class_names,
                ..ImageSet::default()
            };
            labels_of(&set, &model)
        };
        let own = names(&["cat", "dog", "car"]);
        assert_eq!(of(Some(own)), [Some(1), Some(2), None, None]);
        let as_they_are = [Some(0), Some(1), None, Some(2)];
        assert_eq!(of(Some(model.clone())), as_they_are);
        assert_eq!(of(None), as_they_are);
    }

    #[test]
    fn an_answer_that_is_not_a_number_names_the_image() {
        let mut broken = outputs();
        broken.representation[3] = f32::NAN;
        let error = check_finite(&broken).unwrap_err().to_string();
        assert!(error.contains("image 1 of s"), "{error}");
    }
}
