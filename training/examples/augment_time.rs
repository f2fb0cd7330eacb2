//! Measures how long the paper's augmentation of a 32×32 image takes: by a loader, only the drawing, and a whole
//! batch at once.
//!
//! `cargo run --release -p normgate-training --example augment_time`

use std::error::Error;
use std::hint::black_box;
use std::time::Instant;

use normgate_training::augment::{AugmentConfig, Augmenter, apply_together};
use rand::RngExt;
use rand_pcg::Pcg64Mcg;
use tch::{Cuda, Device};

const SIDE: usize = 32;
const IMAGES: usize = 256;
const ROUNDS: usize = 21;

fn main() -> Result<(), Box<dyn Error>> {
    let augmenter = Augmenter::new(AugmentConfig::default());
    let mut random = Pcg64Mcg::new(1);
    let size = 3 * SIDE * SIDE;
    let images: Vec<u8> = (0..IMAGES * size).map(|_| random.random()).collect();
    let mut planes = vec![0.0; size];
    println!("microseconds an image, median of {ROUNDS} batches of {IMAGES}");
    report("varied by a loader", || {
        for image in images.chunks_exact(size) {
            augmenter.apply(image, &mut random, &mut planes);
            black_box(&mut planes);
        }
        Ok(())
    })?;
    let mut drawn = Vec::new();
    report("drawn by a loader", || {
        drawn = (0..IMAGES).map(|_| augmenter.draw(&mut random)).collect();
        Ok(())
    })?;
    let mut devices = vec![Device::Cpu];
    devices.extend(Cuda::is_available().then_some(Device::Cuda(0)));
    for device in devices {
        report(&format!("varied together on {device:?}"), || {
            let images = apply_together(&images, SIDE, &drawn, device)?;
            // Waits for the device.
            black_box(images.f_sum(None)?.f_double_value(&[])?);
            Ok(())
        })?;
    }
    Ok(())
}

fn report(
    what: &str,
    mut batch: impl FnMut() -> Result<(), Box<dyn Error>>,
) -> Result<(), Box<dyn Error>> {
    let mut times = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let started = Instant::now();
        batch()?;
        times.push(1e6 * started.elapsed().as_secs_f64() / IMAGES as f64);
    }
    times.sort_by(f64::total_cmp);
    println!("{:>8.2}  {what}", times[ROUNDS / 2]);
    Ok(())
}
