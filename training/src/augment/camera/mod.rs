//! Content, not camera: changes of how an image seems to have been made.
//!
//! A network learns to tell image *sources* apart sooner than what images show: by the resampling filter, the
//! sharpness, the noise, the compression. If auxiliary images come from another source than the in-distribution ones,
//! it learns that instead, and then flags every user's photo. Making all of these vary in all training images takes
//! the cue away.

mod jpeg;
mod matrix;
mod noise;
mod resample;
mod tilt;

use rand::RngExt;
use rand_pcg::Pcg64Mcg;

use super::config::{CameraConfig, CameraOperation};
use super::{chance, uniform};
use matrix::Matrix;
use resample::Filter;

/// Probability of each of resampling, noise and JPEG, if it is among the operations.
const EACH: f32 = 0.5;

/// Changes square planes (R, G, B, 0 to 1) as the configuration says.
pub(super) fn apply(planes: &mut [f32], side: usize, config: &CameraConfig, random: &mut Pcg64Mcg) {
    let strength = config.strength;
    if strength <= 0.0 || !chance(random, config.probability) {
        return;
    }
    let with = |operation| config.operations.contains(&operation);
    if let Some(matrix) = linear(side, strength, &with, random) {
        matrix.apply(planes);
        planes
            .iter_mut()
            .for_each(|value| *value = value.clamp(0.0, 1.0));
    }
    if with(CameraOperation::Noise) && chance(random, EACH) {
        noise::add(planes, uniform(random, 0.0, 0.04 * strength), random);
    }
    if with(CameraOperation::Jpeg) && chance(random, EACH) {
        let quality = uniform(random, 95.0 - 65.0 * strength, 95.0) as u8;
        jpeg::recompress(planes, side, quality, chance(random, 0.5));
    }
}

/// Resampling and tilt, in one matrix.
fn linear(
    side: usize,
    strength: f32,
    with: &impl Fn(CameraOperation) -> bool,
    random: &mut Pcg64Mcg,
) -> Option<Matrix> {
    let resampled = (with(CameraOperation::Resample) && chance(random, EACH)).then(|| {
        let smallest = ((1.0 - 0.5 * strength) * side as f32) as usize;
        let through = random.random_range(smallest.clamp(1, side)..=2 * side.max(1));
        let (there, back) = (Filter::draw(random), Filter::draw(random));
        resample::round_trip(side, through, there, back)
    });
    let tilted = with(CameraOperation::Tilt).then(|| {
        let tilt = uniform(random, -strength, strength);
        let bend = uniform(random, -0.4 * strength, 0.4 * strength);
        tilt::tilting(side, tilt, bend)
    });
    match (resampled, tilted) {
        (Some(resampled), Some(tilted)) => Some(tilted.after(&resampled)),
        (resampled, tilted) => resampled.or(tilted),
    }
}
