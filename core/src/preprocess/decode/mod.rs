//! Decoding, with one source file for each format; all give upright RGB, 8 bits a channel.
//!
//! Each reads the header first and refuses what is too large before it reserves memory for pixels, and refuses a file
//! that ends early: half an image would be classified like a whole one. (A progressive JPEG may lack whole scans at
//! its end: nothing says how many there should be, and what is there is the whole image, with less detail.)

mod bmp;
mod decoded;
mod exif;
mod flatten;
mod gif;
mod jpeg;
mod png;
mod webp;

use std::error::Error;

use image::error::UnsupportedErrorKind;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageError, RgbImage};

use super::format::looks_like;
use super::{DecodeError, ImageFormat, sniff};
pub(super) use decoded::{Decoded, Extent};
use exif::orientation;

/// The longest that a JPEG or GIF can have. The resampler takes memory for each pixel of a side.
pub(super) const LONGEST_SIDE: u32 = 65_535;

/// What an image may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The largest number of pixels, width × height. Decoding takes up to about 16 bytes for each, besides the file.
    pub max_pixels: u64,
}

impl Default for Limits {
    /// 50 megapixels: more than any phone's ordinary photo has.
    fn default() -> Self {
        Self {
            max_pixels: 50_000_000,
        }
    }
}

impl Limits {
    fn check(self, width: u32, height: u32) -> Result<(), DecodeError> {
        if u64::from(width) * u64::from(height) > self.max_pixels {
            return Err(DecodeError::TooLarge {
                width,
                height,
                limit: self.max_pixels,
            });
        }
        if width.max(height) > LONGEST_SIDE {
            return Err(DecodeError::TooLong { width, height });
        }
        Ok(())
    }
}

/// A decoded image: upright, sRGB, 8 bits a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rgb8 {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Row after row, R G B for each pixel: 3 × width × height bytes.
    pub pixels: Vec<u8>,
}

/// Decodes an image file that is completely in memory.
///
/// The format comes from the first bytes. EXIF orientation is applied, transparency is laid over white, 16 bits are
/// rounded to 8, grey and CMYK become RGB, and only the first frame of an animation is decoded. Colour profiles are
/// ignored: every image is taken for sRGB.
///
/// # Errors
/// [`DecodeError`] if it is not an image, is too large, or is damaged; a file that ends early is damaged.
pub fn decode(bytes: &[u8], limits: &Limits) -> Result<Rgb8, DecodeError> {
    decode_enough(bytes, *limits, None).map(|decoded| decoded.image)
}

/// Decodes as [`decode`] does, but at a fraction of its size if that is quicker and the result is still at least as
/// wide and high as `enough`.
pub(super) fn decode_enough(
    bytes: &[u8],
    limits: Limits,
    enough: Option<(u32, u32)>,
) -> Result<Decoded, DecodeError> {
    if bytes.is_empty() {
        return Err(DecodeError::Empty);
    }
    let whole = match sniff(bytes) {
        Some(ImageFormat::Jpeg) => return jpeg::decode(bytes, limits, enough),
        Some(ImageFormat::Png) => png::decode(bytes, limits),
        Some(ImageFormat::WebP) => webp::decode(bytes, limits),
        Some(ImageFormat::Gif) => gif::decode(bytes, limits),
        Some(ImageFormat::Bmp) => bmp::decode(bytes, limits),
        None => Err(DecodeError::UnsupportedFormat {
            looks_like: looks_like(bytes),
        }),
    };
    whole.map(Decoded::whole)
}

/// The pixels as they are in the file.
fn read(
    decoder: impl ImageDecoder,
    format: ImageFormat,
    limits: Limits,
) -> Result<DynamicImage, DecodeError> {
    let (width, height) = decoder.dimensions();
    limits.check(width, height)?;
    DynamicImage::from_decoder(decoder).map_err(|error| from_image(error, format))
}

fn upright(picture: RgbImage, orientation: Orientation) -> Rgb8 {
    let mut picture = DynamicImage::ImageRgb8(picture);
    picture.apply_orientation(orientation);
    let picture = picture.into_rgb8();
    let (width, height) = picture.dimensions();
    Rgb8 {
        width,
        height,
        pixels: picture.into_raw(),
    }
}

fn from_image(error: ImageError, format: ImageFormat) -> DecodeError {
    match error {
        ImageError::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            DecodeError::truncated(format)
        }
        ImageError::Unsupported(error) => DecodeError::UnsupportedFeature {
            format,
            feature: match error.kind() {
                UnsupportedErrorKind::GenericFeature(feature) => feature,
                _ => error.to_string(),
            },
        },
        // "Format error decoding Bmp: …" repeats what our own words say before it.
        ImageError::Decoding(error) => {
            let reason = error.source().map(ToString::to_string);
            DecodeError::corrupt(format, reason.unwrap_or_else(|| error.to_string()))
        }
        // Only for a PNG is there such a limit, and its pixels are within it.
        ImageError::Limits(_) => DecodeError::corrupt(
            format,
            "it has far more metadata than a picture of its size",
        ),
        error => DecodeError::corrupt(format, error.to_string()),
    }
}
