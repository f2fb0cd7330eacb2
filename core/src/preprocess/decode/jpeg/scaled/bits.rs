//! Bits out of a scan's bytes.

/// A scan's bits, most significant first, as a Huffman decoder asks for them. Small and handed over
/// by value where it is not inlined, so that it lives in registers.
#[derive(Clone, Copy)]
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    /// The next bits, the next of all on top; below them zeros.
    window: u64,
    /// How many of the window's bits count.
    count: u32,
    /// How many of those are zeros made up behind the end, where a marker stands.
    made_up: u32,
}

/// Bits that are there after [`Bits::fill`]: enough for a code and the value that follows it.
pub(super) const FILLED: u32 = 32;

impl<'a> Bits<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            window: 0,
            count: 0,
            made_up: 0,
        }
    }

    #[inline(always)]
    pub(super) fn fill(&mut self) {
        if self.count < FILLED {
            self.fill_window();
        }
    }

    #[inline(always)]
    fn fill_window(&mut self) {
        if let Some(next) = self.bytes.first_chunk() {
            let next = u64::from_be_bytes(*next);
            // Without a byte of 0xFF among them, which would be escaped or begin a marker, as many
            // as there is room for are taken at once.
            let inverted = !next;
            let low_bits = 0x0101_0101_0101_0101;
            if inverted.wrapping_sub(low_bits) & next & (low_bits << 7) == 0 {
                let taken = (63 - self.count) / 8;
                self.window |= next >> self.count;
                self.count += 8 * taken;
                // What was laid in beyond the bits that count comes again, and is the same.
                self.bytes = self.bytes.get(taken as usize..).unwrap_or_default();
                return;
            }
        }
        *self = self.filled_bytewise();
    }

    #[cold]
    #[inline(never)]
    fn filled_bytewise(mut self) -> Self {
        // The quick way leaves bits below those that count.
        self.window &= !(u64::MAX >> self.count);
        while self.count <= 56 {
            let byte = match self.bytes {
                [0xFF, 0x00, rest @ ..] => {
                    self.bytes = rest;
                    0xFF
                }
                [0xFF, ..] | [] => {
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

    /// The next bits, without taking them. `N` must lie in 1..=32.
    #[inline(always)]
    pub(super) fn peek<const N: u32>(&self) -> usize {
        (self.window >> (64 - N)) as usize
    }

    #[inline(always)]
    pub(super) fn skip(&mut self, bits: u32) {
        self.window <<= bits;
        self.count = self.count.wrapping_sub(bits);
    }

    /// The signed value of a category: `size` bits, in 1..=15, whose first says the sign.
    #[inline(always)]
    pub(super) fn value(&mut self, size: u32) -> i32 {
        let bits = (self.window >> (64 - size)) as i32;
        self.skip(size);
        if bits >> (size - 1) == 0 {
            bits - (1 << size) + 1
        } else {
            bits
        }
    }

    /// Whether no bit was taken that is not there.
    #[inline(always)]
    pub(super) fn are_real(&self) -> bool {
        self.made_up <= self.count
    }

    /// The bits behind a marker that must stand here, after no more than the last byte's padding.
    pub(super) fn after_marker(self, marker: u8) -> Option<Self> {
        let left = self.count.checked_sub(self.made_up)?;
        let mut rest = self.bytes;
        while let [0xFF, 0xFF, ..] = rest {
            rest = &rest[1..];
        }
        match rest {
            [0xFF, found, rest @ ..] if *found == marker && left < 8 => Some(Self::new(rest)),
            _ => None,
        }
    }
}
