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
    let mut length = 2;
    let measured = walk(file, |_, content| length += 2 + content.len());
    // Most files have nothing to be left out, and are not copied.
    if measured.is_none() || length == file.len() {
        return Cow::Borrowed(file);
    }
    let mut tidied = Vec::with_capacity(length);
    tidied.extend([0xFF, 0xD8]);
    walk(file, |marker, content| {
        tidied.extend([0xFF, marker]);
        tidied.extend(content);
    });
    Cow::Owned(tidied)
}

/// Goes through what is kept: segments, and from the first scan on all the rest. `None` if there is no scan, or a
/// segment is longer than the file.
fn walk(file: &[u8], mut keep: impl FnMut(u8, &[u8])) -> Option<()> {
    for (marker, segment) in Markers(file) {
        match marker {
            END_OF_IMAGE => return None,
            SCAN => {
                keep(SCAN, segment);
                return Some(());
            }
            _ => {
                let length = u16::from_be_bytes(*segment.first_chunk()?);
                let content = segment.get(..usize::from(length))?;
                if marker != ADOBE || content.len() >= ADOBE_LENGTH {
                    keep(marker, content);
                }
            }
        }
    }
    None
}
