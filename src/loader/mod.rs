//! The thread that loads models: the first one, and each that takes its place.
//!
//! A reload costs no request. The next model is opened, checked and warmed up beside the one in service, and replaces
//! it in one step. Requests that have the old one finish on it; when the last of them lets go, its threads end and
//! its memory is given back. Only then may another reload begin: there are never more than two models in memory.

mod watch;

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, Scope};
use std::time::{Duration, Instant};

use normgate_core::Model;
use normgate_core::model::ModelError;
use tokio::sync::oneshot;

pub use watch::Watch;

use crate::Allocator;
use crate::engine::StartError;
use crate::serving::{Launch, Serving};
use crate::state::AppState;

/// How often to check whether requests still use a model that was replaced. They take milliseconds, and nobody waits
/// for the answer.
const RETIREMENT_CHECK: Duration = Duration::from_millis(10);

/// What the thread works with.
pub struct Loader<'a> {
    pub state: &'a AppState,
    pub launch: Launch,
    /// The model file, opened again for each reload.
    pub path: &'a Path,
    pub watch: Option<Watch>,
    /// The allocator, which is told when a model is loaded.
    pub allocator: Allocator,
}

/// Asks the thread for reloads; the thread ends when this is dropped.
pub struct Asker {
    ask: SyncSender<()>,
    busy: Arc<Busy>,
}

/// Since when a reload is going on, if one is.
type Busy = Mutex<Option<Instant>>;

/// A reload that takes longer may never end: then nothing else says why the next ones do not begin.
const LONG: Duration = Duration::from_secs(60);

/// How loading the first model went.
pub type Started = Result<Arc<Serving>, StartError>;

/// Why the model file was not put into service.
#[derive(Debug, thiserror::Error)]
enum ReloadError {
    #[error(transparent)]
    Model(#[from] ModelError),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error("loading it panicked, which is a bug")]
    Panicked,
}

impl ReloadError {
    /// Tells the watch to try again after errors that say nothing about the file: it may be served at another time.
    fn note(&self, watch: &mut Watch) {
        match self {
            Self::Model(ModelError::Missing { .. }) => watch.was_gone(),
            Self::Model(ModelError::Unreadable { .. }) | Self::Start(StartError::Thread(_)) => {
                watch.try_again();
            }
            _ => {}
        }
    }
}

impl Asker {
    /// Asks for a reload. However many ask while one runs, there is one more after it.
    pub fn ask(&self) {
        // Full: one has been asked for already. Disconnected: the first model could not be loaded.
        let _ = self.ask.try_send(());
        let since = *self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(seconds) = since.map(|it| it.elapsed().as_secs())
            && seconds >= LONG.as_secs()
        {
            tracing::warn!(seconds, "a reload is still going on; this one waits for it");
        }
    }
}

impl<'a> Loader<'a> {
    /// Starts the thread, which puts `first` into service, says how that went, and then waits to be
    /// asked.
    pub fn start(
        self,
        threads: &'a Scope<'a, '_>,
        first: Model,
    ) -> io::Result<(Asker, oneshot::Receiver<Started>)> {
        let (ask, asked) = mpsc::sync_channel(1);
        let (report, started) = oneshot::channel();
        let busy = Arc::<Busy>::default();
        let asker = Asker {
            ask,
            busy: Arc::clone(&busy),
        };
        let thread = thread::Builder::new().name("loader".into());
        thread.spawn_scoped(threads, move || self.work(first, report, &asked, &busy))?;
        Ok((asker, started))
    }

    fn work(
        mut self,
        first: Model,
        report: oneshot::Sender<Started>,
        asked: &Receiver<()>,
        busy: &Busy,
    ) {
        let start =
            || caught(|| self.launch.start(first, None)).unwrap_or(Err(StartError::Panicked));
        let started = self.allocator.for_large(start);
        let started = started.map(Arc::new);
        let failed = started.is_err();
        if let Ok(serving) = &started {
            self.state.serve(Arc::clone(serving));
        }
        // If nobody is there to hear it, the server is stopping.
        let _ = report.send(started);
        if failed {
            return;
        }
        while self.wait(asked) && !self.state.lifecycle.is_stopping() {
            let set_busy = |since| *busy.lock().unwrap_or_else(PoisonError::into_inner) = since;
            set_busy(Some(Instant::now()));
            self.state.metrics.reloading(true);
            let outcome = self.reload();
            self.state.metrics.reloading(false);
            set_busy(None);
            if let (Some(watch), Err(error)) = (&mut self.watch, outcome) {
                error.note(watch);
            }
            // The memory of the replaced model, too, which is retired only now.
            (self.allocator.give_back)();
        }
    }

