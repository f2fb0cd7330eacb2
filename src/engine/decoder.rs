//! A decoder: decodes large photos and brings them to the model's size, aside from the workers.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use normgate_core::Preprocessor;

use super::job::{Image, Job};
use super::worker::decode_caught;
use super::{EngineError, Shared};

/// A photo of twelve megapixels takes longer than a batch of small images, and those who sent the
/// small ones wait for a worker. Where both want a processor, three parts in four are the worker's.
const NICENESS: i32 = 5;

/// Works until the queue of large images is closed and empty.
pub fn work(shared: &Arc<Shared>) {
    // On Linux this is for the one thread; elsewhere it would be for the whole process.
    if cfg!(target_os = "linux")
        && let Err(error) = rustix::process::nice(NICENESS)
    {
        tracing::debug!(%error, "a decoder runs at the priority of a worker");
    }
    let mut preprocessor = Preprocessor::new(&shared.preprocessing);
    let mut jobs = Vec::with_capacity(1);
    while shared.large.take(1, &mut jobs) {
        for job in jobs.drain(..) {
            let work = || {
                if job.ticket.is_abandoned() {
                    shared.metrics.abandoned();
                    return None;
                }
                let started = Instant::now();
                prepare(shared, &mut preprocessor, job);
                Some(started.elapsed())
            };
            let worked = catch_unwind(AssertUnwindSafe(work));
            if worked.is_err() {
                shared.metrics.worker_panicked();
                preprocessor = Preprocessor::new(&shared.preprocessing);
            }
            match worked {
                Ok(Some(took)) => shared.large.served(1, 1, took),
                _ => shared.large.served(1, 0, Duration::ZERO),
            }
        }
    }
}

fn prepare(shared: &Shared, preprocessor: &mut Preprocessor, job: Job) {
    let Job { image, mut ticket } = job;
    let started = Instant::now();
    let image = match image {
        Image::Ready(image) => image,
        // The file's own memory is given back here, before the image waits again.
        Image::Encoded(bytes, _hold) => match decode_caught(preprocessor, &bytes, &shared.limits) {
            Some(Ok(image)) => match preprocessor.resize(&image) {
                Ok(image) => image,
                Err(error) => return ticket.fail(EngineError::Failed(error.to_string())),
            },
            Some(Err(error)) => return ticket.fail(EngineError::Decode(error)),
            None => return shared.metrics.worker_panicked(),
        },
    };
    ticket.add_decode(started.elapsed());
    shared.queue.push_when_room(Job {
        image: Image::Ready(image),
        ticket,
    });
}
