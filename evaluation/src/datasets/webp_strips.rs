//! WebP strips: `000.webp`, `001.webp`, … each with images of 32×32 pixels, one below the other (lossless), and
//! `labels.bin` with one byte an image (255: none of the classes) or two (CIFAR-100: coarse, fine) in the same order.
//! The smallest lossless form that a plain decoder reads.

use std::fs;
use std::path::{Path, PathBuf};

use super::{DatasetError, FineOrCoarse, ImageSet, files, labels, parallel};

const SIDE: usize = 32;
const IMAGE_BYTES: usize = SIDE * SIDE * 3;
/// The label of an image that is of none of the classes.
const NO_CLASS: u8 = 255;

/// Whether the folder has this layout.
pub(crate) fn is_here(folder: &Path) -> bool {
    folder.join("labels.bin").is_file() && folder.join("000.webp").is_file()
}

/// Reads the set; `name` is what it is called.
pub(crate) fn load(
    folder: &Path,
    name: String,
    choice: FineOrCoarse,
) -> Result<ImageSet, DatasetError> {
    let strips: Vec<PathBuf> = (0..)
        .map(|number| folder.join(format!("{number:03}.webp")))
        .take_while(|path| path.is_file())
        .collect();
    let images = parallel::map(&strips, || (), |(), path| decode(path))?;
    let pixels = images.concat();
    let count = pixels.len() / IMAGE_BYTES;

    let path = folder.join("labels.bin");
    let bytes = fs::read(&path).map_err(|source| files::io(&path, source))?;
    let mut set = ImageSet {
        name,
        width: SIDE,
        height: SIDE,
        pixels,
        ..ImageSet::default()
    };
    if bytes.len() == count {
        set.labels = bytes.iter().map(|&byte| class(byte)).collect();
    } else if bytes.len() == 2 * count {
        let pairs = bytes.chunks_exact(2);
        let (coarse, fine): (Vec<_>, Vec<_>) =
            pairs.map(|pair| (class(pair[0]), class(pair[1]))).unzip();
        let coarse_names = labels::owned(&labels::CIFAR100_COARSE);
        check(&path, "coarse ", &coarse, coarse_names.len())?;
        check(&path, "fine ", &fine, labels::CIFAR100.len())?;
        set.set_cifar100(
            coarse,
            fine,
            coarse_names,
            labels::owned(&labels::CIFAR100),
            choice,
        );
    } else {
        return Err(DatasetError::BrokenFile {
            path,
            reason: format!(
                "{} bytes for {count} images in {} strips: there must be one byte an image, or two \
                 (coarse, fine). A strip may be missing",
                bytes.len(),
                strips.len()
            ),
        });
    }
    Ok(set)
}

fn class(byte: u8) -> Option<u16> {
    (byte != NO_CLASS).then_some(u16::from(byte))
}

fn check(
    path: &Path,
    kind: &'static str,
    labels: &[Option<u16>],
    classes: usize,
) -> Result<(), DatasetError> {
    let wrong = labels
        .iter()
        .enumerate()
        .find_map(|(record, label)| Some((record, label.filter(|&l| usize::from(l) >= classes)?)));
    match wrong {
        None => Ok(()),
        Some((record, label)) => Err(DatasetError::LabelOutOfRange {
            path: path.into(),
            record,
            kind,
            label,
            classes,
        }),
    }
}

fn decode(path: &Path) -> Result<Vec<u8>, DatasetError> {
    let strip = files::decode_file(path)?;
    let (width, height) = (strip.width as usize, strip.height as usize);
    if width == SIDE && height % SIDE == 0 {
        return Ok(strip.pixels);
    }
    Err(DatasetError::BrokenFile {
        path: path.into(),
        reason: format!(
            "a strip is {SIDE} pixels wide and a multiple of {SIDE} high, but this image is \
             {width}x{height}"
        ),
    })
}
