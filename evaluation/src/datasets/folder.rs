//! Folders of ordinary image files: one folder per class, or a flat one without labels.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use normgate_core::preprocess;

use super::files::{self, io};
use super::{DatasetError, ImageSet, LoadOptions};

/// Deeper than any real set; a link that leads back up would otherwise never end.
const MAX_DEPTH: usize = 16;

/// Names that people take for images. Files that a decoder does not know are among them on
/// purpose: they are refused by name, not passed over.
const IMAGE_EXTENSIONS: [&str; 14] = [
    "jpg", "jpeg", "jpe", "jfif", "png", "webp", "gif", "bmp", "tif", "tiff", "avif", "heic",
    "jxl", "jp2",
];

/// Reads a folder of class folders (labels in the order of their sorted names; images may lie
/// deeper inside) or of images (unlabelled), in the order of the sorted paths.
///
/// Files that are neither named like images nor begin like images are passed over, and so is what
/// is hidden (a name that begins with a dot).
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
    let mut classes = Vec::new();
    let mut images = Vec::new();
    for class in &folders {
        let mut inside = Vec::new();
        collect(class, MAX_DEPTH, &mut inside)?;
        let label = u16::try_from(classes.len()).map_err(|_| unknown(folder, TOO_MANY))?;
        if inside.is_empty() && flat.is_empty() {
            return Err(unknown(class, "this class folder has no image in it"));
        }
        images.extend(inside.into_iter().map(|path| (path, Some(label))));
        classes.push(file_name(class));
    }
    if !flat.is_empty() && !images.is_empty() {
        let found = format!(
            "it has images of its own ({}) beside folders of images",
            flat.len()
        );
        return Err(unknown(folder, &found));
    }
    if flat.is_empty() && images.is_empty() {
        return Err(unknown(folder, "no image is in it"));
    }
    const SPLITS: [&str; 5] = ["train", "test", "val", "valid", "validation"];
    if !images.is_empty() && classes.iter().all(|class| SPLITS.contains(&class.as_str())) {
        let found = format!(
            "it holds splits, not classes: name one of them, such as {}",
            { folders[0].display() }
        );
        return Err(unknown(folder, &found));
    }
    let class_names = (!images.is_empty()).then_some(classes);
    images.append(&mut flat);
    files::read(images, name, class_names, options)
}

const TOO_MANY: &str = "it has more than 65,536 class folders";

/// The images in a folder and in the folders inside it.
fn collect(folder: &Path, depth: usize, images: &mut Vec<PathBuf>) -> Result<(), DatasetError> {
    if depth == 0 {
        return Err(unknown(
            folder,
            "folders lie too deep: does a link lead back up?",
        ));
    }
    let (folders, files) = entries(folder)?;
    for file in files {
        if is_image(&file)? {
            images.push(file);
        }
    }
    for inner in folders {
        collect(&inner, depth - 1, images)?;
    }
    Ok(())
}

/// The folders and the files in a folder, sorted, without what is hidden.
fn entries(folder: &Path) -> Result<(Vec<PathBuf>, Vec<PathBuf>), DatasetError> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(|source| io(folder, source))? {
        let path = entry.map_err(|source| io(folder, source))?.path();
        if !file_name(&path).starts_with('.') {
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
    let mut start = Vec::new();
    let file = File::open(path).map_err(|source| io(path, source))?;
    file.take(64)
        .read_to_end(&mut start)
        .map_err(|source| io(path, source))?;
    Ok(preprocess::sniff(&start).is_some())
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}

fn unknown(path: &Path, found: &str) -> DatasetError {
    DatasetError::UnknownLayout {
        path: path.into(),
        found: found.into(),
    }
}
