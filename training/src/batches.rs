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
use crate::pictures::{Part, Pictures};
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
    /// Brings an image into the network's form.
    pub prepare: Box<Prepare>,
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

/// The images of one step.
#[derive(Debug, PartialEq)]
pub struct Batch {
    /// [images of a step, 3, H, W]: the first stream's, view after view, then the others'.
    pub images: Vec<f32>,
    /// The classes of the first stream's images, view after view.
    pub labels: Vec<i64>,
}

/// Batches in the order of their steps.
#[derive(Debug)]
pub struct Batches {
    loaders: Vec<Receiver<Result<Batch, TrainError>>>,
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
    /// [`TrainError::LoaderStopped`] past the last step, or where a thread has died;
    /// [`TrainError::Image`] naming the file that cannot be read.
    pub fn receive(&mut self) -> Result<Batch, TrainError> {
        let batch = self.loaders[self.next]
            .recv()
            .map_err(|_| TrainError::LoaderStopped)??;
        self.next = (self.next + 1) % self.loaders.len();
        Ok(batch)
    }
}

fn prepare_all(
    plan: &Plan,
    steps: impl Iterator<Item = usize>,
    sender: &SyncSender<Result<Batch, TrainError>>,
) {
    let Some(first) = plan.streams.first() else {
        return;
    };
    let mut pictures = Pictures::new(&first.images);
    let mut orders: Vec<Order> = plan.streams.iter().map(|_| Order::default()).collect();
    for step in steps {
        let batch = prepare(plan, step, &mut orders, &mut pictures);
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

fn prepare(
    plan: &Plan,
    step: usize,
    orders: &mut [Order],
    pictures: &mut Pictures,
) -> Result<Batch, TrainError> {
    let values =
        |(number, stream): (usize, &Stream)| plan.rows(number) * stream.images.image_bytes();
    let mut images = vec![0.0; plan.streams.iter().enumerate().map(values).sum()];
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
        for row in 0..plan.rows(number) {
            let (view, position) = (row / stream.per_step, start + row % stream.per_step);
            let index = order.indices[position];
            let (out, remaining) = rest.split_at_mut(stream.images.image_bytes());
            rest = remaining;
            let purpose = match view {
                0 => Purpose::Augmentation,
                _ => Purpose::SecondView,
            };
            let mut random = generator(plan.seed, purpose, number, pass as u64, position as u64);
            let image = pictures.show(stream, index, &mut random);
            let image = image.map_err(TrainError::Image)?;
            (plan.prepare)(&image, &mut random, out);
            if number == 0 {
                labels.push(stream.images.labels[index].map_or(-100, i64::from));
            }
        }
    }
    Ok(Batch { images, labels })
}

#[cfg(test)]
mod tests {
    use rand::RngExt;

    use super::*;

    /// Images of one pixel, its red the image's number.
    fn numbered(count: usize) -> ImageSet {
        ImageSet {
            width: 1,
            height: 1,
            pixels: (0..count).flat_map(|number| [number as u8, 0, 0]).collect(),
            labels: (0..count).map(|number| Some(number as u16)).collect(),
            ..ImageSet::default()
        }
    }

    /// The numbers of the images in each step: (in-distribution, auxiliary).
    fn steps(seed: u64, first: usize, end: usize, threads: usize) -> Vec<(Vec<u8>, Vec<u8>)> {
        let stream = |count, per_step| Stream {
            images: numbered(count),
            per_step,
            part: Part::Whole,
        };
        let plan = Arc::new(Plan {
            streams: vec![stream(10, 3), stream(5, 2)],
            seed,
            views: 1,
            prepare: Box::new(|image, _, out| out.fill(f32::from(image[0]))),
        });
        let mut batches = Batches::start(&plan, first, end, threads).unwrap();
        let steps = (first..end).map(|_| {
            let batch = batches.receive().unwrap();
            let numbers: Vec<u8> = batch.images.chunks(3).map(|pixel| pixel[0] as u8).collect();
            let labels: Vec<u8> = batch.labels.iter().map(|&label| label as u8).collect();
            assert_eq!(labels, numbers[..3]);
            (labels, numbers[3..].to_vec())
        });
        steps.collect()
    }

    fn distinct(numbers: impl IntoIterator<Item = u8>) -> usize {
        let numbers: std::collections::BTreeSet<u8> = numbers.into_iter().collect();
        numbers.len()
    }

    #[test]
    fn a_pass_shows_no_image_twice_and_drops_the_incomplete_batch() {
        let steps = steps(0, 0, 6, 1);
        let (first, second) = steps.split_at(3);
        for pass in [first, second] {
            assert_eq!(distinct(pass.iter().flat_map(|(id, _)| id.clone())), 9);
        }
        let order = |pass: &[(Vec<u8>, Vec<u8>)]| -> Vec<u8> {
            pass.iter().flat_map(|(id, _)| id.clone()).collect()
        };
        assert_ne!(order(first), order(second), "each pass has its own order");
    }

    #[test]
    fn auxiliary_images_go_round_at_their_own_pace() {
        // A pass over the 5 lasts two steps, one over the 10 lasts three.
        for pass in steps(1, 0, 6, 1).chunks(2) {
            assert_eq!(
                distinct(pass.iter().flat_map(|(_, auxiliary)| auxiliary.clone())),
                4
            );
        }
    }

    #[test]
    fn neither_threads_nor_the_first_step_change_a_step() {
        let all = steps(2, 0, 8, 1);
        assert_eq!(steps(2, 0, 8, 3), all);
        assert_eq!(steps(2, 5, 8, 2), all[5..]);
        assert_ne!(steps(3, 0, 8, 1), all);
    }

    #[test]
    fn a_second_view_shows_the_same_images_varied_anew_and_leaves_the_first_as_it_was() {
        let batch = |views| {
            let stream = |count, per_step| Stream {
                images: numbered(count),
                per_step,
                part: Part::Whole,
            };
            let plan = Arc::new(Plan {
                streams: vec![stream(10, 3), stream(5, 2)],
                seed: 4,
                views,
                prepare: Box::new(|image, random, out| {
                    out.fill(f32::from(image[0]) + random.random::<f32>());
                }),
            });
            Batches::start(&plan, 0, 1, 1).unwrap().receive().unwrap()
        };
        let (one, two) = (batch(1), batch(2));
        assert_eq!((one.images.len(), two.images.len()), (3 * 5, 3 * 8));
        let (first, rest) = two.images.split_at(9);
        let (second, auxiliary) = rest.split_at(9);
        assert_eq!([first, auxiliary].concat(), one.images);
        for (first, second) in first.iter().zip(second) {
            assert_eq!(first.floor(), second.floor(), "the same image");
            assert_ne!(first, second, "varied anew");
        }
        assert_eq!(two.labels, [one.labels.clone(), one.labels].concat());
    }

    #[test]
    fn past_the_last_step_there_is_an_error_and_no_waiting() {
        let plan = Arc::new(Plan {
            streams: vec![Stream {
                images: numbered(4),
                per_step: 2,
                part: Part::Whole,
            }],
            seed: 0,
            views: 1,
            prepare: Box::new(|_, _, _| ()),
        });
        let mut batches = Batches::start(&plan, 0, 1, 1).unwrap();
        assert!(batches.receive().is_ok());
        assert!(matches!(batches.receive(), Err(TrainError::LoaderStopped)));
    }
}
