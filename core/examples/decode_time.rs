//! How long image files take to decode and bring to a model's size: decoded whole, and with no more
//! detail than the model can be shown, as they are in service.
//!
//! `cargo run --release -p normgate-core --example decode_time -- photo.jpg …`

use std::error::Error;
use std::time::{Duration, Instant};

use normgate_core::preprocess::{Limits, decode};
use normgate_core::{Filter, Preprocessing, Preprocessor, Resize};

const ROUNDS: usize = 9;

fn main() -> Result<(), Box<dyn Error>> {
    println!("ms, the quickest of {ROUNDS}: a thread's own time where nothing else runs");
    println!(
        "{:>9} {:>9} {:>9} {:>9}  file",
        "whole→32", "→32", "whole→224", "→224"
    );
    for path in std::env::args().skip(1) {
        let bytes = std::fs::read(&path)?;
        let mut line = String::new();
        for side in [32, 224] {
            let mut preprocessor = Preprocessor::new(&Preprocessing {
                width: side,
                height: side,
                resize: Resize::CentreCrop { shorter_side: side },
                filter: Filter::Bilinear,
                mean: [0.0; 3],
                std: [1.0; 3],
            });
            let limits = Limits::default();
            let mut quickest = [Duration::MAX; 2];
            for _ in 0..ROUNDS {
                let started = Instant::now();
                preprocessor.resize(&decode(&bytes, &limits)?)?;
                quickest[0] = quickest[0].min(started.elapsed());
                let started = Instant::now();
                let picture = preprocessor.decode(&bytes, &limits)?;
                preprocessor.resize(&picture)?;
                quickest[1] = quickest[1].min(started.elapsed());
            }
            for time in quickest {
                line += &format!("{:>9.2} ", 1000.0 * time.as_secs_f64());
            }
        }
        println!("{line} {path}");
    }
    Ok(())
}
