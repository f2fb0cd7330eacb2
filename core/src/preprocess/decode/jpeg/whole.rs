//! Decoding that refuses what lacks a part of its data. The decoder takes bits that are not there for zeros, so long
//! as an end-of-image marker follows, and so half an image for a whole one.

use super::super::{DecodeError, ImageFormat};
use super::outline::{self, END_OF_IMAGE};
use super::{decoder, from_zune};

/// Put behind the data, for a decoder that needs more than there is: bits that begin no code (ITU-T T.81, C.2), and
/// more of them than it reads ahead. Each 0xFF has a zero behind it, or it would be a marker.
const NO_CODE: [u8; 16] = [
    0xFF, 0, 0xFF, 0, 0xFF, 0, 0xFF, 0, 0xFF, 0, 0xFF, 0, 0xFF, 0, 0xFF, 0,
];

/// Decodes the first image of a file. A progressive image may lack whole scans at its end, since nothing says how
/// many there should be; one of a single scan, which holds no detail, is taken for cut short.
pub(super) fn decode(file: &[u8], pixels: &mut [u8]) -> Result<(), DecodeError> {
    let truncated = DecodeError::truncated(ImageFormat::Jpeg);
    let Some(end) = outline::end(file) else {
        return Err(truncated);
    };
    let fenced = [&file[..end], &NO_CODE, &[0xFF, END_OF_IMAGE]].concat();
    if decoder(&fenced).decode_into(pixels).is_ok() {
        return Ok(());
    }
    let alone = [&file[..end], &[0xFF, END_OF_IMAGE]].concat();
    let alone = decoder(&alone).decode_into(pixels);
    Err(alone.map_or_else(from_zune, |()| truncated))
}
