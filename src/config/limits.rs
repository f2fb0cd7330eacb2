//! How large a request and an image may be.

use std::num::NonZeroUsize;

use normgate_core::preprocess::Limits;

use super::units::{parse_bytes, parse_count};

/// What is refused before it costs memory.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Limits")]
pub struct LimitsConfig {
    /// The largest request body, whatever it holds: one image, several, or base64.
    #[arg(long, env = "NORMGATE_MAX_BODY_BYTES", value_name = "SIZE", default_value = "32MiB",
        value_parser = parse_bytes)]
    pub max_body_bytes: usize,

    #[command(flatten)]
    pub image: ImageLimits,

    /// The most files in one multipart request.
    #[arg(long, env = "NORMGATE_MAX_FILES", value_name = "N", default_value = "64",
        value_parser = parse_count::<1_000_000>)]
    pub max_files: NonZeroUsize,

    /// Memory that all request bodies together may take while they are read and wait, and answers
    /// above 16 KiB until they are sent; beyond that the answer is 429 with Retry-After.
    #[arg(long, env = "NORMGATE_BODY_MEMORY", value_name = "SIZE", default_value = "256MiB",
        value_parser = parse_bytes)]
    pub body_memory: usize,
}

/// How large an image may be, however it comes.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Limits")]
pub struct ImageLimits {
    /// The largest image in pixels, as its header says. Checked before decoding, which takes up to
    /// 16 bytes a pixel, and less than one for most JPEGs far larger than the model's input.
    #[arg(long, env = "NORMGATE_MAX_PIXELS", value_name = "N", default_value = "50000000",
        value_parser = parse_count::<4_000_000_000>)]
    pub max_pixels: NonZeroUsize,
}

impl ImageLimits {
    /// The limits as `normgate-core` takes them.
    pub fn limits(&self) -> Limits {
        Limits {
            max_pixels: self.max_pixels.get() as u64,
        }
    }
}

impl LimitsConfig {
    /// Says what does not fit together although each limit by itself is fine.
    pub fn check(&self) -> Result<(), String> {
        if self.body_memory < self.max_body_bytes {
            return Err(
                "--body-memory is smaller than --max-body-bytes: the largest allowed \
                        request could never be read"
                    .into(),
            );
        }
        Ok(())
    }
}
