//! What a file's markers say and the decoder does not.

use memchr::memchr;

pub(super) const SCAN: u8 = 0xDA;
const APP1: u8 = 0xE1;
pub(super) const END_OF_IMAGE: u8 = 0xD9;

/// Where the data of the first image ends: at its end-of-image marker, or, if it is sequential and so has a single
/// scan, at whatever marker is behind that.
pub(super) fn end(bytes: &[u8]) -> Option<usize> {
    let (mut is_sequential, mut has_scan) = (false, false);
    for (marker, behind) in Markers(bytes) {
        if marker == END_OF_IMAGE || (is_sequential && has_scan) {
            return Some(bytes.len() - behind.len() - 2);
        }
        is_sequential |= matches!(marker, 0xC0 | 0xC1);
        has_scan |= marker == SCAN;
    }
    None
}

/// The first EXIF block, which others may follow that continue it or are an editor's leavings.
pub(super) fn exif(bytes: &[u8]) -> Option<&[u8]> {
    let mut headers =
        Markers(bytes).take_while(|(marker, _)| !matches!(*marker, END_OF_IMAGE | SCAN));
    headers.find_map(|(marker, segment)| {
        let length = u16::from_be_bytes(*segment.first_chunk()?);
        let content = segment.get(2..usize::from(length))?;
        (marker == APP1 && content.starts_with(b"Exif\0\0")).then_some(content)
    })
}

/// The markers of a file that have a segment, and those that end an image, each with what follows it. An image within
/// a segment (a thumbnail) has markers of its own, which are passed over.
pub(super) struct Markers<'a>(pub(super) &'a [u8]);

impl<'a> Iterator for Markers<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.0 {
                [0xFF, END_OF_IMAGE, rest @ ..] => {
                    self.0 = rest;
                    return Some((END_OF_IMAGE, rest));
                }
                // A 0xFF of the compressed data with its zero, or a marker without a segment; then a fill byte.
                [0xFF, 0x00 | 0x01 | 0xD0..=0xD8, rest @ ..] => self.0 = rest,
                [0xFF, 0xFF, ..] => self.0 = &self.0[1..],
                [0xFF, marker, high, low, ..] => {
                    let segment = &self.0[2..];
                    let length = usize::from(u16::from_be_bytes([*high, *low]));
                    self.0 = segment.get(length..).unwrap_or_default();
                    return Some((*marker, segment));
                }
                [_, rest @ ..] => {
                    self.0 = &rest[memchr(0xFF, rest).unwrap_or(rest.len())..];
                }
                [] => return None,
            }
        }
    }
}
