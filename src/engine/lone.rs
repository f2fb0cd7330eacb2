//! The session for an image that is alone in the engine.
//!
//! Workers of one thread each classify the most images a second, but leave all processors but one
//! idle while there is one image to classify. That one is run by all of them.

use std::sync::{Mutex, MutexGuard, OnceLock};

use normgate_core::runtime::SessionError;
use normgate_core::{Outputs, Session, SessionOptions};

use super::{Opening, Queue, Shared};

/// A session of all threads beside those of the workers; or none, if it would be no faster.
#[derive(Default)]
pub struct Lone(OnceLock<Mutex<Session>>);

impl Lone {
    /// Whether there is a session.
    pub fn is_open(&self) -> bool {
        self.0.get().is_some()
    }
}

impl Shared {
    /// The session for a worker's only image, if nothing else is being worked on.
    pub fn lone_session(&self) -> Option<MutexGuard<'_, Session>> {
        let session = self.lone.0.get()?;
        // Decoders want processors, too. One photo that is with them may be this very image, if they have not yet
        // counted it as done.
        let mut queues = [&self.queue, &self.large]
            .into_iter()
            .chain(&self.unprepared);
        let is_alone = queues.all(Queue::is_quiet);
        // A panic while it was held has left it as it was.
        session.clear_poison();
        is_alone.then(|| session.try_lock().ok()).flatten()
    }

    /// Opens the session that the layout asks for. Without it, the workers' sessions answer everything.
    pub fn open_lone(&self, opening: &Opening) {
        let Some(options) = opening.layout.lone_options() else {
            return;
        };
        match opening.warm_session(&options) {
            Ok(session) => drop(self.lone.0.set(Mutex::new(session))),
            Err(error) => tracing::warn!(%error, "no session for an image that is alone"),
        }
    }
}

impl Opening {
    /// A session that was run once, so that the first real image finds its buffers allocated.
    fn warm_session(&self, options: &SessionOptions) -> Result<Session, SessionError> {
        let mut session = self.sessions.open(options)?;
        let input = &self.classifier.manifest().preprocessing;
        let image = vec![0.0; 3 * input.width as usize * input.height as usize];
        session.run(&image, 1, &mut Outputs::default())?;
        Ok(session)
    }
}
