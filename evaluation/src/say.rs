//! Lines for people, on stderr.

/// Writes a line to stderr. Unlike `eprintln!`, it does not panic where nobody reads (a pipe whose reader is gone, a
/// full disk): no run is worth losing for a line.
#[macro_export]
macro_rules! say {
    ($($part:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stderr(), $($part)*);
    }};
}
