//! The names of classes: of the well-known sets, and where others come from.

use std::path::Path;

use unicode_normalization::UnicodeNormalization;

use super::{DatasetError, label_file};

/// The ten classes of CIFAR-10 in the order of its labels.
pub const CIFAR10: [&str; 10] = [
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
];

/// The hundred (fine) classes of CIFAR-100 in the order of its labels.
#[rustfmt::skip]
pub const CIFAR100: [&str; 100] = [
    "apple", "aquarium_fish", "baby", "bear", "beaver", "bed", "bee", "beetle", "bicycle",
    "bottle", "bowl", "boy", "bridge", "bus", "butterfly", "camel", "can", "castle",
    "caterpillar", "cattle", "chair", "chimpanzee", "clock", "cloud", "cockroach", "couch",
    "crab", "crocodile", "cup", "dinosaur", "dolphin", "elephant", "flatfish", "forest",
    "fox", "girl", "hamster", "house", "kangaroo", "keyboard", "lamp", "lawn_mower",
    "leopard", "lion", "lizard", "lobster", "man", "maple_tree", "motorcycle", "mountain",
    "mouse", "mushroom", "oak_tree", "orange", "orchid", "otter", "palm_tree", "pear",
    "pickup_truck", "pine_tree", "plain", "plate", "poppy", "porcupine", "possum", "rabbit",
    "raccoon", "ray", "road", "rocket", "rose", "sea", "seal", "shark", "shrew", "skunk",
    "skyscraper", "snail", "snake", "spider", "squirrel", "streetcar", "sunflower",
    "sweet_pepper", "table", "tank", "telephone", "television", "tiger", "tractor", "train",
    "trout", "tulip", "turtle", "wardrobe", "whale", "willow_tree", "wolf", "woman", "worm",
];

/// The twenty superclasses (coarse classes) of CIFAR-100 in the order of its labels.
#[rustfmt::skip]
pub const CIFAR100_COARSE: [&str; 20] = [
    "aquatic_mammals", "fish", "flowers", "food_containers", "fruit_and_vegetables",
    "household_electrical_devices", "household_furniture", "insects", "large_carnivores",
    "large_man-made_outdoor_things", "large_natural_outdoor_scenes",
    "large_omnivores_and_herbivores", "medium_mammals", "non-insect_invertebrates", "people",
    "reptiles", "small_mammals", "trees", "vehicles_1", "vehicles_2",
];

/// Class names: a list joined by commas, a preset (`cifar10`, `cifar100`, `cifar100-coarse`), or a file, text with
/// one name a line or JSON.
///
/// # Errors
/// [`DatasetError`] if there is no such file, it cannot be read, or there are no names. Two may be the same: see [`twins`].
pub fn class_names(said: &str) -> Result<Vec<String>, DatasetError> {
    match said {
        "cifar10" => Ok(owned(&CIFAR10)),
        "cifar100" => Ok(owned(&CIFAR100)),
        "cifar100-coarse" => Ok(owned(&CIFAR100_COARSE)),
        list if list.contains(',') && !Path::new(list).exists() => {
            Ok(list.split(',').map(|name| composed(name.trim())).collect())
        }
        // Not `exists`, for which a file in a folder that is closed to us is not there.
        file => match Path::new(file).try_exists() {
            Ok(false) => Err(DatasetError::NoClassNames { said: said.into() }),
            _ => label_file::read(Path::new(file)),
        },
    }
}

/// A class's name in the one form that is used here (NFC): in folder names, macOS splits accented letters in two, and
/// what looks the same must be the same.
pub(crate) fn composed(name: &str) -> String {
    name.nfc().collect()
}

/// The first class with the same name as one before it: the earlier one's number, and its own.
pub fn twins(names: &[String]) -> Option<(usize, usize)> {
    (0..names.len()).find_map(|second| {
        let mut before = names[..second].iter();
        let first = before.position(|name| *name == names[second])?;
        Some((first, second))
    })
}

/// The names from the file beside a data file, or the preset's if there is none.
pub(crate) fn beside(
    folder: &Path,
    file: &str,
    preset: &[&str],
) -> Result<Vec<String>, DatasetError> {
    let path = folder.join(file);
    if !path.is_file() {
        return Ok(owned(preset));
    }
    let names = label_file::read(&path)?;
    let reason = match twins(&names) {
        Some((first, second)) => format!("the classes {first} and {second} have the same name"),
        None if names.len() != preset.len() => {
            format!("it has {} class names, not {}", names.len(), preset.len())
        }
        None => return Ok(names),
    };
    Err(DatasetError::BrokenFile { path, reason })
}

pub(crate) fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_string()).collect()
}
