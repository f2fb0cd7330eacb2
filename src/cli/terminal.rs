//! What goes to the terminal, and how wide it is.

use std::io::{self, Write};

use normgate_core::printable::in_lines;
use terminal_size::{Width, terminal_size_of};

/// The longest line of prose, however wide the terminal is.
pub const WIDEST: usize = 100;

/// The number of characters in a line of the terminal; `None` if standard output goes elsewhere.
pub fn columns() -> Option<usize> {
    let (Width(columns), _) = terminal_size_of(io::stdout())?;
    Some(usize::from(columns))
}

/// Says something on standard error, if it can be said there: nobody may read it. What would act on a terminal in
/// another way than by its lines is escaped, since the words may be a file's.
pub fn complain(text: &str) {
    let _ = writeln!(io::stderr(), "{}", in_lines(text));
}
