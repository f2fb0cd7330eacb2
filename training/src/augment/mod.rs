//! Random augmentation of training images: each by itself on the CPU, in a few tens of microseconds for 32×32 pixels,
//! or a whole batch at once on the network's device ([`apply_together`]), which gives the same images except for
//! rounding.
//!
//! In-distribution and auxiliary images go through the same chain with independent draws, once they are squares of
//! the network's size ([`crate::pictures`]): flip, [`camera`](CameraConfig) (how the image seems to have been made),
//! crop and viewpoint, colour, greyscale, cutout. What an image becomes depends only on the generator that it is
//! given.

mod camera;
mod colour;
mod config;
mod crop_flip;
mod cutout;
#[cfg(test)]
mod reference;
mod resized_crop;
#[cfg(test)]
mod tests;
mod together;
mod viewpoint;

use rand::RngExt;
use rand_pcg::Pcg64Mcg;

pub use config::{AugmentArgs, AugmentConfig, CameraConfig, CameraOperation, ColourConfig, Crop};
pub use resized_crop::Rectangle;
pub use together::apply_together;

use colour::Change;
use viewpoint::Viewpoint;

/// Turns square images into randomly augmented inputs of the network. Shared by all threads.
#[derive(Clone, Debug)]
pub struct Augmenter {
    config: AugmentConfig,
}

impl Augmenter {
    /// An augmenter with this configuration.
    #[must_use]
    pub fn new(config: AugmentConfig) -> Self {
        Augmenter { config }
    }

    /// Augments one image.
    ///
    /// `image` is square, HWC, RGB bytes; `out`, of the same length, becomes CHW, 0 to 1. All that is random is drawn
    /// from `random`.
    pub fn apply(&self, image: &[u8], random: &mut Pcg64Mcg, out: &mut [f32]) {
        debug_assert_eq!(image.len(), out.len());
        let side = (image.len() / 3).isqrt();
        let config = &self.config;
        crop_flip::to_planes(image, side, chance(random, config.flip), out);
        camera::apply(out, side, &config.camera, random);
        let (down, right) = self.offset(random);
        if config.viewpoint > 0.0 {
            Viewpoint::draw(config.viewpoint, random).apply(out, side, (down, right));
        } else {
            crop_flip::shift(out, side, down, right);
        }
        for (change, by) in colour::draw(&config.colour, random) {
            change.apply(out, by);
        }
        if chance(random, config.greyscale) {
            colour::greyscale(out);
        }
        if config.cutout > 0 {
            cutout::apply(out, side, config.cutout.into(), random);
        }
    }

    /// Whether a batch can be augmented at once ([`apply_together`]): this is written for the paper's recipe, not for
    /// what a camera does to an image ([`CameraConfig`]: noise and JPEG, for example), other viewpoints and cutout.
    #[must_use]
    pub fn can_batch(&self) -> bool {
        // Named one by one, so that whoever adds an operation has to decide about it.
        let AugmentConfig {
            camera,
            crop: _,
            crop_padding: _,
            flip: _,
            colour: _,
            greyscale: _,
            viewpoint,
            cutout,
        } = &self.config;
        camera.strength <= 0.0 && *viewpoint <= 0.0 && *cutout == 0
    }

    /// What [`apply`](Self::apply) would draw for an image, except for the camera's part.
    #[must_use]
    pub fn draw(&self, random: &mut Pcg64Mcg) -> Drawn {
        Drawn {
            mirrored: chance(random, self.config.flip),
            offset: self.offset(random),
            colour: colour::draw(&self.config.colour, random),
            grey: chance(random, self.config.greyscale),
        }
    }

    /// How far the image moves down and right.
    fn offset(&self, random: &mut Pcg64Mcg) -> (isize, isize) {
        let padding = i32::from(self.config.crop_padding);
        let mut offset = || random.random_range(-padding..=padding) as isize;
        (offset(), offset())
    }
}

/// All that is drawn for one image, in the order in which it is drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawn {
    mirrored: bool,
    offset: (isize, isize),
    colour: Vec<(Change, f32)>,
    grey: bool,
}

fn chance(random: &mut Pcg64Mcg, probability: f32) -> bool {
    random.random::<f32>() < probability
}

fn uniform(random: &mut Pcg64Mcg, low: f32, high: f32) -> f32 {
    low + (high - low) * random.random::<f32>()
}