    /// Waits for a reason to reload. False when there will be none any more.
    fn wait(&mut self, asked: &Receiver<()>) -> bool {
        let Some(watch) = &mut self.watch else {
            return asked.recv().is_ok();
        };
        loop {
            match asked.recv_timeout(watch.interval()) {
                Ok(()) => {
                    watch.take_note();
                    return true;
                }
                Err(RecvTimeoutError::Disconnected) => return false,
                Err(RecvTimeoutError::Timeout) if watch.has_changed() => return true,
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    fn reload(&self) -> Result<(), ReloadError> {
        let Ok(old) = self.state.serving() else {
            return Ok(());
        };
        let began = Instant::now();
        let metrics = &self.state.metrics;
        let load = || caught(|| self.load(&old)).unwrap_or(Err(ReloadError::Panicked));
        let next = self.allocator.for_large(load).inspect_err(|error| {
            tracing::error!(%error, still = old.manifest.title(), "not reloaded");
            metrics.reloaded("failed");
        })?;
        match next {
            Some(next) => {
                let (title, digest) = (next.manifest.title(), next.digest.clone());
                self.state.serve(Arc::new(next));
                metrics.reloaded("ok");
                tracing::info!(
                    model = title,
                    digest,
                    instead_of = old.manifest.title(),
                    seconds = began.elapsed().as_secs_f64(),
                    "reloaded"
                );
                retire(&old);
            }
            None => {
                metrics.reloaded("unchanged");
                tracing::info!(
                    model = old.manifest.title(),
                    "not reloaded: the file has not changed"
                );
            }
        }
        Ok(())
    }

    /// The model in the file, warm; `None` if it is the one in service.
    fn load(&self, current: &Serving) -> Result<Option<Serving>, ReloadError> {
        let model = Model::open(self.path)?;
        if model.digest() == current.digest {
            return Ok(None);
        }
        Ok(Some(self.launch.start(model, Some(&current.engine))?))
    }
}

/// Ends the threads of a model that is out of service, as soon as no request uses it.
fn retire(old: &Arc<Serving>) {
    // No request can take it up any more; `/livez` may for a moment, to see whether it hangs.
    while Arc::strong_count(old) > 1 {
        thread::sleep(RETIREMENT_CHECK);
    }
    old.engine.stop();
    tracing::debug!(model = old.manifest.title(), "the replaced model is gone");
}

/// Catches a panic: a bug in loading must not cost the thread, or there would never be another reload.
fn caught<T>(load: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(load)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_tried_again_after_errors_that_say_nothing_of_it_and_after_no_others() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model");
        std::fs::write(&path, "model").unwrap();
        let too_many_files = || io::Error::from_raw_os_error(24);
        let unreadable = ModelError::Unreadable {
            path: path.clone(),
            source: too_many_files(),
        };
        let missing = ModelError::Missing { path: path.clone() };
        let no_file = ModelError::NotAFile { path: path.clone() };
        for (error, again) in [
            (ReloadError::Model(unreadable), true),
            (
                ReloadError::Start(StartError::Thread(too_many_files())),
                true,
            ),
            (ReloadError::Model(missing), true),
            (ReloadError::Model(no_file), false),
            (ReloadError::Start(StartError::Panicked), false),
            (ReloadError::Panicked, false),
        ] {
            // No time passes between two looks, and so none before the next attempt.
            let mut watch = Watch::start(path.clone(), Duration::ZERO);
            error.note(&mut watch);
            assert_eq!(watch.has_changed(), again, "{error}");
        }
    }
}
