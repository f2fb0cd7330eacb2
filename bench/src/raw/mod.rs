//! What ONNX Runtime by itself can do on this machine: the limit that a server is measured against.

mod decoding;
mod layouts;

use std::sync::Barrier;
use std::time::{Duration, Instant};

use normgate_core::{Model, Outputs, Runtime, Session, SessionOptions};

pub use decoding::decode_ms;
pub use layouts::{Layout, batches, layouts};

use crate::error::BenchError;
use crate::load::Latencies;

/// At least this many runs are measured, however long they take.
const LEAST_RUNS: u64 = 2;

/// What one layout did.
#[derive(Clone, Debug)]
pub struct Rate {
    /// Images in a run.
    pub batch: usize,
    /// Images a second, all sessions together.
    pub images_per_second: f64,
    /// Median time of a run in milliseconds, of all sessions.
    pub run_ms: f64,
}

/// Runs the model in this layout on grey images, for `time` with each of `batches`: no decoding, no queue.
///
/// # Errors
/// [`BenchError`] if ONNX Runtime cannot run the model.
pub fn measure(
    runtime: &Runtime,
    model: &Model,
    layout: Layout,
    batches: &[usize],
    time: Duration,
) -> Result<Vec<Rate>, BenchError> {
    let options = SessionOptions {
        threads: layout.threads,
        spinning: layout.threads > 1,
    };
    let sessions = (0..layout.sessions).map(|_| Session::new(runtime, model, &options));
    let mut sessions = sessions.collect::<Result<Vec<_>, _>>()?;
    let input = &model.manifest().preprocessing;
    let image = 3 * input.width as usize * input.height as usize;
    let rate = |&batch: &usize| {
        let images = vec![0.5; batch * image];
        together(&mut sessions, &images, batch, time)
    };
    batches.iter().map(rate).collect()
}

/// All sessions at once, each on a thread of its own.
fn together(
    sessions: &mut [Session],
    images: &[f32],
    batch: usize,
    time: Duration,
) -> Result<Rate, BenchError> {
    let start = Barrier::new(sessions.len());
    let mut rate = Rate {
        batch,
        images_per_second: 0.0,
        run_ms: 0.0,
    };
    let mut latencies = Latencies::default();
    std::thread::scope(|scope| {
        let start = &start;
        let threads: Vec<_> = sessions
            .iter_mut()
            .map(|session| {
                scope.spawn(move || again_and_again(session, images, batch, time, start))
            })
            .collect();
        for thread in threads {
            let (runs, elapsed) = thread.join().map_err(|_| BenchError::Panicked)??;
            rate.images_per_second += (runs.count() * batch as u64) as f64 / elapsed.as_secs_f64();
            latencies.merge(&runs);
        }
        Ok::<(), BenchError>(())
    })?;
    rate.run_ms = latencies.quantile_ms(0.5).unwrap_or(0.0);
    Ok(rate)
}

fn again_and_again(
    session: &mut Session,
    images: &[f32],
    batch: usize,
    time: Duration,
    start: &Barrier,
) -> Result<(Latencies, Duration), BenchError> {
    let mut outputs = Outputs::default();
    // The first run of a shape allocates. Every thread must reach the barrier, even if its run failed.
    let first = session.run(images, batch, &mut outputs);
    start.wait();
    first?;
    let begin = Instant::now();
    let (mut runs, mut last) = (Latencies::default(), begin);
    while last - begin < time || runs.count() < LEAST_RUNS {
        session.run(images, batch, &mut outputs)?;
        let now = Instant::now();
        runs.record(now - last);
        last = now;
    }
    Ok((runs, last - begin))
}

#[cfg(test)]
mod tests {
    use super::*;
    use normgate_core::runtime::Device;
    use std::path::Path;

    #[test]
    fn every_layout_does_some_work_and_larger_batches_take_longer() {
        let runtime = Runtime::load(None).unwrap();
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/cifar10-lt.onnx");
        let model = Model::open(&shipped).unwrap();
        for layout in layouts(Device::Cpu, 2) {
            let time = Duration::from_millis(20);
            let rates = measure(&runtime, &model, layout, &[1, 32], time).unwrap();
            assert!(
                rates.iter().all(|rate| rate.images_per_second > 0.0),
                "{rates:?}"
            );
            assert!(
                rates[1].run_ms > 2.0 * rates[0].run_ms,
                "{layout}: {rates:?}"
            );
        }
    }
}
