//! What the loaders do: read a step's images, and augment them or draw how to.

use std::ops::Range;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use rand::seq::SliceRandom;
use rand_pcg::Pcg64Mcg;
use tch::{Device, Tensor};

use super::{Batch, Plan, Vary, spawn};
use crate::augment::{Drawn, apply_together};
use crate::error::TrainError;
use crate::pictures::Pictures;
use crate::randomness::{Purpose, generator};

/// Batches that each loader prepares ahead of the network.
const AHEAD: usize = 2;

/// The threads that load batches, in turn: with n threads, each loads every n-th batch.
pub(super) struct Loaders {
    plan: Arc<Plan>,
    device: Device,
    threads: Vec<Receiver<Result<Loaded, TrainError>>>,
    next: usize,
}

impl Loaders {
    pub(super) fn start(
        plan: &Arc<Plan>,
        device: Device,
        steps: Range<usize>,
        threads: usize,
    ) -> Result<Self, TrainError> {
        let mut receivers = Vec::with_capacity(threads);
        for offset in 0..threads {
            let (sender, receiver) = sync_channel(AHEAD);
            let plan = Arc::clone(plan);
            let steps = steps.clone().skip(offset).step_by(threads);
            spawn(format!("loader-{offset}"), move || {
                load_all(&plan, steps, &sender);
            })?;
            receivers.push(receiver);
        }
        Ok(Self {
            plan: Arc::clone(plan),
            device,
            threads: receivers,
            next: 0,
        })
    }

    /// The next step's batch, on the device.
    pub(super) fn receive(&mut self) -> Result<Batch, TrainError> {
        let loaded = self.threads[self.next]
            .recv()
            .map_err(|_| TrainError::LoaderStopped)??;
        self.next = (self.next + 1) % self.threads.len();
        let first = self.plan.streams.first();
        let (width, height) =
            first.map_or((0, 0), |stream| (stream.images.width, stream.images.height));
        let images = match &loaded.images {
            Images::Bytes(bytes, drawn) => apply_together(bytes, width, drawn, self.device)?,
            Images::Planes(planes) => Tensor::f_from_slice(planes)?
                .f_view([-1, 3, height as i64, width as i64])?
                .f_to_device(self.device)?,
        };
        let images = self.plan.normalise.apply(images)?;
        let labels = Tensor::f_from_slice(&loaded.labels)?.f_to_device(self.device)?;
        Ok(Batch { images, labels })
    }
}

/// A batch as the loaders leave it.
struct Loaded {
    images: Images,
    labels: Vec<i64>,
}

enum Images {
    /// Augmented, in the network's form.
    Planes(Vec<f32>),
    /// As they are stored, with what was drawn for each image.
    Bytes(Vec<u8>, Vec<Drawn>),
}

fn load_all(
    plan: &Plan,
    steps: impl Iterator<Item = usize>,
    sender: &SyncSender<Result<Loaded, TrainError>>,
) {
    let Some(first) = plan.streams.first() else {
        return;
    };
    let mut pictures = Pictures::new(&first.images);
    let mut orders: Vec<Order> = plan.streams.iter().map(|_| Order::default()).collect();
    for step in steps {
        let batch = load(plan, step, &mut orders, &mut pictures);
        let failed = batch.is_err();
        if sender.send(batch).is_err() || failed {
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

fn load(
    plan: &Plan,
    step: usize,
    orders: &mut [Order],
    pictures: &mut Pictures,
) -> Result<Loaded, TrainError> {
    let images = plan.images_per_step();
    let bytes = images
        * plan
            .streams
            .first()
            .map_or(0, |stream| stream.images.image_bytes());
    match &plan.vary {
        Vary::OneByOne(prepare) => {
            let mut planes = Vec::with_capacity(bytes);
            let labels = show_all(plan, step, orders, pictures, |image, random| {
                let start = planes.len();
                planes.resize(start + image.len(), 0.0);
                prepare(image, random, &mut planes[start..]);
            })?;
            let images = Images::Planes(planes);
            Ok(Loaded { images, labels })
        }
        Vary::Together(augmenter) => {
            let mut bytes = Vec::with_capacity(bytes);
            let mut drawn = Vec::with_capacity(images);
            let labels = show_all(plan, step, orders, pictures, |image, random| {
                bytes.extend_from_slice(image);
                drawn.push(augmenter.draw(random));
            })?;
            let images = Images::Bytes(bytes, drawn);
            Ok(Loaded { images, labels })
        }
    }
}

/// Passes a step's images to `show` in the order of the batch, each with its generator; returns the labels.
fn show_all(
    plan: &Plan,
    step: usize,
    orders: &mut [Order],
    pictures: &mut Pictures,
    mut show: impl FnMut(&[u8], &mut Pcg64Mcg),
) -> Result<Vec<i64>, TrainError> {
    let mut labels = Vec::new();
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
        for row in 0..plan.rows(number) {
            let (view, position) = (row / stream.per_step, start + row % stream.per_step);
            let index = order.indices[position];
            let purpose = match view {
                0 => Purpose::Augmentation,
                _ => Purpose::SecondView,
            };
            let mut random = generator(plan.seed, purpose, number, pass as u64, position as u64);
            let image = pictures.show(stream, index, &mut random);
            let image = image.map_err(TrainError::Image)?;
            show(&image, &mut random);
            if number == 0 {
                labels.push(stream.images.labels[index].map_or(-100, i64::from));
            }
        }
    }
    Ok(labels)
}
