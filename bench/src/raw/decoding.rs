use std::time::{Duration, Instant};

use normgate_core::preprocess::Limits;
use normgate_core::{Preprocessing, Preprocessor};

use crate::error::BenchError;
use crate::load::Latencies;

/// Median time in milliseconds, on one thread, from an image's bytes to the model's input.
///
/// # Errors
/// [`BenchError`] if an image cannot be decoded.
pub fn decode_ms(
    preprocessing: &Preprocessing,
    files: &[Vec<u8>],
    time: Duration,
) -> Result<f64, BenchError> {
    let mut preprocessor = Preprocessor::new(preprocessing);
    let mut tensor = vec![0.0; preprocessor.tensor_len()];
    let mut latencies = Latencies::default();
    let begin = Instant::now();
    let mut last = begin;
    for file in files.iter().cycle() {
        let picture = preprocessor.decode(file, &Limits::default())?;
        preprocessor.write_tensor(&picture, &mut tensor)?;
        let now = Instant::now();
        latencies.record(now - last);
        last = now;
        if last - begin >= time && latencies.count() >= files.len() as u64 {
            break;
        }
    }
    Ok(latencies.quantile_ms(0.5).unwrap_or(0.0))
}
