//! The names of classes: of the well-known sets, and from a file.

use std::fs;
use std::path::Path;

use super::DatasetError;

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

/// Class names by preset (`cifar10`, `cifar100`, `cifar100-coarse`), else from a text file with one
/// name a line (blank lines are passed over).
pub fn class_names(preset_or_file: &str) -> Result<Vec<String>, DatasetError> {
    match preset_or_file {
        "cifar10" => Ok(owned(&CIFAR10)),
        "cifar100" => Ok(owned(&CIFAR100)),
        "cifar100-coarse" => Ok(owned(&CIFAR100_COARSE)),
        file => from_file(Path::new(file)),
    }
}

/// Reads one name a line, as `batches.meta.txt` and `fine_label_names.txt` have them.
pub(crate) fn from_file(path: &Path) -> Result<Vec<String>, DatasetError> {
    let text = fs::read_to_string(path).map_err(|source| DatasetError::Io {
        path: path.into(),
        source,
    })?;
    let names: Vec<String> = text
        .trim_start_matches('\u{feff}')
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(String::from)
        .collect();
    let broken = |reason: String| DatasetError::BrokenFile {
        path: path.into(),
        reason,
    };
    if names.is_empty() {
        return Err(broken("no class names in it: write one a line".into()));
    }
    let repeated = names
        .iter()
        .enumerate()
        .find(|(i, name)| names[..*i].contains(name));
    match repeated {
        Some((_, name)) => Err(broken(format!("the class name \"{name}\" is there twice"))),
        None => Ok(names),
    }
}

/// The names beside a data file where they are there, else the preset's.
pub(crate) fn beside(
    folder: &Path,
    file: &str,
    preset: &[&str],
) -> Result<Vec<String>, DatasetError> {
    let path = folder.join(file);
    if !path.is_file() {
        return Ok(owned(preset));
    }
    let names = from_file(&path)?;
    if names.len() == preset.len() {
        return Ok(names);
    }
    Err(DatasetError::BrokenFile {
        reason: format!("{} class names, where {} belong", names.len(), preset.len()),
        path,
    })
}

pub(crate) fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_string()).collect()
}
