//! From the bytes of an image file to the model's input.
//!
//! [`decode`] makes an upright 8-bit RGB image of a file; a [`Preprocessor`] brings it to the model's size and writes
//! the normalised tensor. Training, calibration and serving run the same code, so a model sees in production what it
//! was measured on.

mod decode;
mod error;
mod format;
mod preprocessor;
mod resize;

#[cfg(test)]
mod tests;

pub use decode::{Limits, Rgb8, decode};
pub use error::{DecodeError, PreprocessError};
pub use format::{ImageFormat, sniff};
pub use preprocessor::Preprocessor;
