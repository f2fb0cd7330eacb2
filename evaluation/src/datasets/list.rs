//! A list file, as ImageNet-LT is published (`ImageNet_LT_train.txt`): on each line the path of an
//! image, relative to the list's folder, and the number of its class.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use super::files::{self, io};
use super::labels::composed;
use super::{DatasetError, ImageSet, LoadOptions};

/// The extension of list files.
const EXTENSION: &str = "txt";

/// Whether the file has this layout.
pub(crate) fn is_here(file: &Path) -> bool {
    file.extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case(EXTENSION))
}

/// Reads the set, in the list's order. Classes are named after the folders of their images if all images of a class
/// are in one folder, and no other class's are; otherwise they have only numbers.
pub(crate) fn load(
    list: &Path,
    name: String,
    options: &LoadOptions,
) -> Result<ImageSet, DatasetError> {
    let bytes = fs::read(list).map_err(|source| io(list, source))?;
    let broken = |reason: String| DatasetError::BrokenFile {
        path: list.into(),
        reason,
    };
    let text = String::from_utf8(bytes).map_err(|_| {
        broken("it is not text (UTF-8): a list has a line PATH CLASS for each image".into())
    })?;
    let text = text.trim_start_matches('\u{feff}');
    let folder = list.parent().unwrap_or(Path::new(""));
    let mut images = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim().is_empty() {
            continue;
        }
        let at = |reason: String| broken(format!("line {number}: {reason}"));
        let (path, label) = parse(line).map_err(at)?;
        let path = folder.join(path);
        if !path.is_file() {
            return Err(at(format!(
                "there is no file {}; paths are relative to the folder of the list",
                path.display()
            )));
        }
        images.push((path, Some(label)));
    }
    if images.is_empty() {
        return Err(broken(
            "it lists no images: write a line PATH CLASS for each".into(),
        ));
    }
    let class_names = class_names(&images);
    files::read(images, name, class_names, options)
}

/// Path and class of a line; a path may have spaces.
fn parse(line: &str) -> Result<(&str, u16), String> {
    let parts = line.trim().rsplit_once(char::is_whitespace);
    let parsed = parts.and_then(|(path, class)| Some((path.trim_end(), class.parse().ok()?)));
    parsed.ok_or_else(|| {
        format!(
            "\"{}\" is not PATH CLASS, with the class as a number from 0 to {}",
            line.trim(),
            u16::MAX
        )
    })
}

fn class_names(images: &[(PathBuf, Option<u16>)]) -> Option<Vec<String>> {
    let mut folders: BTreeMap<u16, &OsStr> = BTreeMap::new();
    for (path, label) in images {
        let folder = path.parent()?.file_name()?;
        if *folders.entry((*label)?).or_insert(folder) != folder {
            return None;
        }
    }
    let names: Vec<String> = folders
        .values()
        .map(|folder| composed(&folder.to_string_lossy()))
        .collect();
    let is_whole = folders
        .keys()
        .enumerate()
        .all(|(index, &class)| index == usize::from(class));
    let distinct: std::collections::BTreeSet<&String> = names.iter().collect();
    (is_whole && distinct.len() == names.len()).then_some(names)
}
