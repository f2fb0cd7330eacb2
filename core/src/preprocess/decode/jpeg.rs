//! JPEG by `zune-jpeg` itself: through `image` it cannot be told to be strict, and fills what is
//! missing of a truncated file with grey.

use image::RgbImage;
use image::metadata::Orientation;
use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::{DecodeError, ImageFormat, Limits, Rgb8, upright};

pub(super) fn decode(bytes: &[u8], limits: Limits) -> Result<Rgb8, DecodeError> {
    let outline = outline(bytes);
    if let Some(feature) = outline.frame.and_then(unsupported) {
        let (format, feature) = (ImageFormat::Jpeg, feature.to_owned());
        return Err(DecodeError::UnsupportedFeature { format, feature });
    }
    // CMYK and YCCK come out as RGB too, taken for inverted as Adobe writes them.
    let options = DecoderOptions::default()
        .set_strict_mode(true)
        .set_max_width(usize::MAX)
        .set_max_height(usize::MAX)
        // A small file can ask for many passes over a large picture; real ones ask for about ten.
        .jpeg_set_max_scans(64)
        .jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(from_zune)?;
    let (Some(info), Some(length)) = (decoder.info(), decoder.output_buffer_size()) else {
        return Err(DecodeError::corrupt(ImageFormat::Jpeg, "it has no header"));
    };
    let (width, height) = (u32::from(info.width), u32::from(info.height));
    limits.check(width, height)?;
    // Even a strict decoder does not mind the last rows of blocks missing.
    if !outline.whole {
        return Err(DecodeError::truncated(ImageFormat::Jpeg));
    }
    let mut pixels = vec![0; length];
    decoder.decode_into(&mut pixels).map_err(from_zune)?;
    let picture = RgbImage::from_raw(width, height, pixels)
        .ok_or_else(|| DecodeError::corrupt(ImageFormat::Jpeg, "it has no whole picture"))?;
    let orientation = decoder
        .exif()
        .and_then(|exif| Orientation::from_exif_chunk(exif));
    Ok(upright(
        picture,
        orientation.unwrap_or(Orientation::NoTransforms),
    ))
}

/// What the markers of a file tell, which the decoder does not.
#[derive(Default)]
struct Outline {
    /// The kind of frame (the marker's second byte) and its bits a sample.
    frame: Option<(u8, u8)>,
    /// Whether the first picture is closed by an end-of-image marker.
    whole: bool,
}

fn outline(bytes: &[u8]) -> Outline {
    let mut outline = Outline::default();
    let mut rest = bytes;
    loop {
        match rest {
            [0xFF, 0xD9, ..] => {
                return Outline {
                    whole: true,
                    ..outline
                };
            }
            // Within the compressed data: a stuffed 0xFF, a fill byte, or a restart marker.
            [0xFF, 0x00 | 0x01 | 0xD0..=0xD8, tail @ ..] => rest = tail,
            [0xFF, 0xFF, ..] => rest = &rest[1..],
            [0xFF, marker, high, low, tail @ ..] => {
                let is_frame =
                    matches!(marker, 0xC0..=0xCF) && !matches!(marker, 0xC4 | 0xC8 | 0xCC);
                if let (true, [bits, ..]) = (is_frame, tail) {
                    outline.frame.get_or_insert((*marker, *bits));
                }
                let length = usize::from(u16::from_be_bytes([*high, *low]));
                // A picture within a segment (a thumbnail) has an end of its own.
                rest = rest.get(2 + length..).unwrap_or_default();
            }
            [_, tail @ ..] => {
                let next = tail
                    .iter()
                    .position(|&byte| byte == 0xFF)
                    .unwrap_or(tail.len());
                rest = &tail[next..];
            }
            [] => return outline,
        }
    }
}

fn unsupported(frame: (u8, u8)) -> Option<&'static str> {
    match frame {
        (0xC0..=0xC2, 8) => None,
        (0xC0..=0xC2, _) => Some("a sample size other than 8 bits"),
        (0xC3, _) => Some("lossless coding"),
        (0xC5..=0xC7, _) => Some("hierarchical coding"),
        _ => Some("arithmetic coding"),
    }
}

fn from_zune(error: DecodeErrors) -> DecodeError {
    let format = ImageFormat::Jpeg;
    match error {
        DecodeErrors::ExhaustedData | DecodeErrors::IoErrors(_) => DecodeError::truncated(format),
        DecodeErrors::Format(reason) => DecodeError::corrupt(format, reason),
        DecodeErrors::FormatStatic(reason) => DecodeError::corrupt(format, reason),
        error => DecodeError::corrupt(format, error.to_string()),
    }
}
