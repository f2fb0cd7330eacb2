//! Whole runs on small sets of random images: resuming, seeds, the command line.
#![forbid(unsafe_code)]

mod command_line;
mod exactness;

use std::path::Path;

use rand::Rng;
use rand_pcg::Pcg64Mcg;

/// `count` images of noise in CIFAR-10's binary layout, their classes 0, 1, 0, 1, ….
pub(crate) fn write_cifar(folder: &Path, seed: u128, count: usize) {
    let mut random = Pcg64Mcg::new(seed);
    std::fs::create_dir_all(folder).unwrap();
    for file in 1..=5 {
        let mut records = Vec::new();
        for index in 0..count / 5 {
            records.push((index % 2) as u8);
            records.extend((0..3072).map(|_| random.next_u32() as u8));
        }
        std::fs::write(folder.join(format!("data_batch_{file}.bin")), records).unwrap();
    }
}
