//! Huffman codes, read with tables.

use super::bits::{Bits, FILLED};

/// How many bits of a code are looked up at once. Nearly all codes in photos are shorter.
const DIRECT: u32 = 9;

/// How many bits are looked up at once when values are skipped: two or three coefficients' worth.
const AHEAD: u32 = 12;

/// A table of codes.
pub(super) struct Codes {
    /// For each value of the next bits, the length of the code in the upper byte and the symbol in the lower; 0 if
    /// the code is longer.
    direct: [u16; 1 << DIRECT],
    /// For each length: a bound that the next 16 bits are below if their code is that long or shorter, and what to
    /// add to a code of that length to get the place of its symbol.
    ends: [(u32, i32); 17],
    symbols: Vec<u8>,
}

impl Codes {
    /// The codes of a table, from the number of codes of each length, 1 to 16, and their symbols.
    pub(super) fn new(counts: &[u8; 16], symbols: &[u8]) -> Option<Self> {
        let mut codes = Self {
            direct: [0; 1 << DIRECT],
            ends: [(0, 0); 17],
            symbols: symbols.to_vec(),
        };
        let (mut code, mut symbol) = (0_u32, 0);
        for (length, &count) in (1_u32..).zip(counts) {
            for _ in 0..count {
                let entry = (length as u16) << 8 | u16::from(*symbols.get(symbol as usize)?);
                if let Some(rest) = DIRECT.checked_sub(length) {
                    let covered = (code << rest) as usize..((code + 1) << rest) as usize;
                    codes.direct.get_mut(covered)?.fill(entry);
                }
                code += 1;
                symbol += 1;
            }
            // No code may be all ones.
            if code >= 1 << length {
                return None;
            }
            codes.ends[length as usize] = (code << (16 - length), symbol - code as i32);
            code <<= 1;
        }
        Some(codes)
    }

    /// The length and the symbol of the code that 16 bits begin with.
    #[inline(always)]
    fn find(&self, bits: usize) -> Option<(u32, u8)> {
        let entry = self.direct[(bits >> (16 - DIRECT)) & ((1 << DIRECT) - 1)];
        if entry != 0 {
            return Some((u32::from(entry >> 8), entry as u8));
        }
        self.find_long(bits as u32)
    }

    #[cold]
    fn find_long(&self, bits: u32) -> Option<(u32, u8)> {
        let length = (DIRECT + 1..=16).find(|&length| bits < self.ends[length as usize].0)?;
        let index = (bits >> (16 - length)) as i32 + self.ends[length as usize].1;
        let symbol = *self.symbols.get(usize::try_from(index).ok()?)?;
        Some((length, symbol))
    }

    /// Takes a symbol. `None` if the bits are not a code.
    #[inline(always)]
    pub(super) fn take(&self, bits: &mut Bits) -> Option<u8> {
        let (length, symbol) = self.find(bits.peek::<16>())?;
        bits.skip(length);
        Some(symbol)
    }
}

/// What the next bits hold when their values are not wanted: coefficients of one block, as many as are completely in
/// the bits.
#[derive(Clone, Copy)]
struct Step {
    /// How many bits to skip.
    bits: u8,
    /// How many places in the block to skip; `ENDS` or more if the block ends after them, `NONE` if not even one
    /// coefficient is completely there.
    places: u8,
}

const ENDS: u8 = 64;
const NONE: u8 = 128;

/// How many bits are looked up at once for a coefficient's code and value together. Most coefficients of a photo take
/// fewer, and the table fills an eighth of the fastest cache.
const SHORT: u32 = 10;

/// A coefficient whose code and value are completely in the next bits.
#[derive(Clone, Copy)]
struct Short {
    bits: u8,
    /// The number of zeros before it; `ENDS` if the block ends, `NONE` if more bits are needed.
    zeros: u8,
    value: i16,
}

