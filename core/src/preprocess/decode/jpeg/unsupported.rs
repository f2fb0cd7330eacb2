//! What is not decoded, or what the decoder would decode to wrong pixels without a word.

use super::outline::{END_OF_IMAGE, Markers, SCAN};

/// What keeps a file from being decoded, as far as its markers tell.
pub(super) fn feature(bytes: &[u8]) -> Option<&'static str> {
    let Frame {
        kind,
        bits,
        components,
    } = frame(bytes)?;
    match (kind, bits) {
        (0xC0..=0xC2, 8) if has_wider_colour(components) => {
            Some("colours with more columns than the brightness")
        }
        (0xC0 | 0xC1, 8) if has_several_scans(bytes, components.len()) => {
            Some("colour components in scans of their own")
        }
        (0xC0..=0xC2, 8) => None,
        (0xC0..=0xC2, _) => Some("a sample size other than 8 bits"),
        (0xC3, _) => Some("lossless coding"),
        (0xC5..=0xC7, _) => Some("hierarchical coding"),
        _ => Some("arithmetic coding"),
    }
}

/// What a frame's header says.
struct Frame<'a> {
    /// The marker's second byte.
    kind: u8,
    /// The bits of a sample.
    bits: u8,
    /// For each component its name, its sampling factors and its table.
    components: &'a [[u8; 3]],
}

fn frame(bytes: &[u8]) -> Option<Frame<'_>> {
    let is_frame =
        |marker: u8| matches!(marker, 0xC0..=0xCF) && !matches!(marker, 0xC4 | 0xC8 | 0xCC);
    let mut headers =
        Markers(bytes).take_while(|(marker, _)| !matches!(*marker, END_OF_IMAGE | SCAN));
    headers.find_map(|(kind, segment)| match segment {
        [_, _, bits, _, _, _, _, count, components @ ..] if is_frame(kind) => Some(Frame {
            kind,
            bits: *bits,
            components: components.as_chunks().0.get(..usize::from(*count))?,
        }),
        _ => None,
    })
}

fn across(component: &[u8; 3]) -> u8 {
    component[1] >> 4
}

/// Whether a component has more columns than the first: the decoder reckons the columns of each by the factors of
/// those up to it, and misreads them all without a word if a wider one follows.
fn has_wider_colour(components: &[[u8; 3]]) -> bool {
    components.iter().map(across).max() > components.first().map(across)
}

/// Whether a sequential image has its components in several scans. The decoder reads ahead, and where a row of blocks
/// fits into what it has read, takes the next scan's beginning for the end of this one; besides, it counts restart
/// intervals on from one scan to the next, and goes through each by the rows of the whole image.
fn has_several_scans(bytes: &[u8], components: usize) -> bool {
    let mut segments = Markers(bytes).take_while(|&(marker, _)| marker != END_OF_IMAGE);
    let first = segments.find(|&(marker, _)| marker == SCAN);
    matches!(first, Some((_, [_, _, count, ..])) if usize::from(*count) < components)
}
