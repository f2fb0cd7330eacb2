//! What a file's markers say and the decoder does not.

/// The kind of frame (the marker's second byte) and its bits per sample, as the headers say.
pub(super) fn frame(bytes: &[u8]) -> Option<(u8, u8)> {
    let is_frame =
        |marker: u8| matches!(marker, 0xC0..=0xCF) && !matches!(marker, 0xC4 | 0xC8 | 0xCC);
    let mut headers = Markers(bytes).take_while(|(marker, _)| !matches!(marker, 0xD9 | 0xDA));
    headers.find_map(|(marker, segment)| match segment {
        [_, _, bits, ..] if is_frame(marker) => Some((marker, *bits)),
        _ => None,
    })
}

/// Whether the first image ends with an end-of-image marker.
pub(super) fn is_whole(bytes: &[u8]) -> bool {
    Markers(bytes).any(|(marker, _)| marker == END_OF_IMAGE)
}

const END_OF_IMAGE: u8 = 0xD9;

/// The markers of a file that have a segment, and those that end an image, each with what follows it. An image within
/// a segment (a thumbnail) has markers of its own, which are passed over.
struct Markers<'a>(&'a [u8]);

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
                    let next = rest.iter().position(|&byte| byte == 0xFF);
                    self.0 = &rest[next.unwrap_or(rest.len())..];
                }
                [] => return None,
            }
        }
    }
}
