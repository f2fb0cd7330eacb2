//! JPEG with `zune-jpeg` itself: through `image` it cannot be told to be strict, and fills with grey what is missing
//! from a truncated file.

mod outline;
mod scaled;
mod tidied;
mod unsupported;
mod whole;

use std::borrow::Cow;

use image::RgbImage;
use image::metadata::Orientation;
use memchr::memmem;
use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::{DecodeError, Decoded, Extent, ImageFormat, Limits, orientation, upright};

pub(super) fn decode(
    bytes: &[u8],
    limits: Limits,
    enough: Option<(u32, u32)>,
) -> Result<Decoded, DecodeError> {
    if let Some(feature) = unsupported::feature(bytes) {
        let (format, feature) = (ImageFormat::Jpeg, feature.to_owned());
        return Err(DecodeError::UnsupportedFeature { format, feature });
    }
    let tidied = tidied::tidied(bytes);
    let seen = without_extended_xmp(&tidied);
    let mut decoder = decoder(&seen);
    decoder.decode_headers().map_err(from_zune)?;
    let (Some(info), Some(length)) = (decoder.info(), decoder.output_buffer_size()) else {
        return Err(DecodeError::corrupt(ImageFormat::Jpeg, "it has no header"));
    };
    let (width, height) = (u32::from(info.width), u32::from(info.height));
    limits.check(width, height)?;
    let orientation = orientation(outline::exif(bytes));
    let colours = decoder.input_colorspace();
    if let (Some(ColorSpace::YCbCr | ColorSpace::Luma), Some(enough)) = (colours, enough)
        && let Some(decoded) = decode_scaled(&seen, (width, height), orientation, enough)
    {
        return Ok(decoded);
    }
    let mut pixels = vec![0; length];
    whole::decode(&seen, &mut pixels)?;
    let picture = RgbImage::from_raw(width, height, pixels)
        .ok_or_else(|| DecodeError::corrupt(ImageFormat::Jpeg, "it has no complete image"))?;
    Ok(Decoded::whole(upright(picture, orientation)))
}

fn decoder(file: &[u8]) -> JpegDecoder<ZCursor<&[u8]>> {
    // CMYK and YCCK become RGB too; they are taken to be inverted, as Adobe writes them.
    let options = DecoderOptions::default()
        .set_strict_mode(true)
        .set_max_width(usize::MAX)
        .set_max_height(usize::MAX)
        // A small file can ask for many passes over a large image; real ones ask for about ten.
        .jpeg_set_max_scans(64)
        .jpeg_set_out_colorspace(ColorSpace::RGB);
    JpegDecoder::new_with_options(ZCursor::new(file), options)
}

/// How an APP1 segment with a part of a long XMP document begins (Adobe, *XMP Specification Part 3*, 1.1.3.1).
const EXTENDED_XMP: &[u8] = b"http://ns.adobe.com/xmp/extension/\0";

/// The file with the parts of a long XMP document made unrecognisable. The decoder would try to put them together
/// again after each segment that follows, which takes seconds for each megabyte.
fn without_extended_xmp(bytes: &[u8]) -> Cow<'_, [u8]> {
    let mut found = memmem::find_iter(bytes, EXTENDED_XMP).peekable();
    if found.peek().is_none() {
        return Cow::Borrowed(bytes);
    }
    let mut changed = bytes.to_vec();
    for at in found {
        changed[at] = b'x';
    }
    Cow::Owned(changed)
}

/// The image at an eighth or a quarter, if that is enough and the file is an ordinary one.
fn decode_scaled(
    bytes: &[u8],
    size: (u32, u32),
    orientation: Orientation,
    enough: (u32, u32),
) -> Option<Decoded> {
    let is_enough = |pixel: &u32| {
        let Extent { width, height, .. } = Extent::scaled(*pixel, size).upright(orientation);
        width / pixel >= enough.0 && height / pixel >= enough.1
    };
    let pixel = [8, 4].into_iter().find(is_enough)?;
    let picture = scaled::decode(bytes, 8 / pixel as usize)?;
    Some(Decoded {
        image: upright(picture, orientation),
        extent: Extent::scaled(pixel, size).upright(orientation),
    })
}

/// Removes the name of the mode from a reason, since there is no other mode here.
fn without_mode(reason: &str) -> &str {
    reason.trim_start_matches("[strict-mode]:").trim_start()
}

fn from_zune(error: DecodeErrors) -> DecodeError {
    let format = ImageFormat::Jpeg;
    match error {
        DecodeErrors::ExhaustedData | DecodeErrors::IoErrors(_) => DecodeError::truncated(format),
        DecodeErrors::Format(reason) => DecodeError::corrupt(format, without_mode(&reason)),
        DecodeErrors::FormatStatic(reason) => DecodeError::corrupt(format, without_mode(reason)),
        error => DecodeError::corrupt(format, error.to_string()),
    }
}
