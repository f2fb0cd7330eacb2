use std::time::{Duration, Instant};

use normgate_core::model::Model;
use normgate_core::runtime::{Outputs, Runtime, Session, SessionError, SessionOptions};

/// Images in a run.
const BATCHES: [usize; 2] = [1, 16];
/// Both models take turns, so that whatever else the machine does affects both.
const ROUNDS: usize = 9;
const ROUND: Duration = Duration::from_millis(150);

/// Images a second at one batch size, on one thread.
#[derive(Clone, Copy, Debug)]
pub struct Speed {
    /// Images in a run.
    pub batch: usize,
    /// The median rates: fp32, int8.
    pub rates: [f64; 2],
}

/// Measures both models in turn; takes a few seconds.
pub fn measure(runtime: &Runtime, fp32: &Model, int8: &Model) -> Result<Vec<Speed>, SessionError> {
    let options = SessionOptions::default();
    let open = |model: &Model| Session::new(runtime, model, &options);
    let mut sessions = [open(fp32)?, open(int8)?];
    let input = &fp32.manifest().preprocessing;
    let length = 3 * input.width as usize * input.height as usize;
    let mut outputs = Outputs::default();
    let mut speeds = Vec::new();
    for batch in BATCHES {
        let images = vec![0.5; batch * length];
        let mut rates = [Vec::new(), Vec::new()];
        for _ in 0..ROUNDS {
            for (session, rates) in sessions.iter_mut().zip(&mut rates) {
                // A run that is not counted removes what the other model has left in the caches.
                session.run(&images, batch, &mut outputs)?;
                let (start, mut done) = (Instant::now(), 0);
                while start.elapsed() < ROUND {
                    session.run(&images, batch, &mut outputs)?;
                    done += batch;
                }
                rates.push(done as f64 / start.elapsed().as_secs_f64());
            }
        }
        let rates = rates.map(|mut rates| {
            rates.sort_by(f64::total_cmp);
            rates[ROUNDS / 2]
        });
        speeds.push(Speed { batch, rates });
    }
    Ok(speeds)
}
