//! Batches, prepared on threads of their own while the network computes: loaders read the images and vary
//! them, or draw how; for a GPU one thread more brings batch after batch there.
//!
//! Which images are in step s, and how they are augmented, follows from the seed and s alone: the
//! number of threads changes nothing, and a run can resume at any step.

mod load;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use load::{Images, Loaded};
use normgate_evaluation::datasets::ImageSet;
use rand_pcg::Pcg64Mcg;
use tch::{Device, Tensor};

use crate::augment::{Augmenter, apply_together};
use crate::error::TrainError;
use crate::input::Normalise;
use crate::pictures::Part;

/// Turns an image (HWC bytes) into planes (CHW, 0 to 1), varied at random.
pub type Prepare = dyn Fn(&[u8], &mut Pcg64Mcg, &mut [f32]) + Send + Sync;

/// How images are brought into the network's form.
pub enum Vary {
    /// Each by itself, by the loaders.
    OneByOne(Box<Prepare>),
    /// All of a batch together, on the device; the loaders only draw.
    Together(Augmenter),
}

/// Batches that a loader has ready ahead of the network.
const AHEAD: usize = 2;

/// Those on the device, where memory is dearer.
const AHEAD_ON_DEVICE: usize = 1;

/// Images and how many of them each step takes.
#[derive(Debug)]
pub struct Stream {
    /// The images.
    pub images: ImageSet,
    /// How many a step takes.
    pub per_step: usize,
    /// What is shown of each image.
    pub part: Part,
}

impl Stream {
    /// Steps that one pass over the images lasts; an incomplete last batch is dropped.
    #[must_use]
    pub fn steps_per_pass(&self) -> usize {
        self.images.len() / self.per_step.max(1)
    }
}

/// What all the batches of a run are made from.
pub struct Plan {
    /// The in-distribution images first, then the auxiliary ones: the order within each batch.
    pub streams: Vec<Stream>,
    /// Seed of the order and the augmentation.
    pub seed: u64,
    /// How often each image of the first stream is in its step, each time varied anew.
    pub views: usize,
    /// How images are brought into the network's form.
    pub vary: Vary,
    /// What is done to their values then.
    pub normalise: Normalise,
    /// Where the network computes.
    pub device: Device,
}

impl Plan {
    /// Images that a step forwards.
    #[must_use]
    pub fn images_per_step(&self) -> usize {
        (0..self.streams.len())
            .map(|number| self.rows(number))
            .sum()
    }

    /// How many of them come from a stream.
    fn rows(&self, number: usize) -> usize {
        let views = if number == 0 { self.views } else { 1 };
        self.streams[number].per_step * views
    }
}

/// The images of one step, on the device.
#[derive(Debug, PartialEq)]
pub struct Batch {
    /// [images of a step, 3, H, W], float32: the first stream's, view after view, then the others'.
    pub images: Tensor,
    /// The classes of the first stream's images, view after view, int64.
    pub labels: Tensor,
}

/// Batches in the order of their steps.
pub enum Batches {
    /// Brought into their last form when they are asked for: on a CPU, all of which the network uses.
    Asked(Loaders),
    /// By a thread of its own, ahead of the network.
    Ahead(Receiver<Result<Batch, TrainError>>),
}

impl Batches {
    /// Starts `threads` loaders on the steps from `first` up to, not including, `end`. They stop
    /// when this is dropped.
    ///
    /// # Errors
    ///
    /// [`TrainError::LoaderStopped`] where the system gives no threads.
    pub fn start(
        plan: &Arc<Plan>,
        first: usize,
        end: usize,
        threads: usize,
    ) -> Result<Self, TrainError> {
        let mut loaders = Loaders::start(plan, first, end, threads.max(1))?;
        if !plan.device.is_cuda() && matches!(plan.vary, Vary::OneByOne(_)) {
            return Ok(Batches::Asked(loaders));
        }
        let (sender, receiver) = sync_channel(AHEAD_ON_DEVICE);
        spawn("batches".into(), move || {
            loop {
                let batch = loaders.receive();
                let failed = batch.is_err();
                if sender.send(batch).is_err() || failed {
                    return; // Nobody is waiting any more.
                }
            }
        })?;
        Ok(Batches::Ahead(receiver))
    }

    /// The next step's batch.
    ///
    /// # Errors
    ///
    /// [`TrainError::LoaderStopped`] past the last step, or where a thread has died;
    /// [`TrainError::Image`] naming the file that cannot be read; [`TrainError::Torch`] where the
    /// device's memory does not suffice.
    pub fn receive(&mut self) -> Result<Batch, TrainError> {
        match self {
            Batches::Asked(loaders) => loaders.receive(),
            Batches::Ahead(receiver) => receiver.recv().map_err(|_| TrainError::LoaderStopped)?,
        }
    }
}

/// The threads that load batches, each every so-many-th.
pub struct Loaders {
    plan: Arc<Plan>,
    threads: Vec<Receiver<Result<Loaded, TrainError>>>,
    next: usize,
}

impl Loaders {
    fn start(
        plan: &Arc<Plan>,
        first: usize,
        end: usize,
        threads: usize,
    ) -> Result<Self, TrainError> {
        let mut receivers = Vec::with_capacity(threads);
        for offset in 0..threads {
            let (sender, receiver) = sync_channel(AHEAD);
            let plan = Arc::clone(plan);
            let steps = (first + offset..end).step_by(threads);
            spawn(format!("loader-{offset}"), move || {
                load::load_all(&plan, steps, &sender);
            })?;
            receivers.push(receiver);
        }
        Ok(Self {
            plan: Arc::clone(plan),
            threads: receivers,
            next: 0,
        })
    }

    fn receive(&mut self) -> Result<Batch, TrainError> {
        let loaded = self.threads[self.next]
            .recv()
            .map_err(|_| TrainError::LoaderStopped)??;
        self.next = (self.next + 1) % self.threads.len();
        finish(&self.plan, &loaded)
    }
}

fn spawn(name: String, work: impl FnOnce() + Send + 'static) -> Result<(), TrainError> {
    let started = thread::Builder::new().name(name).spawn(work);
    started.map(drop).map_err(|_| TrainError::LoaderStopped)
}

/// Brings a batch to the device.
fn finish(plan: &Plan, loaded: &Loaded) -> Result<Batch, TrainError> {
    let Plan {
        device, normalise, ..
    } = *plan;
    let side = plan.streams.first().map_or(0, |stream| stream.images.width);
    let images = match &loaded.images {
        Images::Bytes(bytes, drawn) => apply_together(bytes, side, drawn, device)?,
        Images::Planes(planes) => Tensor::f_from_slice(planes)?
            .f_view([-1, 3, side as i64, side as i64])?
            .f_to_device(device)?,
    };
    let images = normalise.apply(images)?;
    let labels = Tensor::f_from_slice(&loaded.labels)?.f_to_device(device)?;
    Ok(Batch { images, labels })
}
