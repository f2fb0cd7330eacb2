//! Starting and ending the engine's threads.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::{self, JoinHandle};

use super::layout::Layout;
use super::worker::Worker;
use super::{PipelineError, Shared, StartError, decoder};

/// The handles of the running threads.
pub struct Threads {
    workers: Mutex<Vec<JoinHandle<()>>>,
    decoders: Mutex<Vec<JoinHandle<()>>>,
    alive: Arc<AtomicUsize>,
}

impl Threads {
    /// Starts all threads; returns when every session is warm, with the execution provider's name.
    pub fn start(
        shared: &Arc<Shared>,
        layout: Layout,
        decoders: usize,
    ) -> Result<(Self, String), StartError> {
        let threads = Self {
            workers: Mutex::default(),
            decoders: Mutex::default(),
            alive: Arc::new(AtomicUsize::new(0)),
        };
        let started = thread::scope(|scope| {
            let lone = named("lone", 0).spawn_scoped(scope, || shared.open_lone(layout))?;
            let provider = threads.spawn(shared, layout.workers, decoders);
            if lone.join().is_err() {
                tracing::error!("opening the session for an image that is alone panicked");
            }
            provider
        });
        match started {
            Ok(provider) => Ok((threads, provider)),
            Err(error) => {
                threads.stop(shared);
                Err(error)
            }
        }
    }

    fn spawn(
        &self,
        shared: &Arc<Shared>,
        workers: usize,
        decoders: usize,
    ) -> Result<String, StartError> {
        let (report, reports) = mpsc::channel::<Result<String, PipelineError>>();
        for number in 0..workers {
            let (shared, report) = (Arc::clone(shared), report.clone());
            let alive = Arc::clone(&self.alive);
            let handle =
                named("infer", number).spawn(move || match Worker::new(Arc::clone(&shared)) {
                    Ok(worker) => {
                        let _alive = Alive::new(alive, shared);
                        let _ = report.send(Ok(worker.provider().to_owned()));
                        drop(report);
                        worker.work();
                    }
                    Err(error) => drop(report.send(Err(error))),
                })?;
            lock(&self.workers).push(handle);
        }
        drop(report);
        for number in 0..decoders {
            let shared = Arc::clone(shared);
            let handle = named("decode", number).spawn(move || decoder::work(&shared))?;
            lock(&self.decoders).push(handle);
        }
        let mut provider = None;
        for _ in 0..workers {
            // A worker that panics drops its end without a report.
            provider = Some(reports.recv().map_err(|_| StartError::Panicked)??);
        }
        provider.ok_or(StartError::Panicked)
    }

    /// How many workers have not ended.
    pub fn workers_alive(&self) -> usize {
        self.alive.load(Ordering::Relaxed)
    }

    /// Lets the threads finish what is queued, and waits for them.
    pub fn stop(&self, shared: &Shared) {
        // In this order: what a decoder finishes still finds a worker, and a worker that finds no
        // decoder any more decodes by itself.
        shared.large.close();
        lock(&self.decoders).drain(..).for_each(join);
        shared.queue.close();
        lock(&self.workers).drain(..).for_each(join);
    }
}

/// Counts a worker for as long as it lives. The last one lets nobody wait for a worker.
struct Alive {
    count: Arc<AtomicUsize>,
    shared: Arc<Shared>,
}

impl Alive {
    fn new(count: Arc<AtomicUsize>, shared: Arc<Shared>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self { count, shared }
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        if self.count.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.shared.queue.close();
            // What is dropped answers 500.
            let mut unserved = Vec::new();
            while self.shared.queue.take(usize::MAX, &mut unserved) {
                unserved.clear();
            }
        }
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
