//! A decoder: decodes images and brings them to the model's size, apart from the workers. Large photos always come
//! here, small images only if the workers have better things to do.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use normgate_core::Preprocessor;
use normgate_core::preprocess::DecodeError;

use super::job::{Image, Job};
use super::queue::Queue;
use super::worker::{SMALL_BYTES, decode_caught, small};
use super::{EngineError, Shared};

/// Large photos are decoded at this lower priority. A photo of twelve megapixels takes longer than a batch of small
/// images, and those who sent the small ones wait for a worker. If both want a processor, the worker gets three
/// quarters of it.
const NICENESS: i32 = 5;

/// Which images a decoder is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// Those that come in; large ones are handed over.
    Small,
    Large,
}

/// Works until the queue of these images is closed and empty.
pub fn work(shared: &Arc<Shared>, size: Size) {
    // On Linux this is for the one thread; elsewhere it would be for the whole process.
    if size == Size::Large
        && cfg!(target_os = "linux")
        && let Err(error) = rustix::process::nice(NICENESS)
    {
        tracing::debug!(%error, "a decoder runs at the priority of a worker");
    }
    let queue = size.queue(shared);
    let mut preprocessor = Preprocessor::new(&shared.preprocessing);
    let mut jobs = Vec::with_capacity(1);
    while queue.take(1, &mut jobs) {
        for job in jobs.drain(..) {
            let work = || {
                if job.ticket.is_abandoned() {
                    shared.metrics.abandoned();
                    return None;
                }
                let started = Instant::now();
                prepare(shared, size, &mut preprocessor, job).then(|| started.elapsed())
            };
            let worked = catch_unwind(AssertUnwindSafe(work));
            if worked.is_err() {
                shared.metrics.worker_panicked();
                preprocessor = Preprocessor::new(&shared.preprocessing);
            }
            match worked {
                Ok(Some(took)) => queue.served(1, 1, took),
                _ => queue.served(1, 0, Duration::ZERO),
            }
        }
    }
}

impl Size {
    fn queue(self, shared: &Shared) -> &Queue<Job> {
        match self {
            Self::Small => shared.entrance(),
            Self::Large => &shared.large,
        }
    }
}

/// Prepares an image for the workers, or answers what is wrong with it. False if that is left to another decoder.
fn prepare(shared: &Shared, size: Size, preprocessor: &mut Preprocessor, job: Job) -> bool {
    let Job { image, mut ticket } = job;
    let started = Instant::now();
    let limits = match size {
        Size::Small => small(&shared.limits),
        Size::Large => shared.limits,
    };
    let image = match image {
        Image::Ready(image) => Ok(image),
        Image::Encoded(bytes, hold) if size == Size::Small && bytes.len() > SMALL_BYTES => {
            let image = Image::Encoded(bytes, hold);
            hand_over(shared, Job { image, ticket });
            return false;
        }
        // The memory of the file itself is given back here, before the image waits again.
        Image::Encoded(bytes, hold) => match decode_caught(preprocessor, &bytes, &limits) {
            Some(Err(DecodeError::TooLarge { .. })) if size == Size::Small => {
                let image = Image::Encoded(bytes, hold);
                hand_over(shared, Job { image, ticket });
                return false;
            }
            Some(decoded) => decoded.map_err(EngineError::Decode),
            None => {
                shared.metrics.worker_panicked();
                return true;
            }
        },
    };
    match image {
        Ok(image) => {
            ticket.add_decode(started.elapsed());
            let image = Image::Ready(image);
            let patience = ticket.deadline().left();
            let job = Job { image, ticket };
            shared.queue.push_when_room(job, patience);
        }
        Err(error) => ticket.fail(error),
    }
    true
}

/// Passes an image to the decoders of large images, which also apply the real limit.
fn hand_over(shared: &Shared, job: Job) {
    if let Err((error, job)) = shared.pass_on(job) {
        job.ticket.fail(error);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::time::Duration;

    use futures_util::future::join_all;

    use super::super::queue::Refused;
    use crate::deadline::Deadline;
    use crate::test_support::{GREEN, RED, STALLS_WORKER, Service, png};

    const SOON: Duration = Duration::from_secs(10);

    /// Whether images that came while the only worker was busy with another were seen decoded and waiting. A machine
    /// that is busy with other things may be too slow to show it.
    async fn is_decoded_ahead(service: &Service) -> bool {
        let serving = service.state.serving().unwrap();
        let (engine, shared) = (&serving.engine, &serving.engine.shared);
        let (is_over, is_seen) = (Cell::new(false), Cell::new(false));
        let busy = async {
            service.classify(png(STALLS_WORKER, 8, 8)).await.ok();
            is_over.set(true);
        };
        let images = [RED, GREEN, RED].map(|colour| service.classify(png(colour, 300, 300)));
        let look = async {
            while !is_over.get() && !is_seen.get() {
                tokio::time::sleep(Duration::from_millis(1)).await;
                let is_empty = shared.entrance().is_empty();
                let patience = shared.patience(SOON);
                let soon = Some(Deadline::of_server(SOON));
                let (room, wait) = (engine.has_room(soon), engine.wait(0));
                if shared.queue.len() < 3 {
                    continue;
                }
                is_seen.set(true);
                assert!(is_empty);
                // What is decoded waits, too, and whatever comes now waits for it.
                assert!(matches!(patience, Err(Refused::TooSlow(_))));
                assert!(room.is_err() && wait > SOON);
            }
        };
        let ((), images, ()) = tokio::join!(busy, join_all(images), look);
        let labels = images.iter().map(|answer| answer.ok()["label"].clone());
        assert!(labels.eq(["red", "green", "red"]));
        is_seen.get()
    }

    #[tokio::test]
    async fn small_images_are_decoded_ahead_while_the_workers_are_at_others() {
        for _ in 0..50 {
            let options = ["--workers=1", "--prepare-threads=1", "--deadline=1h"];
            let service = Service::with(&options);
            let serving = service.state.serving().unwrap();
            // As if a worker took a minute for an image.
            serving
                .engine
                .shared
                .queue
                .served(0, 1, Duration::from_secs(60));
            if is_decoded_ahead(&service).await {
                return;
            }
        }
        panic!("never seen");
    }
}
