//! How a picture must be turned, by its EXIF block (CIPA DC-008, *Exif*, 4.6.4: Orientation).

use image::metadata::Orientation;

/// Orientation's number among the tags, and the types that it is written in: SHORT, and by some programs LONG.
const ORIENTATION: u16 = 0x0112;
const SHORT: u16 = 3;
const LONG: u16 = 4;

/// What the block's first directory says; none if it says nothing. Some programs, Pillow 9.2 among them, give the
/// block of a WebP the prefix that it has in a JPEG.
pub(super) fn orientation(block: Option<&[u8]>) -> Orientation {
    block
        .map(|block| block.strip_prefix(b"Exif\0\0").unwrap_or(block))
        .and_then(read)
        .unwrap_or(Orientation::NoTransforms)
}

fn read(block: &[u8]) -> Option<Orientation> {
    let is_little = match block.get(..4)? {
        b"II*\0" => true,
        b"MM\0*" => false,
        _ => return None,
    };
    let bytes = |at: usize, count: usize| block.get(at..at.checked_add(count)?);
    let short = |at| {
        let bytes = bytes(at, 2)?.try_into().ok()?;
        Some(match is_little {
            true => u16::from_le_bytes(bytes),
            false => u16::from_be_bytes(bytes),
        })
    };
    let long = |at| {
        let bytes = bytes(at, 4)?.try_into().ok()?;
        Some(match is_little {
            true => u32::from_le_bytes(bytes),
            false => u32::from_be_bytes(bytes),
        })
    };
    let directory = usize::try_from(long(4)?).ok()?;
    let entries = usize::from(short(directory)?);
    let mut places = (0..entries).map(|index| directory + 2 + 12 * index);
    let entry = places.find(|&entry| short(entry) == Some(ORIENTATION))?;
    let value = match short(entry + 2)? {
        SHORT => u32::from(short(entry + 8)?),
        LONG => long(entry + 8)?,
        _ => return None,
    };
    Orientation::from_exif(value.try_into().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(kind: u16, is_little: bool) -> Vec<u8> {
        let short = |value: u16| match is_little {
            true => value.to_le_bytes(),
            false => value.to_be_bytes(),
        };
        let long = |value: u32| match is_little {
            true => value.to_le_bytes(),
            false => value.to_be_bytes(),
        };
        let start: &[u8] = if is_little { b"II*\0" } else { b"MM\0*" };
        let value = match kind {
            SHORT => [short(6), short(0)].concat(),
            _ => long(6).to_vec(),
        };
        let entry = [&short(ORIENTATION)[..], &short(kind), &long(1), &value].concat();
        [start, &long(8), &short(1), &entry, &long(0)].concat()
    }

    #[test]
    fn an_orientation_is_a_short_or_a_long_of_either_order_with_the_prefix_of_a_jpeg_or_without() {
        for kind in [SHORT, LONG] {
            for is_little in [true, false] {
                let plain = block(kind, is_little);
                let prefixed = [b"Exif\0\0", &*plain].concat();
                for block in [&plain, &prefixed] {
                    assert_eq!(orientation(Some(block)), Orientation::Rotate90);
                }
            }
        }
    }

    #[test]
    fn a_block_cut_anywhere_or_of_another_type_turns_nothing() {
        let whole = block(SHORT, true);
        for end in 0..whole.len() - 6 {
            assert_eq!(orientation(Some(&whole[..end])), Orientation::NoTransforms);
        }
        assert_eq!(
            orientation(Some(&block(7, true))),
            Orientation::NoTransforms
        );
        assert_eq!(orientation(None), Orientation::NoTransforms);
        // A directory at the end of all addresses.
        let far = [b"II*\0", &u32::MAX.to_le_bytes()[..]].concat();
        assert_eq!(orientation(Some(&far)), Orientation::NoTransforms);
    }
}
