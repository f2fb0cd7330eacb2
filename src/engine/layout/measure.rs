//! Measures how many images a second each layout classifies, in turns.

use std::sync::RwLock;
use std::thread::{self, Builder};
use std::time::{Duration, Instant};

use normgate_core::{Outputs, Session, Sessions};

use super::Layout;
use crate::engine::{PipelineError, StartError};

/// The most images in a batch: enough for threads to share. With a heavy model, as many as a round has time for, or
/// one: it gains nothing from more.
const BATCH: usize = 8;
/// How long a round takes with a light model; with a heavy one, it is a single image in each session.
const ROUND: Duration = Duration::from_millis(12);
/// A round of single images; a light model classifies ten in this time.
const LONE_ROUND: Duration = Duration::from_millis(10);

/// The sessions of a layout, and their input.
struct Trial {
    sessions: Vec<Session>,
    batch: usize,
    images: Vec<f32>,
}

/// How many images a second two layouts classify.
#[derive(Clone, Copy, Debug, Default)]
pub struct Round {
    /// All sessions at the same time, on batches.
    pub together: [f64; 2],
    /// One session, on one image after the other.
    pub alone: [f64; 2],
}

impl Round {
    /// The better of both, figure by figure.
    pub fn best(self, other: Self) -> Self {
        let best = |one: [f64; 2], other: [f64; 2]| [one[0].max(other[0]), one[1].max(other[1])];
        Self {
            together: best(self.together, other.together),
            alone: best(self.alone, other.alone),
        }
    }
}

/// Two layouts, ready to be measured.
pub struct Contest([Trial; 2]);

impl Contest {
    pub fn new(from: &Sessions, [one, other]: [Layout; 2]) -> Result<Self, StartError> {
        // One after the other: together they would be faster, but leave memory in pieces that does not go back to the
        // system (10 MiB for the shipped model, 40 to 120 for a ResNet18).
        let one = Trial::new(from, one)?;
        Ok(Self([one, Trial::new(from, other)?]))
    }

    /// What each does now, on tensors alone.
    pub fn round(&mut self) -> Result<Round, StartError> {
        let [one, other] = &mut self.0;
        Ok(Round {
            together: [one.together(ROUND)?, other.together(ROUND)?],
            alone: [one.alone(LONE_ROUND)?, other.alone(LONE_ROUND)?],
        })
    }
}

impl Trial {
    fn new(from: &Sessions, layout: Layout) -> Result<Self, StartError> {
        let input = &from.model().manifest().preprocessing;
        let options = layout.session_options();
        let open = || from.open(&options);
        let sessions: Result<Vec<_>, StartError> = thread::scope(|scope| {
            let opening = (0..layout.workers).map(|_| Builder::new().spawn_scoped(scope, open));
            let opening: Vec<_> = opening.collect::<Result<_, _>>()?;
            let opened = opening.into_iter().map(join);
            opened
                .map(|session| Ok(session.map_err(PipelineError::from)?))
                .collect()
        });
        let mut trial = Self {
            sessions: sessions?,
            batch: 1,
            images: vec![0.0; BATCH * 3 * input.width as usize * input.height as usize],
        };
        // The first run of each size allocates.
        trial.alone(Duration::ZERO)?;
        let alone = trial.alone(LONE_ROUND / 2)?;
        trial.batch = ((alone * ROUND.as_secs_f64()) as usize).clamp(1, BATCH);
        trial.together(Duration::ZERO)?;
        Ok(trial)
    }

    fn alone(&mut self, time: Duration) -> Result<f64, PipelineError> {
        let session = self.sessions.first_mut();
        let images = &self.images;
        session.map_or(Ok(0.0), |session| rate(session, images, 1, time))
    }

    fn together(&mut self, time: Duration) -> Result<f64, StartError> {
        let (images, batch) = (&self.images, self.batch);
        let gate = RwLock::new(());
        let work = |session: &mut Session| -> Result<f64, PipelineError> {
            drop(gate.read());
            rate(session, images, batch, time)
        };
        let rates: Result<Vec<f64>, StartError> = thread::scope(|scope| {
            let work = &work;
            // All begin together, and if the system has no thread for one of them, the others do not wait for it.
            let closed = gate.write();
            let start = |session| Builder::new().spawn_scoped(scope, move || work(session));
            let running: Result<Vec<_>, _> = self.sessions.iter_mut().map(start).collect();
            drop(closed);
            running?
                .into_iter()
                .map(|thread| Ok(join(thread)?))
                .collect()
        });
        Ok(rates?.iter().sum())
    }
}

/// How many images a second a session classifies that is given `count` at once, for this time, and once at least.
fn rate(
    session: &mut Session,
    images: &[f32],
    count: usize,
    time: Duration,
) -> Result<f64, PipelineError> {
    let images = &images[..images.len() / BATCH * count];
    let (mut outputs, mut done) = (Outputs::default(), 0);
    let start = Instant::now();
    while done == 0 || start.elapsed() < time {
        session.run(images, count, &mut outputs)?;
        done += count;
    }
    Ok(done as f64 / start.elapsed().as_secs_f64())
}

fn join<T>(thread: thread::ScopedJoinHandle<'_, T>) -> T {
    thread
        .join()
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}
