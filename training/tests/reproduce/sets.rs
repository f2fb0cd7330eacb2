//! The image sets of the experiments, with a few images of noise each.

use std::path::Path;

use rand::Rng;
use rand_pcg::Pcg64Mcg;

/// Enough airplanes that with 300 held out there are still images for a batch of 128.
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

/// ImageNet-LT's lists and folders, with three classes: one with many images, one with some, one with few.
pub fn write_imagenet(folder: &Path) {
    let data = folder.join("data");
    let mut random = Pcg64Mcg::new(7);
    let lists = data.join("imagenet_lt");
    for (list, part, counts) in [
        ("train", "train", [200, 50, 12]),
        ("val", "train", [8, 8, 8]),
        ("test", "val", [8, 8, 8]),
    ] {
        let mut lines = String::new();
        for (class, count) in counts.into_iter().enumerate() {
            for number in 0..count {
                let file = format!("{part}/n0{class}/{list}_{number}.JPEG");
                photo(&lists.join(&file), &mut random);
                lines += &format!("{file} {class}\n");
            }
        }
        std::fs::write(lists.join(format!("ImageNet_LT_{list}.txt")), lines).unwrap();
    }
    for (set, count) in [("imagenet_extra", 130), ("imagenet_ood", 10)] {
        for (class, number) in (0..2).flat_map(|class| (0..count).map(move |n| (class, n))) {
            let file = format!("{set}/n1{class}/{number}.JPEG");
            photo(&data.join(file), &mut random);
        }
    }
}

fn photo(file: &Path, random: &mut Pcg64Mcg) {
    let pixel = |_, _| image::Rgb(std::array::from_fn(|_| random.next_u32() as u8));
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    let photo = image::RgbImage::from_fn(48, 36, pixel);
    photo
        .save_with_format(file, image::ImageFormat::Jpeg)
        .unwrap();
}

fn strip(folder: &Path, set: &str, labels: &[u8]) {
    let bytes_each = if set.contains("cifar100") { 2 } else { 1 };
    // Seeded by name, so that no two sets have the same images; shifted, since the generator sets the lowest bit.
    let name = set
        .bytes()
        .fold(0u128, |all, byte| all << 4 ^ u128::from(byte));
    let mut random = Pcg64Mcg::new(name << 1 | 1);
    let folder = folder.join("data").join(set);
    std::fs::create_dir_all(&folder).unwrap();
    let height = 32 * (labels.len() / bytes_each) as u32;
    let strip = image::RgbImage::from_fn(32, height, |_, _| {
        image::Rgb(std::array::from_fn(|_| random.next_u32() as u8))
    });
    strip.save(folder.join("000.webp")).unwrap();
    std::fs::write(folder.join("labels.bin"), labels).unwrap();
}
