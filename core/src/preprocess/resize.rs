//! Brings an image of any size to the model's.

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8x3;
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};

use super::decode::Extent;
use super::{PreprocessError, Rgb8};
use crate::manifest::{Filter, Preprocessing, Resize};

/// An image between the two steps of scaling may always have this many pixels.
const ENOUGH_BETWEEN: u64 = 1 << 20;

/// The least width and height to which an image is scaled down while it is decoded, whatever the model's size. A
/// small model's score depends on few pixels, and so on the last bit of each.
const ENOUGH_OF_ANY: u32 = 256;

pub(super) struct Scaler {
    width: u32,
    height: u32,
    shape: Resize,
    filter: FilterType,
    resizer: Resizer,
    halfway: Vec<u8>,
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
            halfway: Vec::new(),
            scaled: Vec::new(),
        }
    }

    pub(super) fn size(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    /// The width and height from which on an image has all the detail that the model is shown.
    pub(super) fn enough(&self) -> (u32, u32) {
        let (width, height) = match self.shape {
            Resize::Stretch => (self.width, self.height),
            Resize::CentreCrop { shorter_side } => (shorter_side, shorter_side),
        };
        let enough = |side: u32| match self.filter {
            // It takes whole pixels or none, and larger ones lie elsewhere.
            FilterType::Box => u32::MAX,
            _ => (side * 5 / 2).max(ENOUGH_OF_ANY),
        };
        (enough(width), enough(height))
    }

    pub(super) fn output_bytes(&self) -> usize {
        3 * self.width as usize * self.height as usize
    }

    /// Whether an image of this size is shown to the model as it is.
    pub(super) fn keeps(&self, width: u32, height: u32) -> bool {
        let whole = [0.0, 0.0, f64::from(width), f64::from(height)];
        (width, height) == self.size() && self.crop_of(width, height) == whole
    }

    /// The image's pixels at the model's size; its own pixels if the model is shown the image as it is.
    pub(super) fn scale<'a>(
        &'a mut self,
        image: &'a Rgb8,
        extent: Extent,
    ) -> Result<&'a [u8], PreprocessError> {
        let Rgb8 {
            width,
            height,
            ref pixels,
        } = *image;
        let expected = 3 * u128::from(width) * u128::from(height);
        if expected == 0 || pixels.len() as u128 != expected {
            return Err(PreprocessError::NotAPicture {
                width,
                height,
                bytes: pixels.len(),
            });
        }
        if extent.pixel == 1 && self.keeps(width, height) {
            return Ok(pixels);
        }
        let [left, top, crop_width, crop_height] = self.crop(extent);
        // One direction after the other, width first, as Pillow does with most images, since image sets are made with
        // Pillow. By itself the resizer would begin with the height, and what it rounds and clips in between would
        // differ by up to 4 levels. For a tall sliver, scaling the width first would take many times the memory of
        // the image.
        let (rows, columns) = (f64::from(height), f64::from(width));
        let (between, first, second) = if self.goes_rows_first(width, height) {
            let across = self.options(left, 0.0, crop_width, rows);
            let down = self.options(0.0, top, f64::from(self.width), crop_height);
            ((self.width, height), across, down)
        } else {
            let down = self.options(0.0, top, columns, crop_height);
            let across = self.options(left, 0.0, crop_width, f64::from(self.height));
            ((width, self.height), down, across)
        };
        // Typed, because the untyped call compiles the kernels of every pixel type into this crate.
        let source = picture((width, height), pixels)?;
        let mut halfway = canvas(&mut self.halfway, between)?;
        self.resizer
            .resize_typed(&source, &mut halfway, &first)
            .map_err(failed)?;
        let halfway = picture(between, &self.halfway)?;
        let mut scaled = canvas(&mut self.scaled, (self.width, self.height))?;
        self.resizer
            .resize_typed(&halfway, &mut scaled, &second)
            .map_err(failed)?;
        if self.halfway.capacity() as u64 > 3 * ENOUGH_BETWEEN {
            self.halfway = Vec::new();
        }
        Ok(&self.scaled)
    }

    fn goes_rows_first(&self, width: u32, height: u32) -> bool {
        let pixels = |width: u32, height: u32| u64::from(width) * u64::from(height);
        pixels(self.width, height) <= pixels(width, height).max(ENOUGH_BETWEEN)
    }

    fn options(&self, left: f64, top: f64, width: f64, height: f64) -> ResizeOptions {
        ResizeOptions::new()
            .resize_alg(ResizeAlg::Convolution(self.filter))
            .crop(left, top, width, height)
    }

    /// The part of the image that is shown to the model, in decoded pixels: left, top, width, height. Scaling only
    /// that part saves scaling what would be cut off.
    fn crop(&self, extent: Extent) -> [f64; 4] {
        let [left, top, width, height] = self.crop_of(extent.width, extent.height);
        let (left, top) = (left + f64::from(extent.left), top + f64::from(extent.top));
        [left, top, width, height].map(|length| length / f64::from(extent.pixel))
    }

    /// The same for an image of this size, in the file's pixels.
    fn crop_of(&self, width: u32, height: u32) -> [f64; 4] {
        let Resize::CentreCrop { shorter_side } = self.shape else {
            return [0.0, 0.0, f64::from(width), f64::from(height)];
        };
        // As torchvision's `Resize` and `CenterCrop` do one after the other: scaled sides are whole numbers of
        // pixels, and so are the crop's offsets.
        let cut = |side: u32, shown: u32| {
            let scaled =
                u64::from(side) * u64::from(shorter_side) / u64::from(width.min(height).max(1));
            let scaled = (scaled as f64).max(1.0);
            let before = ((scaled - f64::from(shown)) / 2.0).round_ties_even();
            let (pixel, side) = (f64::from(side) / scaled, f64::from(side));
            let start = before * pixel;
            (start, (f64::from(shown) * pixel).min(side - start))
        };
        let (left, crop_width) = cut(width, self.width);
        let (top, crop_height) = cut(height, self.height);
        [left, top, crop_width, crop_height]
    }
}

fn picture(
    (width, height): (u32, u32),
    pixels: &[u8],
) -> Result<TypedImageRef<'_, U8x3>, PreprocessError> {
    TypedImageRef::from_buffer(width, height, pixels).map_err(failed)
}

fn canvas(
    buffer: &mut Vec<u8>,
    (width, height): (u32, u32),
) -> Result<TypedImage<'_, U8x3>, PreprocessError> {
    buffer.resize(3 * width as usize * height as usize, 0);
    TypedImage::from_buffer(width, height, buffer).map_err(failed)
}

fn failed(error: impl std::fmt::Display) -> PreprocessError {
    PreprocessError::Resize {
        reason: error.to_string(),
    }
}