/// What comes next in a block.
#[cfg_attr(test, derive(Debug, PartialEq))]
pub(super) enum Next {
    /// A coefficient, and the number of zeros before it.
    Coefficient { zeros: usize, value: i32 },
    /// This many zeros.
    Zeros(usize),
    /// Nothing but zeros.
    End,
}

/// The codes of all of a block's coefficients but the first, with tables to take several steps at once.
pub(super) struct AcCodes {
    codes: Codes,
    short: Box<[Short; 1 << SHORT]>,
    steps: Box<[Step; 1 << AHEAD]>,
}

impl AcCodes {
    pub(super) fn new(codes: Codes) -> Self {
        let mut steps = Box::new(
            [Step {
                bits: 0,
                places: NONE,
            }; 1 << AHEAD],
        );
        for (bits, step) in steps.iter_mut().enumerate() {
            *step = codes.step(bits);
        }
        let more = Short {
            bits: 0,
            zeros: NONE,
            value: 0,
        };
        let mut short = Box::new([more; 1 << SHORT]);
        for (bits, short) in short.iter_mut().enumerate() {
            *short = codes.short(bits).unwrap_or(more);
        }
        Self {
            codes,
            short,
            steps,
        }
    }

    /// Takes what comes next in a block. `None` if no block can have these bits.
    #[inline(always)]
    pub(super) fn take(&self, bits: &mut Bits) -> Option<Next> {
        let Short {
            bits: length,
            zeros,
            value,
        } = self.short[bits.peek::<SHORT>() & ((1 << SHORT) - 1)];
        if zeros < ENDS {
            bits.skip(length.into());
            return Some(Next::Coefficient {
                zeros: zeros.into(),
                value: value.into(),
            });
        }
        if zeros == ENDS {
            bits.skip(length.into());
            return Some(Next::End);
        }
        self.take_long(bits)
    }

    /// The same without a table: the code first, then the value. Needs up to 26 bits.
    #[inline(always)]
    fn take_long(&self, bits: &mut Bits) -> Option<Next> {
        match self.take_symbol(bits)? {
            (0, 0) => Some(Next::End),
            (15, 0) => Some(Next::Zeros(16)),
            (_, 0) | (_, 11..) => None,
            (zeros, size) => Some(Next::Coefficient {
                zeros,
                value: bits.value(size),
            }),
        }
    }

    /// Takes a symbol. Its upper half is the number of zeros before a value, its lower half the number of bits of
    /// that value.
    #[inline(always)]
    fn take_symbol(&self, bits: &mut Bits) -> Option<(usize, u32)> {
        let symbol = self.codes.take(bits)?;
        Some((usize::from(symbol >> 4), u32::from(symbol & 15)))
    }

    /// Skips the rest of a block, from the given place of its 64.
    #[inline(always)]
    pub(super) fn pass(&self, bits: &mut Bits, mut place: usize) -> Option<()> {
        while place < 64 {
            bits.fill();
            // No step takes more than `AHEAD` bits.
            for _ in 0..FILLED / AHEAD {
                let step = self.steps[bits.peek::<AHEAD>() & ((1 << AHEAD) - 1)];
                let next = place + usize::from(step.places);
                if next < 64 {
                    bits.skip(step.bits.into());
                    place = next;
                    continue;
                }
                if (ENDS..NONE).contains(&step.places) && next < 64 + usize::from(ENDS) {
                    bits.skip(step.bits.into());
                    return Some(());
                }
                // A step that reaches the end of the block may include bits of the next one.
                bits.fill();
                match self.take_symbol(bits)? {
                    (0, 0) => return Some(()),
                    (15, 0) => place += 16,
                    (_, 0) => return None,
                    (zeros, size) => {
                        bits.skip(size);
                        place += zeros + 1;
                    }
                }
                break;
            }
        }
        (place == 64).then_some(())
    }
}

