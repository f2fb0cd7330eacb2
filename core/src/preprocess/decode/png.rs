use std::io::Cursor;

use image::codecs::png::PngDecoder;

use super::{DecodeError, ImageFormat, Limits, Rgb8, from_image, with_image};

pub(super) fn decode(bytes: &[u8], limits: Limits) -> Result<Rgb8, DecodeError> {
    // The decoder buffers a row, so the size is checked before there is one.
    if let [w0, w1, w2, w3, h0, h1, h2, h3] = *bytes.get(16..24).unwrap_or_default() {
        let width = u32::from_be_bytes([w0, w1, w2, w3]);
        limits.check(width, u32::from_be_bytes([h0, h1, h2, h3]))?;
    }
    let mut allowed = image::Limits::no_limits();
    allowed.max_alloc = Some(limits.max_bytes());
    let decoder = PngDecoder::with_limits(Cursor::new(bytes), allowed)
        .map_err(|error| from_image(error, ImageFormat::Png))?;
    with_image(decoder, ImageFormat::Png, limits)
}
