use std::fmt;

use serde::{Deserialize, Serialize};

use super::ManifestError;

/// The longest side, in pixels, that a model's input may have.
const MAX_SIDE: u32 = 8192;

/// Pixels are in 0..1: a larger mean or deviation must be meant for another range.
const TOO_LARGE: f32 = 8.0;

/// How a decoded sRGB image becomes the model's input.
///
/// It is resized with an antialiased filter and scaled to 0..1; then each of the channels R, G, B becomes
/// `(x − mean) / std`, laid out as float32 `[3, height, width]`. An image that needs no scaling and no cropping is
/// not resampled at all.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Preprocessing {
    /// Width of the model's input in pixels, 1 to 8,192.
    pub width: u32,
    /// Height of the model's input in pixels, 1 to 8,192.
    pub height: u32,
    /// How the image is brought to the model's width and height.
    pub resize: Resize,
    /// The resampling filter.
    pub filter: Filter,
    /// Per-channel mean, for values in 0..1; within -8 to 8.
    pub mean: [f32; 3],
    /// Per-channel standard deviation, for values in 0..1; above 0 and at most 8.
    pub std: [f32; 3],
}

/// How an image of any shape is brought to the model's width and height.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resize {
    /// The whole image; its aspect ratio is not kept.
    Stretch,
    /// The shorter side is scaled to `shorter_side`, then the centre is cut out.
    CentreCrop {
        /// Length in pixels of the shorter side after scaling, not less than the model's width and height.
        shorter_side: u32,
    },
}

/// A resampling filter. All are antialiased: widened by the factor by which the image is reduced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Filter {
    /// The mean over the area that falls on a pixel.
    Box,
    /// The triangle filter, which torchvision calls antialiased bilinear.
    Bilinear,
    /// Cubic convolution with B = 0, C = 0.5.
    CatmullRom,
    /// The windowed sinc with three lobes.
    Lanczos3,
}

impl Preprocessing {
    /// Checks every field.
    ///
    /// # Errors
    /// [`ManifestError::Field`] with the first field that is outside its range.
    pub fn validate(&self) -> Result<(), ManifestError> {
        let side = |field: &'static str, value: u32| match value {
            1..=MAX_SIDE => Ok(()),
            _ => Err(ManifestError::invalid(
                field,
                format!("is {value}; it must be from 1 to {MAX_SIDE}"),
            )),
        };
        side("preprocessing.width", self.width)?;
        side("preprocessing.height", self.height)?;
        if let Resize::CentreCrop { shorter_side } = self.resize {
            const FIELD: &str = "preprocessing.resize.centre_crop.shorter_side";
            side(FIELD, shorter_side)?;
            let needed = self.width.max(self.height);
            if shorter_side < needed {
                return Err(ManifestError::invalid(
                    FIELD,
                    format!("is {shorter_side}, too short to cut out {needed} pixels"),
                ));
            }
        }
        for (channel, (mean, std)) in self.mean.iter().zip(self.std).enumerate() {
            if !mean.is_finite() {
                return Err(ManifestError::invalid(
                    format!("preprocessing.mean[{channel}]"),
                    format!("is {mean}; it must be finite"),
                ));
            }
            for (field, value) in [("mean", *mean), ("std", std)] {
                if value.abs() > TOO_LARGE {
                    return Err(ManifestError::invalid(
                        format!("preprocessing.{field}[{channel}]"),
                        format!(
                            "is {value}; it is for pixels in 0..1: divide by 255 what is for 0..255"
                        ),
                    ));
                }
            }
            // A subnormal divisor would make every pixel infinite, as 0 would.
            if !std.is_normal() || std < 0.0 {
                return Err(ManifestError::invalid(
                    format!("preprocessing.std[{channel}]"),
                    format!("is {std}; it must be finite and above 0"),
                ));
            }
        }
        Ok(())
    }
}

/// Size, crop and filter in words: `224 × 224 RGB, shorter side to 256, centre cut out, bilinear filter`.
impl fmt::Display for Preprocessing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (width, height) = (self.width, self.height);
        write!(f, "{width} × {height} RGB, ")?;
        match self.resize {
            Resize::Stretch => f.write_str("stretched")?,
            Resize::CentreCrop { shorter_side } if [width, height] == [shorter_side; 2] => {
                f.write_str("centre square")?;
            }
            Resize::CentreCrop { shorter_side } => {
                write!(f, "shorter side to {shorter_side}, centre cut out")?;
            }
        }
        write!(f, ", {} filter", self.filter)
    }
}

/// The name in a manifest.
impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Filter::Box => "box",
            Filter::Bilinear => "bilinear",
            Filter::CatmullRom => "catmull_rom",
            Filter::Lanczos3 => "lanczos3",
        })
    }
}