impl Codes {
    /// What the bits begin with, if it is completely there and a block may have it.
    fn short(&self, ahead: usize) -> Option<Short> {
        let ahead = ahead << (16 - SHORT);
        let (length, symbol) = self.find(ahead)?;
        let size = u32::from(symbol & 15);
        let bits = length + size;
        let (zeros, value) = match (symbol >> 4, size) {
            _ if bits > SHORT => return None,
            (0, 0) => (ENDS, 0),
            (_, 0) | (_, 11..) => return None,
            (zeros, size) => (zeros, Bits::of(ahead << length).value(size) as i16),
        };
        Some(Short {
            bits: bits as u8,
            zeros,
            value,
        })
    }

    fn step(&self, ahead: usize) -> Step {
        let mut step = Step { bits: 0, places: 0 };
        loop {
            let rest = (ahead << (16 - AHEAD) << step.bits) & 0xFFFF;
            let found = self.find(rest).and_then(|(length, symbol)| {
                let places = match symbol {
                    0 => ENDS,
                    0xF0 => 16,
                    _ if symbol & 15 == 0 => return None,
                    _ => (symbol >> 4) + 1,
                };
                Some((
                    u32::from(step.bits) + length + u32::from(symbol & 15),
                    places,
                ))
            });
            match found {
                Some((bits, places)) if bits <= AHEAD && step.places + places % ENDS < ENDS => {
                    step.bits = bits as u8;
                    step.places += places;
                }
                _ if step.bits == 0 => {
                    return Step {
                        bits: 0,
                        places: NONE,
                    };
                }
                _ => return step,
            }
            if step.places >= ENDS {
                return step;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preprocess::decode::jpeg::scaled::header;

    /// The share of all that may come next that was looked up at once.
    fn looked_up_at_once(codes: &AcCodes) -> f64 {
        let mut at_once = 0;
        for window in 0..1 << 16 {
            let [mut bits, mut in_turn] = [Bits::of(window); 2];
            let next = codes.take(&mut bits);
            assert_eq!(next, codes.take_long(&mut in_turn), "{window:016b}");
            if next.is_some() {
                assert_eq!(bits.peek::<32>(), in_turn.peek::<32>(), "{window:016b}");
            }
            at_once += u32::from(codes.short[window >> (16 - SHORT)].zeros < NONE);
        }
        f64::from(at_once) / f64::from(1 << 16)
    }

    #[test]
    fn a_coefficient_that_is_looked_up_at_once_is_what_its_code_and_value_say() {
        let photo = include_bytes!("../../../../../tests/fixtures/images/420.jpg");
        let header = header::read(photo).unwrap();
        let shares: Vec<f64> = header.ac.iter().flatten().map(looked_up_at_once).collect();
        assert!(
            shares.len() == 2 && shares.iter().all(|&share| share > 0.9),
            "{shares:?}"
        );
    }

    #[test]
    fn what_no_block_has_is_not_looked_up_at_once_either() {
        // Codes of 2 bits: the end, and 1 zero without a value, which no block has. Then 16 zeros, values of 1, 11
        // and 15 bits, and codes that are as long as what is looked up, and longer by one.
        let mut counts = [0; 16];
        counts[..11].copy_from_slice(&[0, 2, 1, 1, 1, 1, 0, 0, 0, 1, 1]);
        let symbols = [0x00, 0x10, 0xF0, 0x01, 0x0B, 0x0F, 0x02, 0x01];
        let codes = AcCodes::new(Codes::new(&counts, &symbols).unwrap());
        let share = looked_up_at_once(&codes);
        let mut odd = Bits::of(0b01 << 14);
        assert_eq!(codes.take(&mut odd), None);
        // The end, and a value of one bit.
        assert_eq!(share, 0.25 + 1.0 / 16.0);
    }

    #[test]
    fn the_first_bit_of_a_value_is_its_sign() {
        for (bits, value) in [(0b000, -7), (0b011, -4), (0b100, 4), (0b111, 7)] {
            let mut bits = Bits::of(bits << 13 | 1);
            assert_eq!((bits.value(3), bits.peek::<13>()), (value, 1));
        }
    }
}
