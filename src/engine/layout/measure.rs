//! Images a second of each layout, in turns.

use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use normgate_core::{Model, Outputs, Runtime, Session};

use super::Layout;
use crate::engine::PipelineError;

/// Images in a batch: enough for threads to share, few enough for heavy models.
const BATCH: usize = 8;
/// So many rounds, since the machine may be busy with starting up in one.
const ROUNDS: usize = 5;
/// A round of a light model; of a heavy one it is a single batch.
const ROUND: Duration = Duration::from_millis(20);

/// Sessions of a layout, and their input.
struct Trial {
    sessions: Vec<Session>,
    images: Vec<f32>,
}

/// Images a second of each in every round, on tensors alone.
pub fn rounds(
    runtime: &Runtime,
    model: &Model,
    [one, other]: [Layout; 2],
) -> Result<[[f64; 2]; ROUNDS], PipelineError> {
    let mut one = Trial::new(runtime, model, one)?;
    let mut other = Trial::new(runtime, model, other)?;
    let mut rounds = [[0.0; 2]; ROUNDS];
    for round in &mut rounds {
        *round = [one.round()?, other.round()?];
    }
    Ok(rounds)
}

impl Trial {
    fn new(runtime: &Runtime, model: &Model, layout: Layout) -> Result<Self, PipelineError> {
        let input = &model.manifest().preprocessing;
        let options = layout.session_options();
        let open = || Session::new(runtime, model, &options);
        let sessions: Result<Vec<_>, _> = thread::scope(|scope| {
            let opening: Vec<_> = (0..layout.workers).map(|_| scope.spawn(open)).collect();
            opening.into_iter().map(join).collect()
        });
        let images = vec![0.0; BATCH * 3 * input.width as usize * input.height as usize];
        let sessions = sessions?;
        let mut trial = Self { sessions, images };
        // The first run allocates.
        trial.round()?;
        Ok(trial)
    }

    fn round(&mut self) -> Result<f64, PipelineError> {
        let (images, together) = (&self.images, &Barrier::new(self.sessions.len()));
        let work = |session: &mut Session| -> Result<f64, PipelineError> {
            let (mut outputs, mut done) = (Outputs::default(), 0);
            together.wait();
            let start = Instant::now();
            while done == 0 || start.elapsed() < ROUND {
                session.run(images, BATCH, &mut outputs)?;
                done += BATCH;
            }
            Ok(done as f64 / start.elapsed().as_secs_f64())
        };
        let rates: Result<Vec<f64>, PipelineError> = thread::scope(|scope| {
            let work = &work;
            let running: Vec<_> = self
                .sessions
                .iter_mut()
                .map(|session| scope.spawn(move || work(session)))
                .collect();
            running.into_iter().map(join).collect()
        });
        Ok(rates?.iter().sum())
    }
}

fn join<T>(thread: thread::ScopedJoinHandle<'_, T>) -> T {
    thread
        .join()
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}
