//! Images a second of each layout, in turns.

use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use normgate_core::{Model, Outputs, Runtime, Session, SessionOptions};

use super::Layout;
use crate::engine::PipelineError;

/// Images in a batch: enough for threads to share, few enough for heavy models.
const BATCH: usize = 4;
/// Of so many rounds the median counts, since the machine may be busy with starting up.
const ROUNDS: usize = 3;
/// A round of a light model; of a heavy one it is a single batch.
const ROUND: Duration = Duration::from_millis(30);

/// Sessions of a layout, and their input.
struct Trial {
    sessions: Vec<Session>,
    images: Vec<f32>,
    rates: Vec<f64>,
}

/// Images a second of each, on tensors alone.
pub fn rates<const N: usize>(
    runtime: &Runtime,
    model: &Model,
    layouts: [Layout; N],
) -> Result<[f64; N], PipelineError> {
    let mut trials = Vec::with_capacity(N);
    for layout in layouts {
        trials.push(Trial::new(runtime, model, layout)?);
    }
    for _ in 0..ROUNDS {
        for trial in &mut trials {
            trial.round()?;
        }
    }
    Ok(std::array::from_fn(|index| trials[index].median()))
}

impl Trial {
    fn new(runtime: &Runtime, model: &Model, layout: Layout) -> Result<Self, PipelineError> {
        let input = &model.manifest().preprocessing;
        let options = SessionOptions {
            threads: layout.threads,
            spinning: false,
        };
        let mut sessions = Vec::with_capacity(layout.workers);
        for _ in 0..layout.workers {
            sessions.push(Session::new(runtime, model, &options)?);
        }
        let images = vec![0.0; BATCH * 3 * input.width as usize * input.height as usize];
        let mut trial = Self {
            sessions,
            images,
            rates: Vec::new(),
        };
        // The first run allocates.
        trial.round()?;
        trial.rates.clear();
        Ok(trial)
    }

    fn round(&mut self) -> Result<(), PipelineError> {
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
            let join = |thread: thread::ScopedJoinHandle<'_, _>| {
                thread
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            };
            running.into_iter().map(join).collect()
        });
        self.rates.push(rates?.iter().sum());
        Ok(())
    }

    fn median(&mut self) -> f64 {
        self.rates.sort_by(f64::total_cmp);
        self.rates[self.rates.len() / 2]
    }
}
