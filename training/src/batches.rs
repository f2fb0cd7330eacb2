//! Batches, prepared on threads of their own while the network computes.
//!
//! Which images are in step s, and how they are augmented, follows from the seed and s alone: the
//! number of threads changes nothing, and a run can resume at any step.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use normgate_evaluation::datasets::ImageSet;
use rand::seq::SliceRandom;
use rand_pcg::Pcg64Mcg;

use crate::error::TrainError;
use crate::randomness::{Purpose, generator};

/// Turns an image (HWC bytes) into a network's input (CHW, 0 to 1), varied at random.
pub type Prepare = dyn Fn(&[u8], &mut Pcg64Mcg, &mut [f32]) + Send + Sync;

/// Batches ready ahead of the network, for each thread that prepares them.
const AHEAD: usize = 2;

/// Images and how many of them each step takes.
#[derive(Debug)]
pub struct Stream {
    /// The images.
    pub images: ImageSet,
    /// How many a step takes.
    pub per_step: usize,
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
    /// Brings an image into the network's form.
    pub prepare: Box<Prepare>,
}

/// The images of one step.
#[derive(Debug, PartialEq)]
pub struct Batch {
    /// [sum of `per_step`, 3, H, W].
    pub images: Vec<f32>,
    /// The classes of the first stream's images.
    pub labels: Vec<i64>,
}

/// Batches in the order of their steps.
#[derive(Debug)]
pub struct Batches {
    loaders: Vec<Receiver<Batch>>,
    next: usize,
}

impl Batches {
    /// Starts `threads` threads on the steps from `first` up to, not including, `end`. They stop
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
        let threads = threads.max(1);
        let mut loaders = Vec::with_capacity(threads);
        for offset in 0..threads {
            let (sender, receiver) = sync_channel(AHEAD);
            let plan = Arc::clone(plan);
            let steps = (first + offset..end).step_by(threads);
            thread::Builder::new()
                .name(format!("batches-{offset}"))
                .spawn(move || prepare_all(&plan, steps, &sender))
                .map_err(|_| TrainError::LoaderStopped)?;
            loaders.push(receiver);
        }
        Ok(Self { loaders, next: 0 })
    }

    /// The next step's batch.
    ///
    /// # Errors
    ///
    /// [`TrainError::LoaderStopped`] past the last step, or where a thread has died.
    pub fn next(&mut self) -> Result<Batch, TrainError> {
        let batch = self.loaders[self.next]
            .recv()
            .map_err(|_| TrainError::LoaderStopped)?;
        self.next = (self.next + 1) % self.loaders.len();
        Ok(batch)
    }
}

fn prepare_all(plan: &Plan, steps: impl Iterator<Item = usize>, sender: &SyncSender<Batch>) {
    let mut orders: Vec<Order> = plan.streams.iter().map(|_| Order::default()).collect();
    for step in steps {
        if sender.send(prepare(plan, step, &mut orders)).is_err() {
            return; // Nobody is waiting any more.
        }
    }
}

/// The order of a stream's images in one pass.
#[derive(Default)]
struct Order {
    pass: Option<usize>,
    indices: Vec<usize>,
}

fn prepare(plan: &Plan, step: usize, orders: &mut [Order]) -> Batch {
    let values = |stream: &Stream| stream.per_step * stream.images.image_bytes();
    let mut images = vec![0.0; plan.streams.iter().map(values).sum()];
    let mut labels = Vec::new();
    let mut rest = images.as_mut_slice();
    for (number, (stream, order)) in plan.streams.iter().zip(orders).enumerate() {
        let steps = stream.steps_per_pass().max(1);
        let pass = step / steps;
        if order.pass != Some(pass) {
            let mut random = generator(plan.seed, Purpose::Order, number, pass as u64, 0);
            order.indices = (0..stream.images.len()).collect();
            order.indices.shuffle(&mut random);
            order.pass = Some(pass);
        }
        let start = step % steps * stream.per_step;
        for position in start..start + stream.per_step {
            let index = order.indices[position];
            let (out, remaining) = rest.split_at_mut(stream.images.image_bytes());
            rest = remaining;
            let place = (pass as u64, position as u64);
            let mut random = generator(plan.seed, Purpose::Augmentation, number, place.0, place.1);
            (plan.prepare)(stream.images.image(index), &mut random, out);
            if number == 0 {
                labels.push(stream.images.labels[index].map_or(-100, i64::from));
            }
        }
    }
    Batch { images, labels }
}
