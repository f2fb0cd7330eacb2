//! How many images a second ONNX Runtime itself manages with a model on this machine: the limit
//! that the server is measured against.
//!
//! `cargo run --release -p normgate-core --example raw_limit -- models/cifar10-lt.onnx`

use std::error::Error;
use std::path::Path;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use normgate_core::{Model, Outputs, Runtime, Session, SessionOptions};

const BATCHES: [usize; 4] = [1, 8, 16, 32];
const ROUNDS: usize = 3;
const ROUND: Duration = Duration::from_secs(1);

fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let path = std::env::args()
        .nth(1)
        .ok_or("usage: raw_limit MODEL.onnx")?;
    let runtime = Runtime::load(None)?;
    let model = Model::open(Path::new(&path))?;
    let cores = std::thread::available_parallelism()?.get();
    println!("images/s, median of {ROUNDS} rounds of {ROUND:?}");
    println!(
        "sessions x threads  {:>9} {:>9} {:>9} {:>9}",
        "batch 1", "8", "16", "32"
    );
    for (sessions, threads) in [(1, 1), (1, cores), (cores, 1)] {
        let mut line = format!("{:<18}", format!("{sessions} x {threads}"));
        for batch in BATCHES {
            let mut rates = Vec::with_capacity(ROUNDS);
            for _ in 0..ROUNDS {
                rates.push(images_per_second(
                    &runtime, &model, sessions, threads, batch,
                )?);
            }
            rates.sort_by(f64::total_cmp);
            line += &format!(" {:>9.0}", rates[ROUNDS / 2]);
        }
        println!("{line}");
    }
    Ok(())
}

fn images_per_second(
    runtime: &Runtime,
    model: &Model,
    sessions: usize,
    threads: usize,
    batch: usize,
) -> Result<f64, Box<dyn Error + Send + Sync>> {
    let input = &model.manifest().preprocessing;
    let images = vec![0.5; batch * 3 * input.width as usize * input.height as usize];
    let options = SessionOptions {
        threads,
        spinning: threads > 1,
    };
    let together = Barrier::new(sessions);
    let work = || -> Result<f64, Box<dyn Error + Send + Sync>> {
        let mut session = Session::new(runtime, model, &options)?;
        let mut outputs = Outputs::default();
        session.run(&images, batch, &mut outputs)?;
        together.wait();
        let (start, mut done) = (Instant::now(), 0);
        while start.elapsed() < ROUND {
            session.run(&images, batch, &mut outputs)?;
            done += batch;
        }
        Ok(done as f64 / start.elapsed().as_secs_f64())
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..sessions).map(|_| scope.spawn(work)).collect();
        workers
            .into_iter()
            .map(|worker| worker.join().map_err(|_| "a worker panicked")?)
            .sum()
    })
}
