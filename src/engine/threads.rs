//! Starting and ending the engine's threads.

use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::{self, JoinHandle};

use super::decoder::{self, Size};
use super::worker::Worker;
use super::{Opening, PipelineError, Queue, Shared, StartError};

/// The handles of the running threads.
#[derive(Default)]
pub struct Threads {
    workers: Mutex<Vec<JoinHandle<()>>>,
    large: Mutex<Vec<JoinHandle<()>>>,
    small: Mutex<Vec<JoinHandle<()>>>,
}

/// How many threads decode, beside the workers.
#[derive(Clone, Copy)]
pub struct Decoders {
    pub small: usize,
    pub large: usize,
}

impl Threads {
    /// Starts all threads; returns when every session is warm.
    pub fn start(
        shared: &Arc<Shared>,
        opening: &Arc<Opening>,
        decoders: Decoders,
    ) -> Result<Self, StartError> {
        let threads = Self::default();
        let started = thread::scope(|scope| {
            let lone = named("lone", 0).spawn_scoped(scope, || shared.open_lone(opening))?;
            let spawned = threads.spawn(shared, opening, decoders);
            if lone.join().is_err() {
                tracing::error!("opening the session for an image that is alone panicked");
            }
            spawned
        });
        match started {
            Ok(()) => Ok(threads),
            Err(error) => {
                threads.stop(shared);
                Err(error)
            }
        }
    }

    fn spawn(
        &self,
        shared: &Arc<Shared>,
        opening: &Arc<Opening>,
        decoders: Decoders,
    ) -> Result<(), StartError> {
        let (report, reports) = mpsc::channel::<Result<(), PipelineError>>();
        let workers = opening.layout.workers;
        for number in 0..workers {
            let (shared, report) = (Arc::clone(shared), report.clone());
            let opening = Arc::clone(opening);
            let handle = named("infer", number).spawn(move || {
                let opened = Worker::new(number, shared, &opening);
                drop(opening);
                let worker = match opened {
                    Ok(worker) => worker,
                    Err(error) => return drop(report.send(Err(error))),
                };
                let _ = report.send(Ok(()));
                drop(report);
                worker.work();
            })?;
            lock(&self.workers).push(handle);
        }
        drop(report);
        let decode = |name, number, size| {
            let shared = Arc::clone(shared);
            named(name, number).spawn(move || decoder::work(&shared, size))
        };
        for number in 0..decoders.large {
            lock(&self.large).push(decode("decode", number, Size::Large)?);
        }
        for number in 0..decoders.small {
            lock(&self.small).push(decode("prepare", number, Size::Small)?);
        }
        for _ in 0..workers {
            // A worker that panics drops its end without a report.
            reports.recv().map_err(|_| StartError::Panicked)??;
        }
        Ok(())
    }

    /// Lets the threads finish what is queued, and waits for them.
    pub fn stop(&self, shared: &Shared) {
        // In this order: what a decoder finishes still finds a worker, and a worker that finds no decoder any more
        // decodes the image itself.
        shared.unprepared.iter().for_each(Queue::close);
        lock(&self.small).drain(..).for_each(join);
        shared.large.close();
        lock(&self.large).drain(..).for_each(join);
        shared.queue.close();
        lock(&self.workers).drain(..).for_each(join);
    }
}

fn named(kind: &str, number: usize) -> thread::Builder {
    thread::Builder::new().name(format!("{kind}-{number}"))
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn join(handle: JoinHandle<()>) {
    if handle.join().is_err() {
        tracing::error!("a thread of the engine had panicked");
    }
}
