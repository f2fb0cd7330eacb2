//! Image sets.
