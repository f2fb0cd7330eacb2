//! The parts that sets are divided into: folders called `train`, `test` and the like, with the classes inside. They
//! are not classes, and an image of one part must never be taken for one of another. A folder with such a name that
//! holds images itself, beside other folders, is a class: a train is a vehicle.

use std::path::{Path, PathBuf};

use super::folder::{entries, file_name};

const TRAINING: [&str; 2] = ["train", "training"];
const OTHERS: [&str; 5] = ["test", "testing", "val", "valid", "validation"];

/// The folders that are parts, those for training first: they have folders inside, or there is nothing but parts of
/// both kinds.
pub(super) fn of_set(folders: &[PathBuf]) -> Option<Vec<&Path>> {
    let (parts, has_both) = called_so(folders);
    let are_all = !parts.is_empty() && parts.len() == folders.len();
    let have_folders = || {
        let mut inside = parts.iter().map(|part| entries(part));
        inside.any(|inside| inside.is_ok_and(|(folders, _)| !folders.is_empty()))
    };
    ((has_both && are_all) || ((has_both || are_all) && have_folders())).then_some(parts)
}

/// The parts in a class's folder, if there is nothing but parts of both kinds.
pub(super) fn of_class(folders: &[PathBuf]) -> Option<Vec<&Path>> {
    let (parts, has_both) = called_so(folders);
    (has_both && parts.len() == folders.len()).then_some(parts)
}

/// The folders with the names of parts, those for training first, and whether there are both kinds.
fn called_so(folders: &[PathBuf]) -> (Vec<&Path>, bool) {
    let [training, others] = [named(folders, &TRAINING), named(folders, &OTHERS)];
    let has_both = !training.is_empty() && !others.is_empty();
    ([training, others].concat(), has_both)
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
