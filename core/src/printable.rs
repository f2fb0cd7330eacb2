//! Text that a client or a model's author may have written, made fit for a line of a log, a reply, or a terminal.

/// In characters: longer than any text of our own. A client can send a header of 100 KB.
const LONGEST: usize = 500;

/// The text on one line: what would end the line, or reorder it on a terminal, is escaped, and what is too long is
/// cut. Otherwise whoever sends a request could write lines of their own into the log.
pub fn printable(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => on_one_line(&text[..end]) + "…",
        None => on_one_line(text),
    }
}

/// The text on one line, as [`printable`] has it, but whole.
pub fn on_one_line(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match misleads(c) {
            true => shown.extend(c.escape_default()),
            false => shown.push(c),
        }
    }
    shown
}

/// The text with its lines, without what would act on a terminal in another way.
pub fn in_lines(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(on_one_line).collect();
    lines.join("\n")
}

/// Whether this is a control character, one of Unicode's line ends, or a mark that changes the direction of writing.
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
    fn lines_stay_where_they_are_wanted() {
        assert_eq!(in_lines("a\n b\u{1b}[2J\n"), "a\n b\\u{1b}[2J");
    }

    #[test]
    fn what_is_too_long_is_cut() {
        assert_eq!(printable(&"ü".repeat(LONGEST)), "ü".repeat(LONGEST));
        let cut = printable(&"ü".repeat(100_000));
        assert_eq!(cut.chars().count(), LONGEST + 1);
        assert!(cut.ends_with('…'));
    }
}
