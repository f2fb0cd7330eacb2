//! Image sets: whatever the files look like, they become one [`ImageSet`].
//!
//! | layout | recognised by |
//! |---|---|
//! | WebP strips | `labels.bin` and `000.webp` |
//! | CIFAR-10, official | `data_batch_1.bin` … `data_batch_5.bin`, `test_batch.bin` |
//! | CIFAR-100, official | `train.bin`, `test.bin` |
//! | one file of CIFAR records | a file whose length is a multiple of 3,073 or 3,074 bytes |
//! | a list file (ImageNet-LT) | a file whose name ends in `.txt`: a line `PATH CLASS` for each image |
//! | a folder per class | folders with images inside, at any depth |
//! | images without labels | a folder with images |

mod align;
mod amount;
mod apart;
mod cifar_binary;
mod class_filter;
mod error;
mod files;
mod folder;
mod held_out;
mod image_set;
mod label_file;
pub mod labels;
mod list;
mod parallel;
mod parts;
mod spec;
#[cfg(test)]
mod tests;
mod webp_strips;

use std::path::Path;

use normgate_core::manifest::Preprocessing;
use normgate_core::preprocess::Preprocessor;

pub(crate) use align::renamed;
pub use amount::{Amount, NoAmount};
pub(crate) use apart::Learnt;
pub use class_filter::ClassFilter;
pub use error::DatasetError;
pub use files::decode_file;
pub use folder::is_read;
pub use held_out::HeldOut;
pub use image_set::ImageSet;
pub use spec::{SYNTAX, SetSpec};

/// Which of a data set's own splits to read, if the layout has both in one folder (CIFAR).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// The training images.
    Train,
    /// The test images.
    Test,
    /// Both, training first.
    All,
}

/// Which of CIFAR-100's two labels are the classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FineOrCoarse {
    /// The 100 classes.
    Fine,
    /// The 20 superclasses.
    Coarse,
}

/// How to read a set. There is no default, since nothing is worse than to read training images instead of test
/// images: begin with [`LoadOptions::train`] or [`LoadOptions::test`].
#[derive(Clone, Debug, PartialEq)]
pub struct LoadOptions {
    /// The split to read, if the layout has several.
    pub split: Split,
    /// The labels to read, if the layout has two kinds.
    pub labels: FineOrCoarse,
    /// How images of another size are brought to the model's. Without it they keep their size,
    /// and all images of a set must have the same.
    pub preprocessing: Option<Preprocessing>,
    /// The names of the classes, for layouts that have none (WebP strips).
    pub class_names: Option<Vec<String>>,
    /// Leaves images that are files of their own unread ([`ImageSet::files`]), for callers that read them as they are
    /// needed. Without preprocessing, which says their size, they are read nevertheless.
    pub in_files: bool,
    /// Whether the set must show classes: a folder of `train` and `test` is then refused. Auxiliary and OOD images
    /// need no classes.
    pub has_classes: bool,
    /// Filters that will choose among the set's classes: a folder without images is an error unless one of them
    /// leaves it out by name.
    pub class_filters: Vec<ClassFilter>,
}

impl LoadOptions {
    /// Reads the training images if the layout has both.
    pub fn train() -> Self {
        LoadOptions {
            split: Split::Train,
            labels: FineOrCoarse::Fine,
            preprocessing: None,
            class_names: None,
            in_files: false,
            has_classes: true,
            class_filters: Vec::new(),
        }
    }

    /// Reads the test images if the layout has both.
    pub fn test() -> Self {
        LoadOptions {
            split: Split::Test,
            ..LoadOptions::train()
        }
    }
}

/// Reads the image set at `path`, whichever layout it has. It is named after the last part of the path.
///
/// # Errors
///
/// [`DatasetError`], naming the file and the record or the reason: nothing is left out silently.
pub fn load(path: &Path, options: &LoadOptions) -> Result<ImageSet, DatasetError> {
    let mut set = read(path, options)?;
    // Strips that say "none of the classes" about every image are labelled too.
    if let (None, Some(names)) = (&set.class_names, &options.class_names)
        && (set.labels.iter().any(Option::is_some) || webp_strips::is_here(path))
    {
        set.align(names)?;
    }
    Ok(set)
}

fn read(path: &Path, options: &LoadOptions) -> Result<ImageSet, DatasetError> {
    let name = name_of(path);
    if !path.exists() {
        return Err(DatasetError::Missing { path: path.into() });
    }
    if path.is_file() && folder::is_image(path)? {
        return Err(DatasetError::BrokenFile {
            path: path.into(),
            reason: "it is an image, not a set of images: give the folder that it is in".into(),
        });
    }
    if path.is_file() && list::is_here(path) {
        return list::load(path, name, options);
    }
    if path.is_file() {
        return prepared(
            cifar_binary::load_file(path, name, options.labels)?,
            options,
        );
    }
    if webp_strips::is_here(path) {
        return prepared(webp_strips::load(path, name, options.labels)?, options);
    }
    if let Some(layout) = cifar_binary::find(path) {
        let set = cifar_binary::load(&layout, name, options.split, options.labels)?;
        return prepared(set, options);
    }
    folder::load(path, name, options)
}

/// The last part of the path; of a file without its extension, of a folder whole, since what follows a dot in it
/// (`v1.2`) is not an extension.
fn name_of(path: &Path) -> String {
    // "." and ".." have no name of their own, but the folder that they lead to has.
    let whole = match path.file_name() {
        None => path.canonicalize().unwrap_or_default(),
        Some(_) => path.to_path_buf(),
    };
    let last = match whole.is_dir() {
        true => whole.file_name(),
        false => whole.file_stem(),
    };
    last.map_or_else(
        || "images".into(),
        |last| last.to_string_lossy().into_owned(),
    )
}

/// A set of stored pixels, with its images as a model is shown them if it is read for one. (Image files are read like
/// that in the first place.)
fn prepared(set: ImageSet, options: &LoadOptions) -> Result<ImageSet, DatasetError> {
    let changes =
        |it: &&Preprocessing| !Preprocessor::new(it).keeps(set.width as u32, set.height as u32);
    let Some(preprocessing) = options.preprocessing.as_ref().filter(changes) else {
        return Ok(set);
    };
    let (width, height) = (preprocessing.width as usize, preprocessing.height as usize);
    let indices: Vec<usize> = (0..set.len()).collect();
    let start = || Preprocessor::new(preprocessing);
    let images = parallel::map(&indices, start, |preprocessor, &i| {
        let resized = preprocessor.resize(&set.picture(i));
        resized.map_err(|error| DatasetError::Unsuitable {
            set: set.name.clone(),
            reason: format!("image {i}: {error}"),
        })
    })?;
    let pixels = images.iter().flat_map(|image| &image.pixels).copied();
    Ok(ImageSet {
        width,
        height,
        pixels: pixels.collect(),
        ..set
    })
}
