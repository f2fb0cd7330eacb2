//! Folders of ordinary image files: one folder per class, or a flat one without labels.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use normgate_core::preprocess;

use super::files::{self, io};
use super::labels::composed;
use super::{DatasetError, HeldOut, ImageSet, LoadOptions, parts};
use crate::reports::table::counted;

/// Deeper than any real set; without a limit, a link that leads back up would never end.
const MAX_DEPTH: usize = 16;

/// Extensions of image files. Some are of formats that cannot be decoded, on purpose: such files are refused by name,
/// not passed over.
const IMAGE_EXTENSIONS: [&str; 14] = [
    "jpg", "jpeg", "jpe", "jfif", "png", "webp", "gif", "bmp", "tif", "tiff", "avif", "heic",
    "jxl", "jp2",
];

/// Folders that systems add to the user's own: Synology's, and those in zip files from macOS.
const NOT_OURS: [&str; 2] = ["@eaDir", "__MACOSX"];

/// Whether a folder of this name is read.
pub fn is_read(name: &str) -> bool {
    !name.starts_with('.') && !NOT_OURS.contains(&name)
}

/// Reads a folder of class folders (labels in the order of their sorted names; images may be deeper inside) or of
/// images (unlabelled), in the order of the sorted paths.
///
/// Files that neither have an image's extension nor begin like an image are passed over, and so is what is hidden (a
/// name that begins with a dot) or not part of the set ([`NOT_OURS`]).
pub(crate) fn load(
    folder: &Path,
    name: String,
    options: &LoadOptions,
) -> Result<ImageSet, DatasetError> {
    let (folders, files) = entries(folder)?;
    let mut flat = Vec::new();
    for file in files {
        if is_image(&file)? {
            flat.push((file, None));
        }
    }
    let divides = options.has_classes && !HeldOut::is_in(folder);
    let may_be_parts = divides && flat.is_empty();
    if let Some(parts) = may_be_parts.then(|| parts::of_set(&folders)).flatten() {
        return Err(broken(
            folder,
            format!(
                "it holds parts of a set ({}), not classes: give one of them, such as {}. If they are \
                 classes, name the images in a list (.txt)",
                parts::names(&parts),
                parts[0].display()
            ),
        ));
    }
    let mut classes: Vec<String> = Vec::new();
    let mut images = Vec::new();
    for (class, path) in by_name(folders) {
        let mut inside = Vec::new();
        collect(&path, MAX_DEPTH, divides, &mut inside)?;
        if inside.is_empty() && flat.is_empty() {
            let mut filters = options.class_filters.iter();
            match filters.any(|filter| filter.leaves_out(&class)) {
                true => continue,
                false => return Err(empty(&path, &class)),
            }
        }
        if classes.last() == Some(&class) {
            return Err(broken(folder, twins(&class)));
        }
        let label = u16::try_from(classes.len()).map_err(|_| unknown(folder, TOO_MANY))?;
        images.extend(inside.into_iter().map(|path| (path, Some(label))));
        classes.push(class);
    }
    if !flat.is_empty() && !images.is_empty() {
        let first = flat[0].0.file_name().unwrap_or_default();
        let found = format!(
            "it has {} of its own ({}) beside folders of images",
            counted(flat.len(), "image"),
            first.display()
        );
        return Err(unknown(folder, &found));
    }
    if flat.is_empty() && images.is_empty() {
        return Err(unknown(folder, "it holds no images"));
    }
    let class_names = (!images.is_empty()).then_some(classes);
    images.append(&mut flat);
    files::read(images, name, class_names, options)
}

const TOO_MANY: &str = "it has more than 65,536 class folders";

/// Folders with the names of their classes, sorted by these names: in the same order on every system, however it
/// writes them.
fn by_name(folders: Vec<PathBuf>) -> Vec<(String, PathBuf)> {
    let named = folders.into_iter();
    let mut named: Vec<_> = named
        .map(|path| (composed(&file_name(&path)), path))
        .collect();
    named.sort();
    named
}

fn empty(path: &Path, class: &str) -> DatasetError {
    broken(
        path,
        format!(
            "this class folder holds no images: remove it, put images into it, or leave it out with \
             the filter #class!={class}"
        ),
    )
}

fn twins(class: &str) -> String {
    format!(
        "it has two class folders \"{class}\", whose names look the same but are encoded differently \
         (Unicode's NFC and NFD): put the images of both into one"
    )
}

/// The images in a folder and in the folders inside it.
fn collect(
    folder: &Path,
    depth: usize,
    divides: bool,
    images: &mut Vec<PathBuf>,
) -> Result<(), DatasetError> {
    if depth == 0 {
        return Err(unknown(
            folder,
            "its folders are nested too deeply: does a link lead back up?",
        ));
    }
    let (folders, files) = entries(folder)?;
    if let Some(parts) = parts::of_class(&folders).filter(|_| divides) {
        return Err(broken(folder, mixed(&file_name(folder), &parts)));
    }
    for file in files {
        if is_image(&file)? {
            images.push(file);
        }
    }
    for inner in folders {
        collect(&inner, depth - 1, divides, images)?;
    }
    Ok(())
}

/// What to say about a class that is divided into parts, when the parts should have the classes inside.
fn mixed(class: &str, parts: &[&Path]) -> String {
    let places = parts
        .iter()
        .map(|part| format!("{}/{class}", file_name(part)));
    format!(
        "it holds parts of a set ({}), whose images would be mixed: make a folder for each part, with \
         the classes inside ({}), and give one of them",
        parts::names(parts),
        places.collect::<Vec<_>>().join(", ")
    )
}

/// The folders and the files in a folder, sorted, without what is hidden or not part of the set.
pub(super) fn entries(folder: &Path) -> Result<(Vec<PathBuf>, Vec<PathBuf>), DatasetError> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(|source| io(folder, source))? {
        let path = entry.map_err(|source| io(folder, source))?.path();
        if is_read(&file_name(&path)) {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths.into_iter().partition(|path| path.is_dir()))
}

pub(crate) fn is_image(path: &Path) -> Result<bool, DatasetError> {
    let extension = path
        .extension()
        .map(|extension| extension.to_string_lossy().to_lowercase())
        .unwrap_or_default();
    if IMAGE_EXTENSIONS.contains(&extension.as_str()) {
        return Ok(true);
    }
    // A pipe would be waited for, and a link that leads nowhere is no image.
    if !path.is_file() {
        return Ok(false);
    }
    let mut start = Vec::new();
    let file = File::open(path).map_err(|source| io(path, source))?;
    file.take(64)
        .read_to_end(&mut start)
        .map_err(|source| io(path, source))?;
    Ok(preprocess::sniff(&start).is_some())
}

pub(super) fn file_name(path: &Path) -> String {
    path.file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}

fn broken(path: &Path, reason: String) -> DatasetError {
    DatasetError::BrokenFile {
        path: path.into(),
        reason,
    }
}

fn unknown(path: &Path, found: &str) -> DatasetError {
    DatasetError::UnknownLayout {
        path: path.into(),
        found: found.into(),
    }
}
