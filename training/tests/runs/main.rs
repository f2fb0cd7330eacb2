//! Whole runs on small sets of random images: resuming, seeds, the command line.
#![forbid(unsafe_code)]

mod command_line;
mod exactness;

use std::path::Path;

use rand::Rng;
use rand_pcg::Pcg64Mcg;

/// `count` PNG files of noise, 40×36 pixels.
pub(crate) fn write_images(folder: &Path, seed: u128, count: usize) {
    let mut random = Pcg64Mcg::new(seed);
    std::fs::create_dir_all(folder).unwrap();
    for number in 0..count {
        let noise = image::RgbImage::from_fn(40, 36, |_, _| {
            image::Rgb(std::array::from_fn(|_| random.next_u32() as u8))
        });
        noise.save(folder.join(format!("{number}.png"))).unwrap();
    }
}
