//! The image sets of CIFAR10-LT's experiments, with a few images of noise each.

use std::path::Path;

use rand::Rng;
use rand_pcg::Pcg64Mcg;

/// Enough airplanes that 300 can be held out and a batch of 128 is left.
const AIRPLANES: usize = 330;

pub fn write(folder: &Path) {
    let of_each = |count: usize| -> Vec<u8> { (0..10).flat_map(|c| vec![c; count]).collect() };
    let mut tail = vec![0; AIRPLANES];
    tail.extend(of_each(12).into_iter().filter(|&class| class > 0));
    strip(folder, "cifar10_train_lt100", &tail);
    let more: Vec<u8> = of_each(4).into_iter().filter(|&class| class > 0).collect();
    strip(folder, "cifar10_train_more", &more);
    strip(folder, "cifar10_test", &of_each(5));
    strip(folder, "id_other_source", &of_each(2));
    strip(folder, "aux_train", &[255; 150]);
    for set in [
        "ood_tinyimagenet",
        "ood_scenes",
        "ood_textures",
        "ood_characters",
        "ood_fashion",
    ] {
        strip(folder, set, &[255; 20]);
    }
    // Two bytes an image: superclass and class. Superclass 0 was not trained on, 1 was.
    let pairs =
        |count: usize| -> Vec<u8> { (0..count as u8).flat_map(|i| [i % 2, i % 100]).collect() };
    strip(folder, "ood_cifar100_test", &pairs(40));
    strip(folder, "aux_train_cifar100", &pairs(150));
}

fn strip(folder: &Path, set: &str, labels: &[u8]) {
    let bytes_each = if set.contains("cifar100") { 2 } else { 1 };
    let mut random = Pcg64Mcg::new(labels.len() as u128 + set.len() as u128);
    let folder = folder.join("data").join(set);
    std::fs::create_dir_all(&folder).unwrap();
    let height = 32 * (labels.len() / bytes_each) as u32;
    let strip = image::RgbImage::from_fn(32, height, |_, _| {
        image::Rgb(std::array::from_fn(|_| random.next_u32() as u8))
    });
    strip.save(folder.join("000.webp")).unwrap();
    std::fs::write(folder.join("labels.bin"), labels).unwrap();
}
