//! Reads the bits of a scan's bytes.

/// Bits, most significant first, as a Huffman decoder asks for them. It is small, and passed by value where it is not
/// inlined, so that it lives in registers.
#[derive(Clone, Copy, Default)]
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    /// The next bits, with the very next on top. Below those that count there may be more of them, or zeros.
    window: u64,
    /// How many of the window's bits count.
    count: u32,
    /// How many of those are zeros made up after the end.
    made_up: u32,
}

/// How many bits are there after [`Bits::fill`], at least.
pub(super) const FILLED: u32 = 56;

impl<'a> Bits<'a> {
    /// The lower 16 bits of a number.
    pub(super) fn of(bits: usize) -> Self {
        Self {
            window: (bits as u64) << 48,
            count: 16,
            ..Self::default()
        }
    }

    /// How many bytes are not in the window yet.
    pub(super) fn bytes_left(&self) -> usize {
        self.bytes.len()
    }

    /// The same place in the bits, with their bytes elsewhere: those that are left, and more.
    pub(super) fn go_on<'b>(self, bytes: &'b [u8]) -> Bits<'b> {
        Bits { bytes, ..self }
    }

    #[inline(always)]
    pub(super) fn fill(&mut self) {
        match self.bytes.first_chunk() {
            Some(next) => {
                let taken = (63 - self.count) / 8;
                self.window |= u64::from_be_bytes(*next) >> self.count;
                self.count += 8 * taken;
                // The bits laid in beyond those that count come again next time, and are the same.
                self.bytes = self.bytes.get(taken as usize..).unwrap_or_default();
            }
            None => *self = self.filled_bytewise(),
        }
    }

    #[cold]
    #[inline(never)]
    fn filled_bytewise(mut self) -> Self {
        self.window &= !(u64::MAX >> self.count);
        while self.count < FILLED {
            let byte = match self.bytes {
                [] => {
                    self.made_up += 8;
                    0
                }
                [byte, rest @ ..] => {
                    self.bytes = rest;
                    *byte
                }
            };
            self.window |= u64::from(byte) << (56 - self.count);
            self.count += 8;
        }
        self
    }

    /// The next bits, without taking them. `N` must be in 1..=32.
    #[inline(always)]
    pub(super) fn peek<const N: u32>(&self) -> usize {
        (self.window >> (64 - N)) as usize
    }

    #[inline(always)]
    pub(super) fn skip(&mut self, bits: u32) {
        self.window <<= bits;
        self.count = self.count.wrapping_sub(bits);
    }

    /// The signed value of a category: takes `size` bits, in 1..=15, of which the first says the sign.
    #[inline(always)]
    pub(super) fn value(&mut self, size: u32) -> i32 {
        let bits = (self.window >> (64 - size)) as i32;
        // All ones if it is negative. Half of all values are, so a branch would often be mispredicted.
        let negative = !((self.window as i64 >> 63) as i32);
        self.skip(size);
        bits - (((1 << size) - 1) & negative)
    }

    /// Whether every bit that was taken was really there.
    #[inline(always)]
    pub(super) fn are_real(&self) -> bool {
        self.made_up <= self.count
    }

    /// Whether everything has been taken except the last byte's padding.
    pub(super) fn are_used_up(&self) -> bool {
        self.bytes.is_empty() && self.are_real() && self.count - self.made_up < 8
    }
}
