//! From a stream's image, in memory or in a file, to the square of bytes that is then varied.

use std::borrow::Cow;

use normgate_core::manifest::{Filter, Preprocessing, Resize};
use normgate_core::preprocess::{PreprocessError, Preprocessor, Rgb8};
use normgate_evaluation::datasets::{DatasetError, ImageSet, decode_file};
use rand::RngExt;
use rand_pcg::Pcg64Mcg;

use crate::augment::{Crop, Rectangle, window};
use crate::batches::Stream;

/// The shares of an image's area that a small window has.
const WINDOW: (f64, f64) = (0.05, 0.25);

/// Which part of each image is shown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Part {
    /// The square in the centre: the whole of an image in memory.
    Whole,
    /// A small window, as [`window`] cuts it.
    Window,
    /// One drawn at random, of so much of the image's area: least and most.
    Drawn(f64, f64),
}

impl Part {
    /// What a way of cropping shows of training images, and of those that have to be auxiliary
    /// images too (`crops`: 5 to 25 %).
    #[must_use]
    pub fn of(crop: Crop, crops: bool) -> Self {
        match (crop, crops) {
            (Crop::Padded, false) => Part::Whole,
            (Crop::Padded, true) => Part::Window,
            (Crop::Resized, false) => Part::Drawn(0.2, 1.0),
            (Crop::Resized, true) => Part::Drawn(WINDOW.0, WINDOW.1),
        }
    }
}

/// Shows images. Owns its buffers: one for each thread.
pub struct Pictures {
    scaler: Preprocessor,
}

impl Pictures {
    /// For sets of the size of this one.
    #[must_use]
    pub fn new(like: &ImageSet) -> Self {
        Self {
            scaler: Preprocessor::new(&Preprocessing {
                width: like.width as u32,
                height: like.height as u32,
                resize: Resize::Stretch,
                filter: Filter::Bilinear,
                mean: [0.0; 3],
                std: [1.0; 3],
            }),
        }
    }

    /// Image `index` of a stream, or a part of it, at the stream's size (HWC bytes).
    ///
    /// # Errors
    ///
    /// [`DatasetError`] naming the file that cannot be read.
    pub fn show<'a>(
        &mut self,
        stream: &'a Stream,
        index: usize,
        random: &mut Pcg64Mcg,
    ) -> Result<Cow<'a, [u8]>, DatasetError> {
        let set = &stream.images;
        let (picture, path) = match (set.files.get(index), stream.part) {
            (None, Part::Whole) => return Ok(Cow::Borrowed(set.image(index))),
            (None, Part::Window) => return Ok(Cow::Owned(window::cut(set.image(index), random))),
            (None, Part::Drawn(..)) => (in_memory(set, index), None),
            (Some(path), _) => (decode_file(path)?, Some(path)),
        };
        let size = (picture.width, picture.height);
        let part = match stream.part {
            Part::Whole => Rectangle::square(size),
            Part::Window => Rectangle::draw(size, WINDOW, || random.random::<f64>()),
            Part::Drawn(least, most) => {
                Rectangle::draw(size, (least, most), || random.random::<f64>())
            }
        };
        let shown = self.scaler.resize(&part.cut(&picture));
        let unsuitable = |error: PreprocessError| match path {
            Some(path) => DatasetError::BrokenImage {
                path: path.clone(),
                reason: error.to_string(),
            },
            None => DatasetError::Unsuitable {
                set: set.name.clone(),
                reason: format!("image {index}: {error}"),
            },
        };
        Ok(Cow::Owned(shown.map_err(unsuitable)?.pixels))
    }
}

fn in_memory(set: &ImageSet, index: usize) -> Rgb8 {
    Rgb8 {
        width: set.width as u32,
        height: set.height as u32,
        pixels: set.image(index).to_vec(),
    }
}
