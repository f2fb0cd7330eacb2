//! From image files with their classes to a set: read at once, or left for later.

use std::fs;
use std::path::{Path, PathBuf};

use normgate_core::preprocess::{self, Limits, Preprocessor, Rgb8};

use super::{DatasetError, ImageSet, LoadOptions, parallel};

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
    let images = parallel::map(&files, preprocessor, |preprocessor, (path, _)| {
        decode(path, preprocessor.as_mut())
    })?;
    let (width, height) = images
        .first()
        .map_or((0, 0), |image| (image.width, image.height));
    let other = images
        .iter()
        .position(|image| (image.width, image.height) != (width, height));
    if let Some(other) = other {
        return Err(DatasetError::BrokenImage {
            path: files[other].0.clone(),
            reason: format!(
                "{}x{} pixels, where {} has {width}x{height}: without a model or an image size \
                 to bring them to, all images must have the same size",
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

/// A set that was left in its files, read.
pub(crate) fn read_in(set: ImageSet, options: &LoadOptions) -> Result<ImageSet, DatasetError> {
    let options = LoadOptions {
        in_files: false,
        ..options.clone()
    };
    let files = set.files.into_iter().zip(set.labels).collect();
    read(files, set.name, set.class_names, &options)
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
    preprocessor
        .resize(&image.map_err(|error| broken(error.to_string()))?)
        .map_err(|error| broken(error.to_string()))
}

pub(crate) fn io(path: &Path, source: std::io::Error) -> DatasetError {
    DatasetError::Io {
        path: path.into(),
        source,
    }
}
