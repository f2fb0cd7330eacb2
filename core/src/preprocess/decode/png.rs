use std::io::Cursor;

use image::codecs::png::PngDecoder;

use super::{
    DecodeError, ImageFormat, Limits, Rgb8, flatten, from_image, orientation, read, upright,
};

/// Lengths in bytes: of what every file begins with, and of what follows a chunk's content.
const SIGNATURE: usize = 8;
const CHECKSUM: usize = 4;
/// The most chunks that a file may have. The decoder keeps those that are text, and a file of 32 MiB can have nearly
/// three million. With pixels in pieces of a kilobyte, which nobody writes, it has 32,768.
const MOST_CHUNKS: usize = 100_000;
/// The most bytes of a pixel, which are those of 16-bit RGBA, and the room for metadata beside the pixels.
const MOST_BYTES: u64 = 8;
const METADATA: u64 = 16 << 20;

pub(super) fn decode(bytes: &[u8], limits: Limits) -> Result<Rgb8, DecodeError> {
    let mut allowed = image::Limits::no_limits();
    // The decoder buffers a row, so the size is checked before there is a decoder.
    if let Some((b"IHDR", [w0, w1, w2, w3, h0, h1, h2, h3, ..])) = chunks(bytes).next() {
        let width = u32::from_be_bytes([*w0, *w1, *w2, *w3]);
        let height = u32::from_be_bytes([*h0, *h1, *h2, *h3]);
        limits.check(width, height)?;
        allowed.max_alloc = Some(u64::from(width) * u64::from(height) * MOST_BYTES + METADATA);
    }
    if chunks(bytes).nth(MOST_CHUNKS).is_some() {
        let reason = format!("it has more than {MOST_CHUNKS} chunks");
        return Err(DecodeError::corrupt(ImageFormat::Png, reason));
    }
    let decoder = PngDecoder::with_limits(Cursor::new(bytes), allowed)
        .map_err(|error| in_words(from_image(error, ImageFormat::Png)))?;
    let picture = read(decoder, ImageFormat::Png, limits).map_err(in_words)?;
    Ok(upright(flatten::to_rgb(picture), orientation(exif(bytes))))
}

/// The content of the first `eXIf` chunk. The decoder sees none after the pixels, where exiftool writes it.
fn exif(bytes: &[u8]) -> Option<&[u8]> {
    chunks(bytes).find_map(|(kind, content)| (kind == b"eXIf").then_some(content))
}

/// The chunks, name and content, as far as they are complete, up to the one that ends the image.
fn chunks(bytes: &[u8]) -> impl Iterator<Item = (&[u8; 4], &[u8])> {
    let mut left = bytes.get(SIGNATURE..);
    std::iter::from_fn(move || {
        let (length, rest) = left?.split_first_chunk()?;
        let (kind, rest) = rest.split_first_chunk()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (content, rest) = rest.split_at_checked(length)?;
        left = rest.get(CHECKSUM..).filter(|_| kind != b"IEND");
        Some((kind, content))
    })
}

/// Replaces how the decoder shows a chunk to programmers, `ChunkType { type: IDAT, critical: true, … }`, by its name.
fn in_words(error: DecodeError) -> DecodeError {
    let DecodeError::Corrupt { format, reason } = error else {
        return error;
    };
    let shown = || {
        let (before, rest) = reason.split_once("ChunkType { type: ")?;
        let (name, rest) = rest.split_once(", critical: ")?;
        let (_, after) = rest.split_once(" }")?;
        Some(format!("{before}{name}{after}"))
    };
    let words = shown().unwrap_or_else(|| reason.clone());
    DecodeError::corrupt(format, words)
}
