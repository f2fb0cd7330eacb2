//! The parts that sets are divided into: folders called `train`, `test` and the like are no classes, and an image of
//! the one may never be taken for one of the other.

use std::path::{Path, PathBuf};

use super::folder::file_name;

const TRAINING: [&str; 2] = ["train", "training"];
const OTHERS: [&str; 5] = ["test", "testing", "val", "valid", "validation"];

/// The folders that are parts, those for training first, where one of them is and one of another kind; whatever
/// stands beside them.
pub(super) fn side_by_side(folders: &[PathBuf]) -> Option<Vec<&Path>> {
    let [training, others] = [named(folders, &TRAINING), named(folders, &OTHERS)];
    (!training.is_empty() && !others.is_empty()).then(|| [training, others].concat())
}

/// The folders where there is nothing but parts.
pub(super) fn alone(folders: &[PathBuf]) -> Option<Vec<&Path>> {
    let parts = [named(folders, &TRAINING), named(folders, &OTHERS)].concat();
    (!parts.is_empty() && parts.len() == folders.len()).then_some(parts)
}

/// Their names, for people.
pub(super) fn names(parts: &[&Path]) -> String {
    let names: Vec<_> = parts.iter().map(|part| file_name(part)).collect();
    names.join(", ")
}

fn named<'a>(folders: &'a [PathBuf], names: &[&str]) -> Vec<&'a Path> {
    let folders = folders.iter().map(PathBuf::as_path);
    folders
        .filter(|folder| names.contains(&file_name(folder).to_lowercase().as_str()))
        .collect()
}
