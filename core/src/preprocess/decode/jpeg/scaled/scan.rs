//! The bytes of a scan, from one marker to the next, without the zero that follows each 0xFF among them (ITU-T T.81,
//! B.1.1.5), so that whoever reads bits need not look for it.

use memchr::memchr;

/// How many bytes are cleaned at a time, so that they are still in a near cache when they are decoded, and a photo
/// does not take twice the memory.
pub(super) const PIECE: usize = 64 << 10;

/// What is left of a scan.
pub(super) struct Scan<'a> {
    /// As it is in the file.
    rest: &'a [u8],
    plain: Vec<u8>,
    is_at_marker: bool,
}

impl<'a> Scan<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            rest: bytes,
            plain: Vec::new(),
            is_at_marker: false,
        }
    }

    /// The bytes without the zeros.
    pub(super) fn plain(&self) -> &[u8] {
        &self.plain
    }

    /// Whether nothing more comes before the next marker.
    pub(super) fn is_at_marker(&self) -> bool {
        self.is_at_marker
    }

    /// Adds a piece to the last `unused` plain bytes, and drops the bytes before those.
    pub(super) fn advance(&mut self, unused: usize) {
        let used = self.plain.len().saturating_sub(unused);
        self.plain.drain(..used);
        let until = self.plain.len() + PIECE;
        while self.plain.len() < until {
            let next = &self.rest[..self.rest.len().min(until - self.plain.len())];
            let Some(at) = memchr(0xFF, next) else {
                self.plain.extend_from_slice(next);
                self.rest = &self.rest[next.len()..];
                if self.rest.is_empty() {
                    break;
                }
                continue;
            };
            self.plain.extend_from_slice(&next[..at]);
            self.rest = &self.rest[at..];
            match self.rest {
                [_, 0, rest @ ..] => {
                    self.plain.push(0xFF);
                    self.rest = rest;
                }
                _ => break,
            }
        }
        self.is_at_marker = self.plain.len() < until;
    }

    /// Skips a marker, which must be what comes next. More than one 0xFF may come before it.
    pub(super) fn pass(&mut self, marker: u8) -> Option<()> {
        while let [0xFF, 0xFF, ..] = self.rest {
            self.rest = &self.rest[1..];
        }
        match self.rest {
            [0xFF, found, rest @ ..] if *found == marker && self.is_at_marker => {
                *self = Self {
                    rest,
                    plain: std::mem::take(&mut self.plain),
                    is_at_marker: false,
                };
                Some(())
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_plain_whatever_lies_where_a_piece_ends_and_in_what_portions_they_are_used() {
        for (before, unused) in (PIECE - 3..PIECE + 3).flat_map(|n| [(n, 0), (n, 1), (n, 700)]) {
            let file = [
                &vec![1; before][..],
                &[0xFF, 0, 0xFF, 0],
                &[2; PIECE],
                &[0xFF, 0xFF, 0xD9],
            ]
            .concat();
            let wanted = [&vec![1; before][..], &[0xFF, 0xFF], &[2; PIECE]].concat();
            let mut scan = Scan::new(&file);
            let (mut found, mut left) = (Vec::new(), 0);
            while !scan.is_at_marker() {
                assert_eq!(scan.pass(0xD9), None);
                scan.advance(left);
                left = unused.min(scan.plain().len());
                found.extend_from_slice(&scan.plain()[..scan.plain().len() - left]);
            }
            found.extend_from_slice(&scan.plain()[scan.plain().len() - left..]);
            assert!(found == wanted, "{before} {unused}");
            assert_eq!(scan.pass(0xD8), None);
            assert_eq!(scan.pass(0xD9), Some(()));
        }
    }

    #[test]
    fn what_ends_without_a_marker_comes_to_an_end() {
        for file in [&b""[..], b"\xFF", b"abc", b"abc\xFF"] {
            let mut scan = Scan::new(file);
            scan.advance(0);
            assert!(scan.is_at_marker(), "{file:?}");
            assert_eq!(scan.pass(0xD9), None);
        }
    }
}
