//! From a picture of any size to one of the model's.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use super::{PreprocessError, Rgb8};
use crate::manifest::{Filter, Preprocessing, Resize};

pub(super) struct Scaler {
    width: u32,
    height: u32,
    shape: Resize,
    filter: FilterType,
    resizer: Resizer,
    buffer: Vec<u8>,
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
            buffer: Vec::new(),
        }
    }

    pub(super) fn size(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    pub(super) fn output_bytes(&self) -> usize {
        3 * self.width as usize * self.height as usize
    }

    /// The picture's pixels at the model's size; its own where it has that size already.
    pub(super) fn scale<'a>(&'a mut self, image: &'a Rgb8) -> Result<&'a [u8], PreprocessError> {
        let Rgb8 {
            width,
            height,
            ref pixels,
        } = *image;
        let expected = u64::from(width) * u64::from(height) * 3;
        if expected == 0 || pixels.len() as u64 != expected {
            return Err(PreprocessError::NotAPicture {
                width,
                height,
                bytes: pixels.len(),
            });
        }
        if (width, height) == self.size() {
            return Ok(pixels);
        }
        let [left, top, crop_width, crop_height] = self.crop(width, height);
        let options = ResizeOptions::new()
            .resize_alg(ResizeAlg::Convolution(self.filter))
            .crop(left, top, crop_width, crop_height);
        self.buffer.resize(self.output_bytes(), 0);
        let source = ImageRef::new(width, height, pixels, PixelType::U8x3).map_err(failed)?;
        let mut target =
            Image::from_slice_u8(self.width, self.height, &mut self.buffer, PixelType::U8x3)
                .map_err(failed)?;
        self.resizer
            .resize(&source, &mut target, &options)
            .map_err(failed)?;
        Ok(&self.buffer)
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

fn failed(error: impl std::fmt::Display) -> PreprocessError {
    PreprocessError::Resize {
        reason: error.to_string(),
    }
}
