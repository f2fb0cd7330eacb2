//! WebP, whose container is checked here first: the decoder believes what a chunk says about itself, and reserves
//! memory accordingly.

mod flags;
mod prefix_codes;

use std::borrow::Cow;
use std::io::Cursor;

use image::ImageDecoder;
use image::codecs::webp::WebPDecoder;

use super::{
    DecodeError, ImageFormat, Limits, Rgb8, flatten, from_image, orientation, read, upright,
};

type Check = Result<(), DecodeError>;
/// Width and height in pixels.
type Size = (u32, u32);

pub(super) fn decode(bytes: &[u8], limits: Limits) -> Result<Rgb8, DecodeError> {
    // Nothing after what was checked: the decoder would look there too.
    let checked = checked(bytes, limits)?;
    let mut decoder = WebPDecoder::new(Cursor::new(checked))
        .map_err(|error| from_image(error, ImageFormat::WebP))?;
    // Metadata that cannot be read is no reason to refuse the image.
    let exif = decoder.exif_metadata().ok().flatten();
    let picture = read(decoder, ImageFormat::WebP, limits)?;
    let orientation = orientation(exif.as_deref());
    Ok(upright(flatten::to_rgb(picture), orientation))
}

/// The file up to the length that it states, if all chunks are within it and in their places, and no frame is larger
/// than allowed or than what encloses it says; with flags that say what it holds.
fn checked(bytes: &[u8], limits: Limits) -> Result<Cow<'_, [u8]>, DecodeError> {
    let length = u32_at(bytes, 4).ok_or_else(truncated)? as usize;
    let file = bytes
        .get(..length.saturating_add(8))
        .ok_or_else(truncated)?;
    let body = file.get(12..).ok_or_else(truncated)?;
    let mut canvas = None;
    let mut is_animated = false;
    let mut frames = 0;
    let mut found = 0;
    let mut first = First::default();
    for (number, chunk) in Chunks(body).enumerate() {
        let (name, payload) = chunk?;
        found |= flags::of(&name, payload);
        match &name {
            b"VP8X" if number > 0 => return Err(misplaced("VP8X")),
            b"VP8X" => {
                let size = size24(payload, 4)?;
                limits.check(size.0, size.1)?;
                canvas = Some(size);
                is_animated = payload
                    .first()
                    .is_some_and(|flags| flags & flags::ANIMATION != 0);
            }
            b"ANMF" if !is_animated => return Err(misplaced("ANMF")),
            b"ANMF" => {
                frames += 1;
                check_frame(payload, frames == 1, limits)?;
            }
            _ => {
                check_bitstream(&name, payload, canvas, limits)?;
                first.check_codes(&name, payload, canvas)?;
            }
        }
    }
    Ok(match canvas {
        Some(_) => flags::corrected(file, found),
        None => Cow::Borrowed(file),
    })
}

fn check_frame(payload: &[u8], is_decoded: bool, limits: Limits) -> Check {
    let size = size24(payload, 6)?;
    limits.check(size.0, size.1)?;
    let mut first = First::default();
    let mut before = None;
    for chunk in Chunks(payload.get(16..).ok_or_else(truncated)?) {
        let (name, payload) = chunk?;
        // The decoder takes the first chunk for the image, and the one after an alpha channel for a lossy image.
        match (before.replace(name).as_ref(), &name) {
            (None, b"VP8 " | b"VP8L" | b"ALPH") | (Some(b"ALPH"), b"VP8 ") => {}
            (None | Some(b"ALPH"), _) => return Err(misplaced("another chunk")),
            _ => {}
        }
        check_bitstream(&name, payload, Some(size), limits)?;
        if is_decoded {
            first.check_codes(&name, payload, Some(size))?;
        }
    }
    Ok(())
}

