//! Batches, prepared on separate threads while the network computes: loaders read the images and augment them, or
//! draw how to; one more thread brings each batch to a GPU.
//!
//! Which images are in step s, and how they are augmented, depends only on the seed and s: the number of threads
//! changes nothing, and a run can resume at any step.

mod load;
#[cfg(test)]
mod tests;

use std::ops::Range;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::{self, JoinHandle};

use load::Loaders;
use normgate_evaluation::datasets::ImageSet;
use rand_pcg::Pcg64Mcg;
use tch::{Device, Tensor};

use crate::augment::Augmenter;
use crate::config::EpochEnd;
use crate::error::TrainError;
use crate::input::Normalise;
use crate::pictures::Part;

/// Turns an image (HWC bytes) into planes (CHW, 0 to 1), augmented at random.
pub type Prepare = dyn Fn(&[u8], &mut Pcg64Mcg, &mut [f32]) + Send + Sync;

/// How images are brought into the network's form.
pub enum Vary {
    /// By the loaders, each image by itself.
    OneByOne(Box<Prepare>),
    /// On the device, a whole batch at once; the loaders only draw.
    Together(Augmenter),
}

/// Batches that wait on a device, besides the one that is being made: memory is scarcer there.
const AHEAD_ON_DEVICE: usize = 1;

/// Images, and how many of them each step takes.
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
    /// Steps in one pass over the images; an incomplete last batch is dropped.
    #[must_use]
    pub fn steps_per_pass(&self) -> usize {
        self.images.len() / self.per_step.max(1)
    }
}

/// Steps in an epoch with these images.
#[must_use]
pub fn steps_per_epoch(streams: &[Stream], end: EpochEnd) -> usize {
    let mut steps = streams.iter().map(Stream::steps_per_pass);
    let steps = match end {
        EpochEnd::Data => steps.next(),
        EpochEnd::Shortest => steps.min(),
    };
    steps.unwrap_or(0)
}

/// What all the batches of a run are made from.
pub struct Plan {
    /// The in-distribution images first, then the auxiliary ones: the order within each batch.
    pub streams: Vec<Stream>,
    /// Seed of the order and the augmentation.
    pub seed: u64,
    /// How often each image of the first stream is in its step, each time augmented anew.
    pub views: usize,
    /// How images are brought into the network's form.
    pub vary: Vary,
    /// How their values are then normalised.
    pub normalise: Normalise,
}

impl Plan {
    /// Images in the forward pass of a step.
    #[must_use]
    pub fn images_per_step(&self) -> usize {
        (0..self.streams.len())
            .map(|number| self.rows(number))
            .sum()
    }

    /// How many of them come from the stream with this number.
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
pub struct Batches(Source);

enum Source {
    /// Made when asked for: loaders and network share the processors, and nothing is copied.
    Asked(Loaders),
    /// Made by a separate thread, ahead of the network.
    Ahead(Ahead),
}

impl Batches {
    /// Starts `threads` loaders on these steps, for a network on `device`. They stop when this is dropped.
    ///
    /// # Errors
    ///
    /// [`TrainError::Thread`] if the system cannot start one.
    pub fn start(
        plan: &Arc<Plan>,
        device: Device,
        steps: Range<usize>,
        threads: usize,
    ) -> Result<Self, TrainError> {
        let loaders = Loaders::start(plan, device, steps, threads.max(1))?;
        // What is augmented together takes the same path on a CPU as on a GPU, so that the path can be tested without
        // a GPU.
        let on_device = device.is_cuda() || matches!(plan.vary, Vary::Together(_));
        Ok(Self(match on_device {
            true => Source::Ahead(Ahead::start(loaders)?),
            false => Source::Asked(loaders),
        }))
    }

    /// The next step's batch.
    ///
    /// # Errors
    ///
    /// [`TrainError::LoaderStopped`] past the last step, or if a thread has died; [`TrainError::Image`], naming the
    /// file, if it cannot be read; [`TrainError::Torch`] if the device's memory does not suffice.
    pub fn receive(&mut self) -> Result<Batch, TrainError> {
        match &mut self.0 {
            Source::Asked(loaders) => loaders.receive(),
            Source::Ahead(ahead) => ahead.receive(),
        }
    }
}

/// The thread that makes batches on a device.
struct Ahead {
    batches: Option<Receiver<Result<Batch, TrainError>>>,
    thread: Option<JoinHandle<()>>,
}

impl Ahead {
    fn start(mut loaders: Loaders) -> Result<Self, TrainError> {
        let (sender, receiver) = sync_channel(AHEAD_ON_DEVICE);
        let thread = spawn("batches".into(), move || {
            loop {
                let batch = loaders.receive();
                let failed = batch.is_err();
                if sender.send(batch).is_err() || failed {
                    return; // Nobody is waiting any more.
                }
            }
        })?;
        Ok(Self {
            batches: Some(receiver),
            thread: Some(thread),
        })
    }

    fn receive(&self) -> Result<Batch, TrainError> {
        let batch = self
            .batches
            .as_ref()
            .and_then(|batches| batches.recv().ok());
        batch.ok_or(TrainError::LoaderStopped)?
    }
}

impl Drop for Ahead {
    /// Waits until the thread has left the device, which should not be in use when the process ends.
    fn drop(&mut self) {
        drop(self.batches.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn spawn(name: String, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, TrainError> {
    let started = thread::Builder::new().name(name).spawn(work);
    started.map_err(TrainError::Thread)
}
