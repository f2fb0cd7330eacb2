//! From image files with their classes to a set: read at once, or left for later.

use std::convert::Infallible;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use normgate_core::preprocess::{self, Limits, Preprocessor, Rgb8};

use super::{DatasetError, ImageSet, LoadOptions, parallel};

/// At most this many broken images are named; the others are counted.
const NAMED: usize = 10;

/// The set of these files, in this order.
pub(crate) fn read(
    files: Vec<(PathBuf, Option<u16>)>,
    name: String,
    class_names: Option<Vec<String>>,
    options: &LoadOptions,
) -> Result<ImageSet, DatasetError> {
    if let (true, Some(preprocessing)) = (options.in_files, &options.preprocessing) {
        let (files, labels) = files.into_iter().unzip();
        return Ok(ImageSet {
            name,
            width: preprocessing.width as usize,
            height: preprocessing.height as usize,
            files,
            labels,
            class_names,
            ..ImageSet::default()
        });
    }
    let preprocessor = || options.preprocessing.as_ref().map(Preprocessor::new);
    let Ok(images) = parallel::map(&files, preprocessor, |preprocessor, (path, _)| {
        Ok::<_, Infallible>(decode(path, preprocessor.as_mut()))
    });
    let images = all_or_what_is_broken(images)?;
    let (width, height) = images
        .first()
        .map_or((0, 0), |image| (image.width, image.height));
    let other = images
        .iter()
        .position(|image| (image.width, image.height) != (width, height));
    if let Some(other) = other {
        return Err(DatasetError::BrokenFile {
            path: files[other].0.clone(),
            reason: format!(
                "{}x{} pixels, but {} has {width}x{height}: without a model or an image size to \
                 scale them to, all images must have the same size",
                images[other].width,
                images[other].height,
                files[0].0.display()
            ),
        });
    }
    let mut pixels = Vec::with_capacity(images.len() * (width * height * 3) as usize);
    for image in images {
        pixels.extend_from_slice(&image.pixels);
    }
    Ok(ImageSet {
        name,
        width: width as usize,
        height: height as usize,
        pixels,
        labels: files.into_iter().map(|(_, label)| label).collect(),
        class_names,
        ..ImageSet::default()
    })
}

/// Reads the images of a set that was left in its files.
pub(crate) fn read_in(set: ImageSet, options: &LoadOptions) -> Result<ImageSet, DatasetError> {
    let options = LoadOptions {
        in_files: false,
        ..options.clone()
    };
    let files = set.files.into_iter().zip(set.labels).collect();
    Ok(ImageSet {
        left_out: set.left_out,
        ..read(files, set.name, set.class_names, &options)?
    })
}

/// The set without the images that cannot be decoded, as far as they are in files of their own.
///
/// # Errors
///
/// [`DatasetError`] if the system, and not an image, is the problem.
pub(crate) fn readable(set: &ImageSet) -> Result<ImageSet, DatasetError> {
    if !set.is_in_files() {
        return Ok(set.clone());
    }
    let is_readable = parallel::map(
        &set.files,
        || (),
        |(), path| match decode(path, None) {
            Ok(_) => Ok(true),
            Err(DatasetError::BrokenImage { .. }) => Ok(false),
            // A link that leads nowhere.
            Err(DatasetError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => {
                Ok(false)
            }
            Err(error) => Err(error),
        },
    )?;
    let mut readable = set.filter(|i, _| is_readable[i]);
    readable.left_out += set.len() - readable.len();
    Ok(readable)
}

/// All images, or what is wrong with each that cannot be read: whoever repairs them wants to know about all at once.
fn all_or_what_is_broken(
    images: Vec<Result<Rgb8, DatasetError>>,
) -> Result<Vec<Rgb8>, DatasetError> {
    let of = images.len();
    let (read, broken): (Vec<_>, Vec<_>) = images.into_iter().partition(Result::is_ok);
    let mut broken: Vec<_> = broken.into_iter().filter_map(Result::err).collect();
    match broken.len() {
        0 => Ok(read.into_iter().flatten().collect()),
        1 => Err(broken.swap_remove(0)),
        count => Err(DatasetError::BrokenImages {
            count,
            of,
            first: broken.iter().take(NAMED).map(DatasetError::cause).collect(),
        }),
    }
}

/// An image file as it is: upright, sRGB, of its own size.
///
/// # Errors
///
/// [`DatasetError`] naming the file, and why it cannot be read.
pub fn decode_file(path: &Path) -> Result<Rgb8, DatasetError> {
    decode(path, None)
}

fn decode(path: &Path, preprocessor: Option<&mut Preprocessor>) -> Result<Rgb8, DatasetError> {
    let limits = Limits::default();
    let broken = |reason: String| DatasetError::BrokenImage {
        path: path.into(),
        reason,
    };
    let bytes = fs::read(path).map_err(|source| io(path, source))?;
    let Some(preprocessor) = preprocessor else {
        return preprocess::decode(&bytes, &limits).map_err(|error| broken(error.to_string()));
    };
    let image = preprocessor.decode(&bytes, &limits);
    image.map_err(|error| broken(error.to_string()))
}

pub(crate) fn io(path: &Path, source: std::io::Error) -> DatasetError {
    DatasetError::Io {
        path: path.into(),
        source,
    }
}
