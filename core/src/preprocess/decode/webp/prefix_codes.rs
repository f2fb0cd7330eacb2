//! How many groups of prefix codes a lossless image announces. The decoder takes up to 57 KB for each before it has
//! read a pixel, and a file of a few megabytes can announce 65,536 for an image of 4 × 4.
//!
//! To find this, all that comes before the groups has to be read, as the
//! [WebP Lossless Bitstream Specification](https://www.rfc-editor.org/rfc/rfc9649#section-3) defines it: small
//! images, in codes of their own.

/// As many as libwebp's encoder makes (`MAX_HUFF_IMAGE_SIZE`).
const MOST: u32 = 2600;

/// Whether the stream, given without its header, announces no more groups than the image has blocks of the smallest
/// size, and no more than an encoder makes. (There can be gaps: libwebp joins blocks after it has numbered their
/// groups.) `None` if it ends early or its codes are invalid.
pub(super) fn are_few(stream: &[u8], (width, height): (u32, u32)) -> Option<bool> {
    let mut bits = Bits { stream, at: 0 };
    let mut columns = width;
    let mut seen = [false; 4];
    while bits.read(1)? == 1 {
        let transform = bits.read(2)?;
        if std::mem::replace(seen.get_mut(transform as usize)?, true) {
            return None;
        }
        match transform {
            SUBTRACT_GREEN => {}
            COLOUR_INDEXING => {
                let colours = bits.read(8)? + 1;
                largest_index(&mut bits, colours, 1)?;
                columns = columns.div_ceil(match colours {
                    0..=2 => 8,
                    3..=4 => 4,
                    5..=16 => 2,
                    _ => 1,
                });
            }
            _ => {
                let (across, down) = blocks(&mut bits, columns, height)?;
                largest_index(&mut bits, across, down)?;
            }
        }
    }
    colour_cache(&mut bits)?;
    if bits.read(1)? == 0 {
        return Some(true);
    }
    let (across, down) = blocks(&mut bits, columns, height)?;
    let groups = largest_index(&mut bits, across, down)? + 1;
    Some(groups <= MOST.min(columns.div_ceil(SMALLEST) * height.div_ceil(SMALLEST)))
}

/// The smallest side of a block.
const SMALLEST: u32 = 4;

const SUBTRACT_GREEN: u32 = 2;
const COLOUR_INDEXING: u32 = 3;

/// How many blocks there are each way.
fn blocks(bits: &mut Bits, width: u32, height: u32) -> Option<(u32, u32)> {
    let side = 1 << (bits.read(3)? + 2);
    Some((width.div_ceil(side), height.div_ceil(side)))
}

/// The number of colours in the cache, 0 if there is none.
fn colour_cache(bits: &mut Bits) -> Option<usize> {
    match bits.read(1)? {
        0 => Some(0),
        _ => Some(1 << bits.read(4)?),
    }
}

/// Reads a small image and returns the largest number that a pixel's red and green form.
///
/// In the image that says which block has which group, this number is the group's index. Pixels that are copied from
/// others need not be looked at.
fn largest_index(bits: &mut Bits, width: u32, height: u32) -> Option<u32> {
    let cached = colour_cache(bits)?;
    let green = Code::read(bits, 256 + 24 + cached)?;
    let others = [
        Code::read(bits, 256)?,
        Code::read(bits, 256)?,
        Code::read(bits, 256)?,
    ];
    let distance = Code::read(bits, 40)?;
    let mut left = width * height;
    let mut largest = 0;
    while left > 0 {
        let taken = match green.symbol(bits)? {
            value @ 0..=255 => {
                let red = others[0].symbol(bits)?;
                others[1].symbol(bits)?;
                others[2].symbol(bits)?;
                largest = largest.max(red << 8 | value);
                // One pixel for all of them, which takes no bits.
                match green.is_constant() && others.iter().all(Code::is_constant) {
                    true => left,
                    false => 1,
                }
            }
            prefix @ 256..=279 => {
                let length = with_extra_bits(bits, prefix - 256)?;
                let prefix = distance.symbol(bits)?;
                with_extra_bits(bits, prefix)?;
                length
            }
            _ => 1,
        };
        left = left.saturating_sub(taken);
    }
    Some(largest)
}

/// Reads the extra bits of a length or a distance, and returns it.
fn with_extra_bits(bits: &mut Bits, prefix: u32) -> Option<u32> {
    if prefix < 4 {
        return Some(prefix + 1);
    }
    let extra = (prefix - 2) >> 1;
    Some(((2 + (prefix & 1)) << extra) + bits.read(extra)? + 1)
}

/// A canonical prefix code.
struct Code {
    /// How many symbols have a code of each number of bits.
    counts: [u32; LONGEST + 1],
    /// In the order of their codes, the shortest first.
    symbols: Vec<u32>,
}

const LONGEST: usize = 15;

impl Code {
    fn read(bits: &mut Bits, alphabet: usize) -> Option<Self> {
        match bits.read(1)? {
            0 => Self::of(&lengths(bits, alphabet)?),
            _ => Self::read_simple(bits),
        }
    }

