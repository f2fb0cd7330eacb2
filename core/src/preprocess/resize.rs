//! From a picture of any size to one of the model's.

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8x3;
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};

use super::{PreprocessError, Rgb8};
use crate::manifest::{Filter, Preprocessing, Resize};

type Size = (u32, u32);

pub(super) struct Scaler {
    width: u32,
    height: u32,
    shape: Resize,
    filter: FilterType,
    resizer: Resizer,
    narrowed: Vec<u8>,
    scaled: Vec<u8>,
}

impl Scaler {
    pub(super) fn new(preprocessing: &Preprocessing) -> Self {
        Self {
            width: preprocessing.width,
            height: preprocessing.height,
            shape: preprocessing.resize,
            filter: match preprocessing.filter {
                Filter::Box => FilterType::Box,
                Filter::Bilinear => FilterType::Bilinear,
                Filter::CatmullRom => FilterType::CatmullRom,
                Filter::Lanczos3 => FilterType::Lanczos3,
            },
            resizer: Resizer::new(),
            narrowed: Vec::new(),
            scaled: Vec::new(),
        }
    }

    pub(super) fn size(&self) -> Size {
        (self.width, self.height)
    }

    pub(super) fn output_bytes(&self) -> usize {
        bytes(self.size())
    }

    /// The picture's pixels at the model's size; its own where it has that size already.
    pub(super) fn scale<'a>(&'a mut self, image: &'a Rgb8) -> Result<&'a [u8], PreprocessError> {
        let Rgb8 {
            width,
            height,
            ref pixels,
        } = *image;
        let expected = 3 * u128::from(width) * u128::from(height);
        if expected == 0 || pixels.len() as u128 != expected {
            let bytes = pixels.len();
            return Err(PreprocessError::NotAPicture {
                width,
                height,
                bytes,
            });
        }
        if (width, height) == self.size() {
            return Ok(pixels);
        }
        let [left, top, crop_width, crop_height] = self.crop(width, height);
        // Each way on its own, rows first, as Pillow does with most pictures, and image sets are
        // made by it: the resizer would begin with the columns, and what it rounds and cuts off
        // in between would differ by up to 4 levels.
        let narrow = (self.width, height);
        let across = [left, 0.0, crop_width, f64::from(height)];
        let down = [0.0, top, f64::from(self.width), crop_height];
        let (resizer, filter) = (&mut self.resizer, self.filter);
        pass(
            resizer,
            filter,
            pixels,
            (width, height),
            across,
            &mut self.narrowed,
            narrow,
        )?;
        let size = (self.width, self.height);
        pass(
            resizer,
            filter,
            &self.narrowed,
            narrow,
            down,
            &mut self.scaled,
            size,
        )?;
        Ok(&self.scaled)
    }

    /// The part of the picture that is shown to the model, in its own pixels: left, top, width,
    /// height. Scaling only that part saves scaling what would be cut off.
    fn crop(&self, width: u32, height: u32) -> [f64; 4] {
        let (width, height) = (f64::from(width), f64::from(height));
        let Resize::CentreCrop { shorter_side } = self.shape else {
            return [0.0, 0.0, width, height];
        };
        let shorter = width.min(height);
        let side = |side: u32| (shorter * f64::from(side) / f64::from(shorter_side)).min(shorter);
        let (crop_width, crop_height) = (side(self.width), side(self.height));
        // On whole pixels, so that what need not be scaled is not resampled either.
        let left = ((width - crop_width) / 2.0).floor();
        let top = ((height - crop_height) / 2.0).floor();
        [left, top, crop_width, crop_height]
    }
}

/// Typed images, since untyped ones would compile the resizer for every kind of pixel there is.
fn pass(
    resizer: &mut Resizer,
    filter: FilterType,
    from: &[u8],
    from_size: Size,
    [left, top, width, height]: [f64; 4],
    to: &mut Vec<u8>,
    to_size: Size,
) -> Result<(), PreprocessError> {
    to.resize(bytes(to_size), 0);
    let options = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(filter))
        .crop(left, top, width, height);
    let from =
        TypedImageRef::<U8x3>::from_buffer(from_size.0, from_size.1, from).map_err(failed)?;
    let mut to = TypedImage::<U8x3>::from_buffer(to_size.0, to_size.1, to).map_err(failed)?;
    resizer
        .resize_typed(&from, &mut to, &options)
        .map_err(failed)
}

fn bytes((width, height): Size) -> usize {
    3 * width as usize * height as usize
}

fn failed(error: impl std::fmt::Display) -> PreprocessError {
    PreprocessError::Resize {
        reason: error.to_string(),
    }
}
