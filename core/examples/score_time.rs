//! What each score costs: time an image, and bytes in the model file. On random numbers, which cost
//! what real ones do.
//!
//! `cargo run --release -p normgate-core --example score_time -- [SIZE CLASSES [IMAGES]]`

use std::hint::black_box;
use std::time::Instant;

use normgate_core::onnx::LastLayer;
use normgate_core::scores::{FitData, Fitted, Score, ScoreKind};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let given: Vec<usize> = std::env::args()
        .skip(1)
        .map(|argument| argument.parse())
        .collect::<Result<_, _>>()?;
    let number = |index: usize, default| given.get(index).copied().unwrap_or(default);
    let (size, classes) = (number(0, 128), number(1, 10));
    let images = number(2, 12_000);

    let mut generator = Pcg64::seed_from_u64(0);
    let mut random = |count: usize, from: f32| -> Vec<f32> {
        let one = |_| generator.random_range(-1.0..1.0f32).max(from);
        (0..count).map(one).collect()
    };
    let layer = LastLayer {
        weights: random(classes * size, -1.0),
        bias: random(classes, -1.0),
    };
    let representation = random(images * size, 0.0);
    let logits: Vec<f32> = representation
        .chunks_exact(size)
        .flat_map(|x| {
            let rows = layer.weights.chunks_exact(size).zip(&layer.bias);
            rows.map(move |(row, bias)| row.iter().zip(x).map(|(w, x)| w * x).sum::<f32>() + bias)
        })
        .collect();
    let labels: Vec<usize> = (0..images).map(|image| image % classes).collect();
    let data = FitData::new(
        (classes, size),
        &labels,
        &logits,
        &representation,
        Ok(layer),
    )?;

    println!("{size} values, {classes} classes, fitted to {images} images\n");
    println!(
        "{:20} {:>9} {:>12} {:>12}",
        "score", "fit s", "µs an image", "kB in file"
    );
    for kind in ScoreKind::ALL {
        let start = Instant::now();
        let fitted = match kind.is_fitted() {
            true => Some(Fitted::fit(kind, &data, None)?),
            false => None,
        };
        let fit = start.elapsed().as_secs_f64();
        let bytes = match &fitted {
            Some(fitted) => serde_json::to_string(fitted)?.len(),
            None => 0,
        };
        let unfitted = kind.unfitted();
        let score: &dyn Score = match (&fitted, &unfitted) {
            (Some(fitted), _) => fitted,
            (None, Some(score)) => &**score,
            (None, None) => continue,
        };
        let rows = logits
            .chunks_exact(classes)
            .zip(representation.chunks_exact(size));
        let (mut count, start) = (0, Instant::now());
        for (z, x) in rows.cycle() {
            black_box(score.score(z, x));
            count += 1;
            if start.elapsed().as_millis() > 500 {
                break;
            }
        }
        let each = start.elapsed().as_secs_f64() / f64::from(count) * 1e6;
        println!(
            "{:20} {fit:>9.2} {each:>12.2} {:>12.1}",
            kind.name(),
            bytes as f64 / 1e3
        );
    }
    Ok(())
}
