//! GIF with the `gif` crate itself: through `image`, a frame's size cannot be checked before memory is reserved for
//! its pixels, and a missing end goes unnoticed.

use std::io::Cursor;

use gif::{ColorOutput, DecodeOptions, DecodingError, MemoryLimit};
use image::RgbImage;

use super::{DecodeError, ImageFormat, Limits, Rgb8, flatten};

/// The first frame, laid over a white screen.
pub(super) fn decode(bytes: &[u8], limits: Limits) -> Result<Rgb8, DecodeError> {
    let mut options = DecodeOptions::new();
    options.set_color_output(ColorOutput::RGBA);
    // Unknown extensions, that is: other blocks are damage.
    options.allow_unknown_blocks(true);
    if is_damaged(bytes) {
        let reason = "it has a block of an unknown type";
        return Err(DecodeError::corrupt(ImageFormat::Gif, reason));
    }
    options.set_memory_limit(MemoryLimit::Unlimited); // checked below, in pixels
    let mut decoder = options.read_info(Cursor::new(bytes)).map_err(from_gif)?;
    let (screen_width, screen_height) = (decoder.width(), decoder.height());
    limits.check(screen_width.into(), screen_height.into())?;
    let Some(frame) = decoder.next_frame_info().map_err(from_gif)? else {
        return Err(DecodeError::corrupt(ImageFormat::Gif, "it has no frame"));
    };
    let (left, top) = (u32::from(frame.left), u32::from(frame.top));
    let (frame_width, frame_height) = (u32::from(frame.width), u32::from(frame.height));
    // A frame that extends beyond the screen enlarges it, as in browsers.
    let width = u32::from(screen_width).max(left + frame_width);
    let height = u32::from(screen_height).max(top + frame_height);
    limits.check(width, height)?;
    if frame_width == 0 || frame_height == 0 {
        return Err(DecodeError::corrupt(
            ImageFormat::Gif,
            "its first frame is empty",
        ));
    }
    let mut frame = vec![0; decoder.buffer_size()];
    decoder.read_into_buffer(&mut frame).map_err(from_gif)?;

    let mut screen = RgbImage::from_pixel(width, height, image::Rgb([255; 3]));
    let rows = screen.rows_mut().skip(top as usize);
    for (row, frame_row) in rows.zip(frame.chunks_exact(4 * frame_width as usize)) {
        for (pixel, &rgba) in row.skip(left as usize).zip(frame_row.as_chunks().0) {
            pixel.0 = flatten::over_white(rgba);
        }
    }
    Ok(Rgb8 {
        width,
        height,
        pixels: screen.into_raw(),
    })
}

/// Whether something else than extensions comes before the first frame (GIF89a, 12 to 26).
fn is_damaged(bytes: &[u8]) -> bool {
    const EXTENSION: u8 = 0x21;
    const FRAME: u8 = 0x2C;
    const END: u8 = 0x3B;
    let flags = bytes.get(10).copied().unwrap_or_default();
    let palette = match flags & 0x80 {
        0 => 0,
        _ => 3 << ((flags & 7) + 1),
    };
    let mut at = 13 + palette;
    // What is missing, the decoder says.
    while let Some(&kind) = bytes.get(at) {
        match kind {
            FRAME | END => return false,
            EXTENSION => at += 2,
            _ => return true,
        }
        while let Some(&length @ 1..) = bytes.get(at) {
            at += 1 + usize::from(length);
        }
        at += 1;
    }
    false
}

fn from_gif(error: DecodingError) -> DecodeError {
    match error {
        DecodingError::Io(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            DecodeError::truncated(ImageFormat::Gif)
        }
        DecodingError::UnexpectedEof => DecodeError::truncated(ImageFormat::Gif),
        error => DecodeError::corrupt(ImageFormat::Gif, error.to_string()),
    }
}
