//! What the loaders do: read a step's images, and vary them or draw how.

use std::sync::mpsc::SyncSender;

use rand::seq::SliceRandom;
use rand_pcg::Pcg64Mcg;

use super::{Plan, Vary};
use crate::augment::Drawn;
use crate::error::TrainError;
use crate::pictures::Pictures;
use crate::randomness::{Purpose, generator};

/// A batch as the loaders leave it.
pub(super) struct Loaded {
    pub(super) images: Images,
    pub(super) labels: Vec<i64>,
}

pub(super) enum Images {
    /// In the network's form.
    Planes(Vec<f32>),
    /// As they are stored, with what was drawn for each.
    Bytes(Vec<u8>, Vec<Drawn>),
}

pub(super) fn load_all(
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
    match &plan.vary {
        Vary::OneByOne(prepare) => {
            let mut planes = Vec::new();
            let labels = show_all(plan, step, orders, pictures, |image, random| {
                let start = planes.len();
                planes.resize(start + image.len(), 0.0);
                prepare(image, random, &mut planes[start..]);
            })?;
            let images = Images::Planes(planes);
            Ok(Loaded { images, labels })
        }
        Vary::Together(augmenter) => {
            let (mut bytes, mut drawn) = (Vec::new(), Vec::new());
            let labels = show_all(plan, step, orders, pictures, |image, random| {
                bytes.extend_from_slice(image);
                drawn.push(augmenter.draw(random));
            })?;
            let images = Images::Bytes(bytes, drawn);
            Ok(Loaded { images, labels })
        }
    }
}

/// Shows a step's images in the order of the batch, each with its generator; gives the labels.
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
