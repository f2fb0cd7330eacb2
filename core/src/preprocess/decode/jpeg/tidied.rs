//! The headers of a file without what other decoders pass over, and `zune-jpeg`, so strict as is needed for the data,
//! refuses.

use std::borrow::Cow;

use super::outline::{END_OF_IMAGE, Markers, SCAN};

/// Adobe's segment, and how many bytes it has, its length included.
const ADOBE: u8 = 0xEE;
const ADOBE_LENGTH: usize = 14;

/// The file as it is, or without bytes that lie between the segments before the first scan (Photoshop leaves some,
/// cameras too), and without an Adobe segment that is too short to say anything.
pub(super) fn tidied(file: &[u8]) -> Cow<'_, [u8]> {
    match tidy(file) {
        Some(tidied) if tidied.len() != file.len() => Cow::Owned(tidied),
        _ => Cow::Borrowed(file),
    }
}

/// `None` if there is no scan, or a segment is longer than the file.
fn tidy(file: &[u8]) -> Option<Vec<u8>> {
    // Most files have nothing to be left out, and are not copied.
    let mut kept: Vec<(u8, &[u8])> = Vec::new();
    let mut length = 2;
    for (marker, segment) in Markers(file) {
        if marker == END_OF_IMAGE {
            return None;
        }
        if marker == SCAN {
            length += 2 + segment.len();
            if length == file.len() {
                return None;
            }
            let mut tidied = vec![0xFF, 0xD8];
            for (marker, segment) in kept {
                tidied.extend([0xFF, marker]);
                tidied.extend(segment);
            }
            tidied.extend([0xFF, SCAN]);
            tidied.extend(segment);
            return Some(tidied);
        }
        let [high, low, ..] = *segment else {
            return None;
        };
        let content = segment.get(..usize::from(u16::from_be_bytes([high, low])))?;
        if marker == ADOBE && content.len() < ADOBE_LENGTH {
            continue;
        }
        length += 2 + content.len();
        kept.push((marker, content));
    }
    None
}