    /// Reads a code of one symbol or two.
    fn read_simple(bits: &mut Bits) -> Option<Self> {
        let is_pair = bits.read(1)? == 1;
        let width = if bits.read(1)? == 1 { 8 } else { 1 };
        let mut symbols = vec![bits.read(width)?];
        if is_pair {
            symbols.push(bits.read(8)?);
        }
        let mut counts = [0; LONGEST + 1];
        counts[1] = symbols.len() as u32;
        Some(Self { counts, symbols })
    }

    fn of(lengths: &[u8]) -> Option<Self> {
        let mut counts = [0; LONGEST + 1];
        let mut symbols = Vec::new();
        for length in 1..=LONGEST {
            let of_length = (0..)
                .zip(lengths)
                .filter(|&(_, &it)| usize::from(it) == length);
            symbols.extend(of_length.map(|(symbol, _)| symbol));
            counts[length] = symbols.len() as u32 - counts.iter().sum::<u32>();
        }
        (!symbols.is_empty()).then_some(Self { counts, symbols })
    }

    /// Whether it has a single symbol, which takes no bits.
    fn is_constant(&self) -> bool {
        self.symbols.len() == 1
    }

    fn symbol(&self, bits: &mut Bits) -> Option<u32> {
        if self.is_constant() {
            return self.symbols.first().copied();
        }
        // The codes of one length are consecutive numbers, which begin after those of the length before.
        let (mut code, mut first, mut index) = (0, 0, 0);
        for &count in self.counts.get(1..)? {
            code = code << 1 | bits.read(1)?;
            first <<= 1;
            if code < first + count {
                return self
                    .symbols
                    .get((index + code.checked_sub(first)?) as usize)
                    .copied();
            }
            first += count;
            index += count;
        }
        None
    }
}

/// The order of the lengths of the lengths' own codes.
const ORDER: [usize; 19] = [
    17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
];

/// The length of each symbol's code, 0 if it has none.
fn lengths(bits: &mut Bits, alphabet: usize) -> Option<Vec<u8>> {
    let mut own = [0; ORDER.len()];
    let count = 4 + bits.read(4)? as usize;
    for &index in ORDER.get(..count)? {
        own[index] = bits.read(3)? as u8;
    }
    let code = Code::of(&own)?;
    let mut tokens = alphabet;
    if bits.read(1)? == 1 {
        let width = 2 + 2 * bits.read(3)?;
        tokens = 2 + bits.read(width)? as usize;
    }
    let mut lengths = Vec::with_capacity(alphabet);
    let mut last = 8;
    while lengths.len() < alphabet && tokens > 0 {
        tokens -= 1;
        let (length, times) = match code.symbol(bits)? {
            16 => (last, 3 + bits.read(2)?),
            17 => (0, 3 + bits.read(3)?),
            18 => (0, 11 + bits.read(7)?),
            length => (length as u8, 1),
        };
        if length != 0 {
            last = length;
        }
        lengths.extend(std::iter::repeat_n(length, times as usize));
    }
    (lengths.len() <= alphabet).then_some(lengths)
}

/// Bits, from the lowest of each byte on.
struct Bits<'a> {
    stream: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn read(&mut self, count: u32) -> Option<u32> {
        let mut value = 0;
        for place in 0..count {
            let byte = self.stream.get(self.at / 8)?;
            value |= u32::from(byte >> (self.at % 8) & 1) << place;
            self.at += 1;
        }
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The beginning of an image without transforms or cached colours in which each block of 4 × 4 has the group
    /// `group`.
    fn announcing(group: u32) -> Vec<u8> {
        let constant = |value: u32| [(1, 1), (0, 1), (1, 1), (value, 8)];
        let fields = [(0, 1), (0, 1), (1, 1), (0, 3), (0, 1)].into_iter();
        let pixel = [group & 0xFF, group >> 8, 0, 0, 0];
        let mut stream = Vec::new();
        let mut at = 0;
        for (value, count) in fields.chain(pixel.into_iter().flat_map(constant)) {
            for place in 0..count {
                stream.resize(at / 8 + 1, 0);
                stream[at / 8] |= ((value >> place & 1) as u8) << (at % 8);
                at += 1;
            }
        }
        stream
    }

    #[test]
    fn a_picture_has_no_more_groups_than_blocks_and_than_encoders_make() {
        for (group, size, is_fine) in [
            (0, (4, 4), true),
            (1, (4, 4), false),
            (1, (5, 4), true),
            (2, (5, 4), false),
            (65_535, (4, 4), false),
            (2599, (16_000, 3000), true),
            (2600, (16_000, 3000), false),
        ] {
            let found = are_few(&announcing(group), size);
            assert_eq!(found, Some(is_fine), "{group} of {size:?}");
        }
    }

    #[test]
    fn groups_of_blocks_that_were_joined_leave_gaps() {
        // Two blocks of 1 × 256 pixels, where 70 of 1 × 4 were numbered.
        let mut joined = announcing(2);
        joined[0] |= 0b11_0000;
        assert_eq!(are_few(&joined, (1, 280)), Some(true));
    }

    #[test]
    fn a_stream_that_ends_early_or_has_a_transform_twice_is_none() {
        let whole = announcing(3);
        for length in 0..whole.len() {
            assert_eq!(are_few(&whole[..length], (4, 4)), None, "{length}");
        }
        let twice = SUBTRACT_GREEN << 1 | 1;
        assert_eq!(are_few(&[(twice << 3 | twice) as u8], (4, 4)), None);
    }
}
