//! What can be wrong with an image set; messages name the file and say what to do.

use std::path::PathBuf;

/// Why an image set, or a part of it, could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatasetError {
    /// Nothing is at the path.
    #[error("there is no image set at {}: no such file or folder", path.display())]
    Missing {
        /// The path that was asked for.
        path: PathBuf,
    },
    /// What was to be class names is neither a list nor a file.
    #[error(
        "there is no file `{said}`, and it is no list of class names: give names separated by commas, cifar10, \
         cifar100, cifar100-coarse, or a file (text with a name a line, or JSON)"
    )]
    NoClassNames {
        /// What was given.
        said: String,
    },
    /// A file or folder could not be read.
    #[error("{} cannot be read: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The folder or file follows none of the layouts.
    #[error(
        "{} is not an image set: {found}. An image set is a folder of WebP strips with labels.bin, \
         the official CIFAR-10 or CIFAR-100 binary files, a folder with a folder of images for \
         each class, a folder of images, or a list (.txt) with a line PATH CLASS for each image",
        path.display()
    )]
    UnknownLayout {
        /// The folder or file.
        path: PathBuf,
        /// What was found there instead.
        found: String,
    },
    /// A file or folder of a known layout does not hold what the layout says.
    #[error("{}: {reason}", path.display())]
    BrokenFile {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// A label is larger than the layout or the class names allow.
    #[error(
        "{}: record {record} has the {kind}label {label}, but there are {classes} classes \
         (0 to {}): the file is damaged, or belongs to another data set",
        path.display(),
        classes.saturating_sub(1)
    )]
    LabelOutOfRange {
        /// The file.
        path: PathBuf,
        /// The record in that file, from 0.
        record: usize,
        /// "", "fine " or "coarse ".
        kind: &'static str,
        /// The label found.
        label: u16,
        /// The number of classes.
        classes: usize,
    },
    /// An image cannot be decoded or brought to size.
    #[error(
        "{}: {reason}. Repair or remove it, or add #readable to the set, which leaves such images out",
        path.display()
    )]
    BrokenImage {
        /// The image.
        path: PathBuf,
        /// What the decoder said.
        reason: String,
    },
    /// Several images cannot be decoded or brought to size.
    #[error(
        "{count} of {of} images cannot be read:\n  {}{}\nRepair or remove them, or add #readable to \
         the set, which leaves such images out",
        first.join("\n  "),
        match count - first.len() {
            0 => String::new(),
            more => format!("\n  and {more} more"),
        }
    )]
    BrokenImages {
        /// How many.
        count: usize,
        /// Of how many images.
        of: usize,
        /// Some of them, each with what is wrong with it.
        first: Vec<String>,
    },
    /// Two sets do not fit together.
    #[error("{first} and {second} cannot be joined: {reason}")]
    Mismatch {
        /// The name of the first set.
        first: String,
        /// The name of the second set.
        second: String,
        /// What differs.
        reason: String,
    },
    /// What was asked for makes no sense for this set.
    #[error("{set}: {reason}")]
    Unsuitable {
        /// The name of the set.
        set: String,
        /// What was asked for, why it is not possible, and what is.
        reason: String,
    },
}

impl DatasetError {
    /// What is wrong, without what to do about it.
    pub(crate) fn cause(&self) -> String {
        match self {
            Self::BrokenImage { path, reason } => format!("{}: {reason}", path.display()),
            error => error.to_string(),
        }
    }
}
