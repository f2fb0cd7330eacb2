//! Image sets made of the two photos of `docs/images`.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::repository;

/// Cuts of the two photos, `each` of them for each label if there are labels. What they show does not matter here,
/// only that no two names have a cut in common.
pub fn cuts(folder: &Path, name: &str, labels: &[String], each: u32) -> PathBuf {
    let photos = ["cat.jpg", "coffee.jpg"].map(|name| {
        let photo = image::open(repository().join("docs/images").join(name));
        photo.unwrap()
    });
    let set = folder.join(name);
    let folders = match labels.is_empty() {
        true => vec![set.clone()],
        false => labels.iter().map(|label| set.join(label)).collect(),
    };
    let mut cut = 1000 * name.bytes().map(u32::from).sum::<u32>();
    for folder in folders {
        fs::create_dir_all(&folder).unwrap();
        for number in 0..each {
            cut += 1;
            let photo = &photos[cut as usize % 2];
            let side = 64 + 8 * (cut % 7);
            let (right, down) = (photo.width() - side, photo.height() - side);
            let part = photo.crop_imm(cut * 37 % right, cut * 53 % down, side, side);
            let part = part.resize_exact(32, 32, image::imageops::FilterType::Triangle);
            part.save(folder.join(format!("{number:03}.png"))).unwrap();
        }
    }
    set
}
