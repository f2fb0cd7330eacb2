//! Normgate.
fn main() {}
