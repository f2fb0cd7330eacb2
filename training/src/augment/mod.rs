//! Random variation of training images, on the CPU, a few tens of microseconds an image.
//!
//! In-distribution and auxiliary images go through the same chain with independent draws, once they
//! are squares of the network's size ([`crate::pictures`]): first [`camera`](CameraConfig) (how the image seems to have been made), then crop and flip, then
//! colour. What an image becomes follows from the generator it is given alone.

mod camera;
mod colour;
mod config;
mod crop_flip;
#[cfg(test)]
mod reference;
mod resized_crop;
#[cfg(test)]
mod tests;

use rand::RngExt;
use rand_pcg::Pcg64Mcg;

pub use config::{AugmentArgs, AugmentConfig, CameraConfig, CameraOperation, ColourConfig, Crop};
pub use resized_crop::Rectangle;

/// Turns square images into inputs of the network, varied at random. Shared by all threads.
#[derive(Clone, Debug)]
pub struct Augmenter {
    config: AugmentConfig,
}

impl Augmenter {
    /// An augmenter of this configuration.
    #[must_use]
    pub fn new(config: AugmentConfig) -> Self {
        Augmenter { config }
    }

    /// Varies one image.
    ///
    /// `image` is square, HWC, RGB bytes; `out`, of the same length, becomes CHW, 0 to 1. All that
    /// is random is drawn from `random`.
    pub fn apply(&self, image: &[u8], random: &mut Pcg64Mcg, out: &mut [f32]) {
        debug_assert_eq!(image.len(), out.len());
        let side = (image.len() / 3).isqrt();
        let config = &self.config;
        crop_flip::to_planes(image, side, chance(random, config.flip), out);
        camera::apply(out, side, &config.camera, random);
        let mut offset = || {
            let padding = i32::from(config.crop_padding);
            random.random_range(-padding..=padding) as isize
        };
        crop_flip::shift(out, side, offset(), offset());
        if chance(random, config.colour.probability) {
            colour::jitter(out, &config.colour, random);
        }
        if chance(random, config.greyscale) {
            colour::greyscale(out);
        }
    }
}

fn chance(random: &mut Pcg64Mcg, probability: f32) -> bool {
    random.random::<f32>() < probability
}

fn uniform(random: &mut Pcg64Mcg, low: f32, high: f32) -> f32 {
    low + (high - low) * random.random::<f32>()
}
