//! The session for an image that is alone in the engine.
//!
//! Workers of one thread each classify the most images a second, but leave all processors but one
//! idle while there is one image to classify. That one is run by all of them.

use std::sync::{Mutex, MutexGuard, OnceLock};

use normgate_core::{Outputs, Session};

use super::layout::Layout;
use super::{PipelineError, Shared};

/// A session of all threads beside those of the workers; or none, where it would be no faster.
#[derive(Default)]
pub struct Lone(OnceLock<Mutex<Session>>);

impl Lone {
    /// The session, where there is one and nobody uses it.
    pub fn session(&self) -> Option<MutexGuard<'_, Session>> {
        // After a panic with it in hand, nobody gets it any more.
        self.0.get()?.try_lock().ok()
    }
}

impl Shared {
    /// Opens the session that the layout asks for, and runs it once, so that the first real image
    /// finds its buffers allocated.
    pub fn open_lone(&self, layout: Layout) -> Result<(), PipelineError> {
        let Some(options) = layout.lone_options() else {
            return Ok(());
        };
        let model = &self.recipe.model;
        let mut session = Session::new(&self.recipe.runtime, model, &options)?;
        let input = &model.manifest().preprocessing;
        let image = vec![0.0; 3 * input.width as usize * input.height as usize];
        session.run(&image, 1, &mut Outputs::default())?;
        self.lone.0.get_or_init(|| Mutex::new(session));
        Ok(())
    }
}
