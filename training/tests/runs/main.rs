//! Whole runs on small sets of random images: resuming, seeds, the command line.
#![forbid(unsafe_code)]

mod command_line;
mod exactness;
mod folder;
mod large_images;
mod methods;
mod tuning;

use std::path::Path;

use rand::Rng;
use rand_pcg::Pcg64Mcg;

/// Writes `count` PNG files of noise, 40×36 pixels.
pub(crate) fn write_images(folder: &Path, seed: u128, count: usize) {
    // The generator's state is odd, so seeds 2 and 3 would give the same images.
    let mut random = Pcg64Mcg::new(2 * seed + 1);
    std::fs::create_dir_all(folder).unwrap();
    for number in 0..count {
        let noise = image::RgbImage::from_fn(40, 36, |_, _| {
            image::Rgb(std::array::from_fn(|_| random.next_u32() as u8))
        });
        noise.save(folder.join(format!("{number}.png"))).unwrap();
    }
}

/// Writes a strip of black images with numbers as labels.
pub(crate) fn write_strip(folder: &Path, labels: &[u8]) {
    std::fs::create_dir_all(folder).unwrap();
    let strip = image::RgbImage::new(32, 32 * labels.len() as u32);
    strip.save(folder.join("000.webp")).unwrap();
    std::fs::write(folder.join("labels.bin"), labels).unwrap();
}
