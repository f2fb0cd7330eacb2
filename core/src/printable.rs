//! Text that a client or a model's maker may have written: fit for a line of a log, a reply, or a terminal.

/// Longer than anything said here of our own; a client can send a header of 100 KB.
const LONGEST: usize = 500;

/// The text on one line: what would end the line, or reorder it on a terminal, is escaped, and what
/// is too long is cut. Otherwise whoever sends a request could write lines of his own into the log.
pub fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len().min(LONGEST));
    for (count, c) in text.chars().enumerate() {
        if count == LONGEST {
            shown.push('…');
            break;
        }
        match misleads(c) {
            true => shown.extend(c.escape_default()),
            false => shown.push(c),
        }
    }
    shown
}

/// Control characters, Unicode's own line ends, and its marks that turn the direction of writing.
pub(crate) fn misleads(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_ends_the_line_or_turns_it_round() {
        assert_eq!(
            printable("a\r\nb\u{1b}[2Jc\u{2028}d\u{202e}"),
            "a\\r\\nb\\u{1b}[2Jc\\u{2028}d\\u{202e}"
        );
        assert_eq!(printable("\"101 × 100\" – ü"), "\"101 × 100\" – ü");
    }

    #[test]
    fn what_is_too_long_is_cut() {
        assert_eq!(printable(&"ü".repeat(LONGEST)), "ü".repeat(LONGEST));
        let cut = printable(&"ü".repeat(100_000));
        assert_eq!(cut.chars().count(), LONGEST + 1);
        assert!(cut.ends_with('…'));
    }
}
