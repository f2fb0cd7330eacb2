//! The flags in a file's header, which say what the file holds. Programs that take out metadata or transparency may
//! leave its flag, and others set none. The decoder refuses a file that promises more than it holds, and takes no
//! notice of transparency that is not promised.

use std::borrow::Cow;

/// Where the flags are: in the first byte of `VP8X`, which is always the first chunk.
const PLACE: usize = 20;
pub(super) const ANIMATION: u8 = 0b10;
const XMP: u8 = 0b100;
const EXIF: u8 = 0b1000;
const ALPHA: u8 = 0b1_0000;

/// The flag for a chunk, if there is one and the decoder goes by it.
pub(super) fn of(name: &[u8; 4], payload: &[u8]) -> u8 {
    match name {
        b"EXIF" => EXIF,
        b"XMP " => XMP,
        b"ALPH" => ALPHA,
        b"VP8L" if payload.get(4).is_some_and(|byte| byte & 0b1_0000 != 0) => ALPHA,
        // A frame need not cover the canvas, which is transparent.
        b"ANMF" => ALPHA,
        _ => 0,
    }
}

/// A file that has a `VP8X` from which the canvas was read, so that its flags are there; with those of the chunks
/// found in it.
pub(super) fn corrected(file: &[u8], found: u8) -> Cow<'_, [u8]> {
    let flags = file[PLACE] & !(XMP | EXIF | ALPHA) | found;
    if flags == file[PLACE] {
        return Cow::Borrowed(file);
    }
    let mut file = file.to_vec();
    file[PLACE] = flags;
    Cow::Owned(file)
}
