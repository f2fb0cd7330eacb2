use super::ImageFormat;
use super::decode::LONGEST_SIDE;

/// Why bytes are not a usable image.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// There are no bytes.
    #[error("the image is empty (0 bytes)")]
    Empty,
    /// The bytes are not in a format that is decoded here.
    #[error(
        "not a JPEG, PNG, WebP, GIF or BMP image{}: send one of these formats",
        looks_like.map(|kind| format!(" (it looks like {kind})")).unwrap_or_default()
    )]
    UnsupportedFormat {
        /// What the bytes look like instead, if that is known.
        looks_like: Option<&'static str>,
    },
    /// The format is known, but the file uses a feature of it that is not decoded here.
    #[error("the {format} image cannot be decoded: not supported: {feature}")]
    UnsupportedFeature {
        /// The format.
        format: ImageFormat,
        /// What it uses.
        feature: String,
    },
    /// The image says that it has more pixels than the limit allows. This is found in the header, before any memory
    /// is reserved for pixels.
    #[error(
        "the image is too large: it has {width} x {height} pixels, more than the {limit} allowed \
         in all: scale it down"
    )]
    TooLarge {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// The largest number of pixels allowed.
        limit: u64,
    },
    /// A side is longer than 65,535 pixels. This is found as [`TooLarge`](Self::TooLarge) is.
    #[error(
        "the image is too large: it has {width} x {height} pixels, and a side may have at most \
         {LONGEST_SIDE}: scale it down or crop it"
    )]
    TooLong {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
    /// The file is damaged or ends too early.
    #[error("the {format} image is damaged: {reason}")]
    Corrupt {
        /// The format that its first bytes show.
        format: ImageFormat,
        /// What is wrong.
        reason: String,
    },
}

impl DecodeError {
    pub(super) fn corrupt(format: ImageFormat, reason: impl Into<String>) -> Self {
        Self::Corrupt {
            format,
            reason: reason.into(),
        }
    }

    pub(super) fn truncated(format: ImageFormat) -> Self {
        Self::corrupt(format, "the file ends too early (truncated)")
    }
}

/// Why a decoded image could not be made the model's input.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PreprocessError {
    /// A side is 0, the pixels are not 3 bytes for each of width × height, or the size is not the model's where it
    /// must be.
    #[error(
        "an image of {width} x {height} pixels with {bytes} bytes of RGB is not one that this model takes: there must \
         be 3 bytes for each pixel, and where it is not resized, the model's own size"
    )]
    NotAPicture {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// The number of bytes of pixels.
        bytes: usize,
    },
    /// The output does not have the length of the model's input.
    #[error("the output has room for {found} values, but the model's input has {expected}")]
    OutputLength {
        /// The number of values of the model's input.
        expected: usize,
        /// The number of values that there is room for.
        found: usize,
    },
    /// The resampler refused.
    #[error("the image could not be resized: {reason}")]
    Resize {
        /// The resampler's reason.
        reason: String,
    },
}
