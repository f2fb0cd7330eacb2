//! Any pixels to 8-bit RGB, with transparency laid over white, and each value rounded to the nearest.

use image::{DynamicImage, RgbImage};

const MAX8: u64 = 255;
const MAX16: u64 = 65_535;

pub(super) fn to_rgb(picture: DynamicImage) -> RgbImage {
    let (width, height) = (picture.width(), picture.height());
    let build = |pixels: Vec<u8>| RgbImage::from_raw(width, height, pixels).unwrap_or_default();
    match picture {
        DynamicImage::ImageRgb8(picture) => picture,
        DynamicImage::ImageLuma8(picture) => build(map(&picture, |&[grey]| [grey; 3])),
        DynamicImage::ImageLumaA8(picture) => {
            build(map(&picture, |&[grey, alpha]| [blend8(grey, alpha); 3]))
        }
        DynamicImage::ImageRgba8(picture) => build(map(&picture, |&pixel| over_white(pixel))),
        DynamicImage::ImageLuma16(picture) => {
            build(map(&picture, |&[grey]| [blend16(grey, u16::MAX); 3]))
        }
        DynamicImage::ImageLumaA16(picture) => {
            build(map(&picture, |&[grey, alpha]| [blend16(grey, alpha); 3]))
        }
        DynamicImage::ImageRgb16(picture) => build(map(&picture, |rgb: &[u16; 3]| {
            rgb.map(|value| blend16(value, u16::MAX))
        })),
        DynamicImage::ImageRgba16(picture) => build(map(&picture, |&[r, g, b, alpha]| {
            [r, g, b].map(|value| blend16(value, alpha))
        })),
        // No decoder used here makes floating-point pixels.
        other => other.to_rgb8(),
    }
}

pub(super) fn over_white([r, g, b, alpha]: [u8; 4]) -> [u8; 3] {
    [r, g, b].map(|value| blend8(value, alpha))
}

fn map<T, const N: usize>(samples: &[T], convert: impl Fn(&[T; N]) -> [u8; 3]) -> Vec<u8> {
    samples.as_chunks().0.iter().flat_map(convert).collect()
}

fn blend8(value: u8, alpha: u8) -> u8 {
    let (value, alpha) = (u64::from(value), u64::from(alpha));
    divide(value * alpha + MAX8 * (MAX8 - alpha), MAX8)
}

/// In one step to 8 bits: rounding twice would sometimes be off by one.
fn blend16(value: u16, alpha: u16) -> u8 {
    let (value, alpha) = (u64::from(value), u64::from(alpha));
    divide(
        (value * alpha + MAX16 * (MAX16 - alpha)) * MAX8,
        MAX16 * MAX16,
    )
}

/// Divides and rounds to the nearest. The divisors here are odd, so there are no ties.
fn divide(dividend: u64, divisor: u64) -> u8 {
    u8::try_from((dividend + divisor / 2) / divisor).unwrap_or(u8::MAX)
}
