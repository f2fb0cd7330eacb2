//! Image sets: whatever the files look like, they become one [`ImageSet`].
//!
//! | layout | recognised by |
//! |---|---|
//! | WebP strips | `000.webp` and `labels.bin` |

mod error;
pub mod holdout;
mod image_set;
pub mod labels;
pub mod long_tail;
mod parallel;
mod webp_strips;

use std::path::Path;

pub use error::DatasetError;
pub use image_set::ImageSet;

/// Which of a data set's own splits to read, where the layout has both in one folder (CIFAR).
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

/// How to read a set. There is no default, since training images where test images were meant is
/// the worst of mistakes: begin with [`LoadOptions::train`] or [`LoadOptions::test`].
#[derive(Clone, Debug, PartialEq)]
pub struct LoadOptions {
    /// The split to read, where the layout has several.
    pub split: Split,
    /// The labels to read, where the layout has two kinds.
    pub labels: FineOrCoarse,
}

impl LoadOptions {
    /// Reads the training images where the layout has both.
    pub fn train() -> Self {
        LoadOptions {
            split: Split::Train,
            labels: FineOrCoarse::Fine,
        }
    }

    /// Reads the test images where the layout has both.
    pub fn test() -> Self {
        LoadOptions {
            split: Split::Test,
            ..LoadOptions::train()
        }
    }
}

/// Reads the image set at `path`, whichever layout it has.
///
/// # Errors
///
/// [`DatasetError`], naming the file and the record or the reason: nothing is left out in silence.
pub fn load(path: &Path, options: &LoadOptions) -> Result<ImageSet, DatasetError> {
    let name = path.file_stem().map_or_else(
        || "images".into(),
        |stem| stem.to_string_lossy().into_owned(),
    );
    if !path.exists() {
        return Err(DatasetError::Missing { path: path.into() });
    }
    if webp_strips::is_here(path) {
        return webp_strips::load(path, name, options.labels);
    }
    Err(DatasetError::UnknownLayout {
        path: path.into(),
        found: "neither strips nor records nor images are in it".into(),
    })
}
