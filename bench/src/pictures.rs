//! What is sent: images made from the two photos in `docs/images`, the same on every machine.

use std::io::Cursor;
use std::path::PathBuf;

use clap::ValueEnum;
use image::imageops::{FilterType, crop_imm, resize};
use image::{ImageFormat, RgbImage};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;
use serde::{Deserialize, Serialize};

use crate::error::BenchError;

const PHOTOS: [(&str, &[u8]); 2] = [
    (
        "docs/images/cat.jpg",
        include_bytes!("../../docs/images/cat.jpg"),
    ),
    (
        "docs/images/coffee.jpg",
        include_bytes!("../../docs/images/coffee.jpg"),
    ),
];

const QUALITY: u8 = 90;

/// Standard deviation of the noise, in pixel values of 0 to 255. It makes the enlarged photos as large in bytes as a
/// camera's: 3 to 4 MB.
const SENSOR_NOISE: f32 = 8.0;

/// A kind of image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Input {
    /// 32×32 PNG: sixteen crops of the photos
    Png32,
    /// 224×224 JPEG: eight crops of the photos
    Jpeg224,
    /// 4000×3000 JPEG: both photos enlarged, with sensor noise
    Jpeg12mp,
}

impl Input {
    /// Its name in tables.
    pub fn title(self) -> &'static str {
        match self {
            Self::Png32 => "32×32 PNG",
            Self::Jpeg224 => "224×224 JPEG",
            Self::Jpeg12mp => "12-megapixel JPEG",
        }
    }

    /// Its media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Png32 => "image/png",
            Self::Jpeg224 | Self::Jpeg12mp => "image/jpeg",
        }
    }

    /// The files.
    ///
    /// # Errors
    /// [`BenchError`] if the photos of the repository cannot be read.
    pub fn files(self) -> Result<Vec<Vec<u8>>, BenchError> {
        match self {
            Self::Png32 => cuts(16, 32)?.iter().map(png).collect(),
            Self::Jpeg224 => cuts(8, 224)?.iter().map(jpeg).collect(),
            Self::Jpeg12mp => {
                let mut random = Pcg64::seed_from_u64(12);
                photos()?
                    .iter()
                    .map(|photo| jpeg(&enlarged(photo, &mut random)))
                    .collect()
            }
        }
    }
}

/// Square cuts of the photos, at random places and of random sizes, scaled to `side` × `side` pixels.
///
/// # Errors
/// [`BenchError`] if the photos of the repository cannot be read.
pub fn cuts(count: usize, side: u32) -> Result<Vec<RgbImage>, BenchError> {
    let photos = photos()?;
    let mut random = Pcg64::seed_from_u64(u64::from(side));
    let cut = |index: usize| {
        let photo = &photos[index % photos.len()];
        let (width, height) = photo.dimensions();
        let size = random.random_range(width.min(height) / 2..=width.min(height));
        let (x, y) = (
            random.random_range(0..=width - size),
            random.random_range(0..=height - size),
        );
        let cut = crop_imm(photo, x, y, size, size).to_image();
        resize(&cut, side, side, FilterType::Triangle)
    };
    Ok((0..count).map(cut).collect())
}

fn photos() -> Result<Vec<RgbImage>, BenchError> {
    let read = |(path, bytes): (&str, &[u8])| {
        let photo = image::load_from_memory_with_format(bytes, ImageFormat::Jpeg);
        Ok(photo.map_err(picture_error(path))?.into_rgb8())
    };
    PHOTOS.into_iter().map(read).collect()
}

fn picture_error(path: &str) -> impl FnOnce(image::ImageError) -> BenchError {
    let path = PathBuf::from(path);
    move |source| BenchError::Picture { path, source }
}

/// The middle of the photo, enlarged to 4000×3000 pixels.
fn enlarged(photo: &RgbImage, random: &mut Pcg64) -> RgbImage {
    let (width, height) = photo.dimensions();
    let (w, h) = (width.min(height * 4 / 3), height.min(width * 3 / 4));
    let middle = crop_imm(photo, (width - w) / 2, (height - h) / 2, w, h).to_image();
    let mut large = resize(&middle, 4000, 3000, FilterType::CatmullRom);
    for value in large.iter_mut() {
        // The sum of four uniform values is near enough to a normal one.
        let bits: u32 = random.random();
        let sum: u32 = bits.to_le_bytes().into_iter().map(u32::from).sum();
        let normal = (sum as f32 - 510.0) / 147.8;
        *value = (f32::from(*value) + SENSOR_NOISE * normal).round() as u8;
    }
    large
}

fn png(picture: &RgbImage) -> Result<Vec<u8>, BenchError> {
    let mut bytes = Cursor::new(Vec::new());
    let written = picture.write_to(&mut bytes, ImageFormat::Png);
    written.map_err(picture_error("a PNG"))?;
    Ok(bytes.into_inner())
}

/// A JPEG with colours at half the resolution (4:2:0), as cameras and phones write them.
fn jpeg(picture: &RgbImage) -> Result<Vec<u8>, BenchError> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, QUALITY);
    encoder.set_sampling_factor(SamplingFactor::F_2_2);
    let (width, height) = picture.dimensions();
    encoder.encode(picture, width as u16, height as u16, ColorType::Rgb)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use normgate_core::preprocess::{Limits, decode};

    #[test]
    fn the_pictures_have_their_sizes_and_differ() {
        for (input, count, side) in [(Input::Png32, 16, 32), (Input::Jpeg224, 8, 224)] {
            let mut files = input.files().unwrap();
            for file in &files {
                let picture = decode(file, &Limits::default()).unwrap();
                assert_eq!((picture.width, picture.height), (side, side));
            }
            assert_eq!(files, input.files().unwrap(), "the same each time");
            files.sort();
            files.dedup();
            assert_eq!(files.len(), count);
        }
    }

    #[test]
    fn a_photo_of_twelve_megapixels_is_as_large_as_a_camera_s() {
        for file in Input::Jpeg12mp.files().unwrap() {
            assert!(
                (3_000_000..4_500_000).contains(&file.len()),
                "{}",
                file.len()
            );
            let picture = decode(&file, &Limits::default()).unwrap();
            assert_eq!((picture.width, picture.height), (4000, 3000));
        }
    }
}
