//! How much room there is where standard output goes.

use terminal_size::{Width, terminal_size_of};

/// No line of prose is longer, however wide the terminal.
pub const WIDEST: usize = 100;

/// The characters of a line on the terminal; none where standard output goes elsewhere.
pub fn columns() -> Option<usize> {
    let (Width(columns), _) = terminal_size_of(std::io::stdout())?;
    Some(usize::from(columns))
}
