use std::io::Cursor;

use image::DynamicImage;
use image::codecs::bmp::BmpDecoder;
use image::metadata::Orientation;

use super::{DecodeError, ImageFormat, Limits, Rgb8, flatten, from_image, read, upright};

pub(super) fn decode(bytes: &[u8], limits: Limits) -> Result<Rgb8, DecodeError> {
    let (width, height) = size(bytes).ok_or_else(|| DecodeError::truncated(ImageFormat::Bmp))?;
    // The decoder has limits of its own, and calls what exceeds them damaged.
    limits.check(width, height)?;
    // The decoder calls this too large.
    if width == 0 || height == 0 {
        return Err(DecodeError::corrupt(ImageFormat::Bmp, "it has no pixels"));
    }
    let decoder =
        BmpDecoder::new(Cursor::new(bytes)).map_err(|error| from_image(error, ImageFormat::Bmp))?;
    let picture = read(decoder, ImageFormat::Bmp, limits)?;
    let picture = match is_all_transparent(&picture) {
        true => picture.into_rgb8(),
        false => flatten::to_rgb(picture),
    };
    Ok(upright(picture, Orientation::NoTransforms))
}

/// Whether every pixel is transparent. Many programs have a place for transparency and leave it 0; browsers and
/// Pillow, too, then treat the image as opaque.
fn is_all_transparent(picture: &DynamicImage) -> bool {
    let pixels = picture.as_rgba8().map(image::RgbaImage::pixels);
    pixels.is_some_and(|mut pixels| pixels.all(|pixel| pixel.0[3] == 0))
}

/// The width and height in the header, which have 16 bits in OS/2's header and 32 in all others. A height below 0
/// means that the rows run downwards.
fn size(bytes: &[u8]) -> Option<(u32, u32)> {
    let header = bytes.get(14..)?;
    let u16_at = |at| Some(u16::from_le_bytes(*header.get(at..)?.first_chunk()?));
    let i32_at = |at| Some(i32::from_le_bytes(*header.get(at..)?.first_chunk()?));
    match header {
        [12, ..] => Some((u16_at(4)?.into(), u16_at(6)?.into())),
        _ => Some((i32_at(4)?.unsigned_abs(), i32_at(8)?.unsigned_abs())),
    }
}