fn check_bitstream(
    name: &[u8; 4],
    payload: &[u8],
    enclosing: Option<Size>,
    limits: Limits,
) -> Check {
    let size = match name {
        b"VP8 " => {
            let sides = u32_at(payload, 6).ok_or_else(truncated)?;
            (sides & 0x3FFF, (sides >> 16) & 0x3FFF)
        }
        b"VP8L" => lossless_size(payload)?,
        _ => return Ok(()),
    };
    limits.check(size.0, size.1)?;
    match enclosing {
        Some(enclosing) if enclosing != size => Err(DecodeError::corrupt(
            ImageFormat::WebP,
            format!(
                "it holds an image of {} x {} pixels, but says {} x {}",
                size.0, size.1, enclosing.0, enclosing.1
            ),
        )),
        _ => Ok(()),
    }
}

/// Which kinds of chunk have been checked: the decoder takes the first of each kind, and checking takes time.
#[derive(Default)]
struct First {
    picture: bool,
    alpha: bool,
}

impl First {
    /// Checks the prefix codes of what is coded losslessly.
    fn check_codes(&mut self, name: &[u8; 4], payload: &[u8], enclosing: Option<Size>) -> Check {
        let (seen, header, size) = match (name, enclosing) {
            (b"VP8L", _) => (&mut self.picture, LOSSLESS_HEADER, lossless_size(payload)?),
            (b"ALPH", Some(size)) => (&mut self.alpha, ALPHA_HEADER, size),
            _ => return Ok(()),
        };
        let is_raw = header == ALPHA_HEADER && payload.first().is_some_and(|kind| kind & 3 == 0);
        if std::mem::replace(seen, true) || is_raw {
            return Ok(());
        }
        let stream = payload.get(header..).ok_or_else(truncated)?;
        let reason = match prefix_codes::are_few(stream, size) {
            Some(true) => return Ok(()),
            Some(false) => "it announces more prefix codes than any encoder makes",
            None => "its prefix codes are cut short or invalid",
        };
        Err(DecodeError::corrupt(ImageFormat::WebP, reason))
    }
}

/// Bytes before the stream: the signature; then width, height, alpha and version.
const LOSSLESS_HEADER: usize = 5;
/// Bytes before the stream: how the alpha channel was filtered and compressed.
const ALPHA_HEADER: usize = 1;

fn lossless_size(payload: &[u8]) -> Result<Size, DecodeError> {
    let sides = u32_at(payload, 1).ok_or_else(truncated)?;
    Ok(((sides & 0x3FFF) + 1, ((sides >> 14) & 0x3FFF) + 1))
}

/// The chunks of a RIFF body: a name of four bytes, a length, and that many bytes, padded to an even number.
struct Chunks<'a>(&'a [u8]);

impl<'a> Iterator for Chunks<'a> {
    type Item = Result<([u8; 4], &'a [u8]), DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let chunk = split_chunk(self.0);
        self.0 = chunk.map_or(&[], |(_, _, rest)| rest);
        Some(
            chunk
                .map(|(name, payload, _)| (name, payload))
                .ok_or_else(truncated),
        )
    }
}

fn split_chunk(bytes: &[u8]) -> Option<([u8; 4], &[u8], &[u8])> {
    let (name, rest) = bytes.split_first_chunk::<4>()?;
    let length = u32_at(rest, 0)? as usize;
    let (payload, rest) = rest.get(4..)?.split_at_checked(length)?;
    // The last padding byte is often missing.
    Some((*name, payload, rest.get(length % 2..).unwrap_or_default()))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// Two sides of 24 bits, each stored as one less.
fn size24(payload: &[u8], at: usize) -> Result<(u32, u32), DecodeError> {
    match *payload.get(at..at + 6).unwrap_or_default() {
        [w0, w1, w2, h0, h1, h2] => {
            let side = |a, b, c| u32::from_le_bytes([a, b, c, 0]) + 1;
            Ok((side(w0, w1, w2), side(h0, h1, h2)))
        }
        _ => Err(truncated()),
    }
}

fn misplaced(chunk: &str) -> DecodeError {
    let reason = format!("it has {chunk} where none belongs");
    DecodeError::corrupt(ImageFormat::WebP, reason)
}

fn truncated() -> DecodeError {
    DecodeError::truncated(ImageFormat::WebP)
}
