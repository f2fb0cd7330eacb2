//! What a file is, from its first bytes: names and declared types may be wrong.

use std::fmt;

/// An image format that is decoded here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ImageFormat {
    /// JPEG, baseline or progressive, 8 bits.
    Jpeg,
    /// PNG; the default image of an animated one.
    Png,
    /// WebP, lossy or lossless; the first frame of an animated one.
    WebP,
    /// GIF; the first frame of an animated one.
    Gif,
    /// Windows bitmap.
    Bmp,
}

impl ImageFormat {
    /// The media type, for example `image/jpeg`.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::WebP => "image/webp",
            Self::Gif => "image/gif",
            Self::Bmp => "image/bmp",
        }
    }
}

impl fmt::Display for ImageFormat {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Jpeg => "JPEG",
            Self::Png => "PNG",
            Self::WebP => "WebP",
            Self::Gif => "GIF",
            Self::Bmp => "BMP",
        })
    }
}

/// The format that the first bytes show, if it is one that is decoded here.
pub fn sniff(bytes: &[u8]) -> Option<ImageFormat> {
    match bytes {
        [0xFF, 0xD8, 0xFF, ..] => Some(ImageFormat::Jpeg),
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1A, b'\n', ..] => Some(ImageFormat::Png),
        [
            b'R',
            b'I',
            b'F',
            b'F',
            _,
            _,
            _,
            _,
            b'W',
            b'E',
            b'B',
            b'P',
            ..,
        ] => Some(ImageFormat::WebP),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(ImageFormat::Gif),
        // Two letters say little, so the header must also have a size that exists.
        [b'B', b'M', rest @ ..] => match rest.get(12..16) {
            Some([12 | 16 | 40 | 52 | 56 | 64 | 108 | 124, 0, 0, 0]) => Some(ImageFormat::Bmp),
            _ => None,
        },
        _ => None,
    }
}

/// What bytes that are not a supported image look like, for the error message.
pub(super) fn looks_like(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [b'I', b'I', b'*' | b'+', 0, ..] | [b'M', b'M', 0, b'*' | b'+', ..] => Some("TIFF"),
        [_, _, _, _, b'f', b't', b'y', b'p', brand @ ..] => Some(iso_media(brand)),
        [0xFF, 0x0A, ..] | [0, 0, 0, 12, b'J', b'X', b'L', b' ', ..] => Some("JPEG XL"),
        [0, 0, 0, 12, b'j', b'P', b' ', b' ', ..] => Some("JPEG 2000"),
        [b'8', b'B', b'P', b'S', ..] => Some("a Photoshop document"),
        [0, 0, 1, 0, ..] => Some("an ICO icon"),
        [b'q', b'o', b'i', b'f', ..] => Some("QOI"),
        [b'P', b'1'..=b'6', b' ' | b'\n' | b'\r' | b'\t', ..] => Some("a PNM image"),
        [b'%', b'P', b'D', b'F', ..] => Some("PDF"),
        [b'P', b'K', 3, 4, ..] => Some("a ZIP archive"),
        [0x1F, 0x8B, ..] => Some("gzip"),
        // The first bytes of a JPEG or a PNG that was read as UTF-8 (with U+FFFD for what is invalid) or as Latin-1,
        // and then written as UTF-8.
        [0xEF, 0xBF, 0xBD, 0xEF, 0xBF, 0xBD, ..]
        | [0xEF, 0xBF, 0xBD, b'P', b'N', b'G', ..]
        | [0xC3, 0xBF, 0xC3, 0x98, ..]
        | [0xC2, 0x89, b'P', b'N', b'G', ..] => Some("an image damaged by being read as text"),
        _ => text(bytes),
    }
}

fn iso_media(brand: &[u8]) -> &'static str {
    match brand {
        [b'a', b'v', b'i', b'f' | b's', ..] => "AVIF",
        [b'h', b'e', b'i' | b'v', _, ..] | [b'm', b'i' | b's', b'f', b'1', ..] => "HEIC",
        _ => "an MP4 or another ISO media file",
    }
}

fn text(bytes: &[u8]) -> Option<&'static str> {
    let bytes = bytes
        .strip_prefix(b"\xEF\xBB\xBF")
        .unwrap_or(bytes)
        .trim_ascii_start();
    let start = bytes[..bytes.len().min(1024)].to_ascii_lowercase();
    let holds = |word: &[u8]| start.windows(word.len()).any(|window| window == word);
    match start.as_slice() {
        [b'<', ..] if holds(b"<svg") => Some("SVG"),
        [b'<', ..] if holds(b"<!doctype html") || holds(b"<html") => Some("HTML"),
        [b'<', b'?', b'x', b'm', b'l', ..] => Some("XML"),
        [b'{' | b'[', ..] => Some("JSON"),
        [b'd', b'a', b't', b'a', b':', ..] => Some("a data: URL"),
        [b'h', b't', b't', b'p', b':', ..] | [b'h', b't', b't', b'p', b's', b':', ..] => {
            Some("a URL")
        }
        // The first bytes of a JPEG and of a PNG, in base64.
        [b'/', b'9', b'j', b'/', ..] | [b'i', b'v', b'b', b'o', b'r', b'w', ..] => {
            Some("an image in base64 text")
        }
        _ => None,
    }
}
