use super::decode::{Extent, decode_enough};
use super::resize::Scaler;
use super::{DecodeError, Limits, PreprocessError, Rgb8, sniff};
use crate::manifest::Preprocessing;

/// Brings images to the model's size and normalises them. It owns its buffers, so each thread needs its own.
pub struct Preprocessor {
    scaler: Scaler,
    /// What each of the 256 values of a byte is normalised to, for each channel.
    normalised: [[f32; 256]; 3],
}

impl Preprocessor {
    /// A preprocessor that does what a manifest says.
    ///
    /// It may panic with values that [`Preprocessing::validate`] refuses; those of a [`Model`](crate::Model) are
    /// valid.
    pub fn new(preprocessing: &Preprocessing) -> Self {
        let normalised = std::array::from_fn(|channel| {
            let (mean, std) = (preprocessing.mean[channel], preprocessing.std[channel]);
            std::array::from_fn(|value| (value as f32 / 255.0 - mean) / std)
        });
        Self {
            scaler: Scaler::new(preprocessing),
            normalised,
        }
    }

    /// The number of values that [`write_tensor`](Self::write_tensor) writes: 3 × height × width.
    pub fn tensor_len(&self) -> usize {
        self.scaler.output_bytes()
    }

    /// Whether [`resize`](Self::resize) leaves an image of this size as it is: it has the model's size, and nothing
    /// of it is cut off.
    pub fn keeps(&self, width: u32, height: u32) -> bool {
        self.scaler.keeps(width, height)
    }

    /// Decodes an image file and brings it to the model's size: [`decode`](super::decode) and
    /// [`resize`](Self::resize) in one, without decoding more detail than the model can be shown.
    ///
    /// A JPEG is scaled to a quarter or an eighth while it is decoded, if at least two and a half times the model's
    /// size is left, and 256 pixels each way. Everything else is decoded at full size.
    ///
    /// # Errors
    /// As [`decode`](super::decode).
    pub fn decode(&mut self, bytes: &[u8], limits: &Limits) -> Result<Rgb8, DecodeError> {
        let decoded = decode_enough(bytes, *limits, Some(self.scaler.enough()))?;
        let Rgb8 { width, height, .. } = decoded.image;
        if decoded.extent.pixel == 1 && self.keeps(width, height) {
            return Ok(decoded.image);
        }
        let scaled = self.scaler.scale(&decoded.image, decoded.extent);
        let unscaled = |error: PreprocessError| match sniff(bytes) {
            Some(format) => DecodeError::corrupt(format, error.to_string()),
            None => DecodeError::UnsupportedFormat { looks_like: None },
        };
        let pixels = scaled.map_err(unscaled)?.to_vec();
        let (width, height) = self.scaler.size();
        Ok(Rgb8 {
            width,
            height,
            pixels,
        })
    }

    /// Brings an image of any size to the model's, cropped as the manifest says.
    ///
    /// # Errors
    /// [`PreprocessError::NotAPicture`] if a side is 0 or the pixels do not fit the sides.
    pub fn resize(&mut self, image: &Rgb8) -> Result<Rgb8, PreprocessError> {
        let pixels = self.scaler.scale(image, Extent::of(image))?.to_vec();
        let (width, height) = self.scaler.size();
        Ok(Rgb8 {
            width,
            height,
            pixels,
        })
    }

    /// Writes the model's input for an image of the model's size, as [`decode`](Self::decode) and
    /// [`resize`](Self::resize) give it: `(x/255 - mean) / std`, all of red first, then green, then blue (CHW).
    ///
    /// # Errors
    /// [`PreprocessError::NotAPicture`] if it has another size, and [`PreprocessError::OutputLength`] unless `out`
    /// holds [`tensor_len`](Self::tensor_len) values.
    pub fn write_tensor(&self, image: &Rgb8, out: &mut [f32]) -> Result<(), PreprocessError> {
        let expected = self.tensor_len();
        if out.len() != expected {
            return Err(PreprocessError::OutputLength {
                expected,
                found: out.len(),
            });
        }
        let Rgb8 {
            width,
            height,
            ref pixels,
        } = *image;
        if (width, height) != self.scaler.size() || pixels.len() != expected {
            return Err(PreprocessError::NotAPicture {
                width,
                height,
                bytes: pixels.len(),
            });
        }
        let planes = out.chunks_exact_mut((expected / 3).max(1));
        for (channel, (plane, normalised)) in planes.zip(&self.normalised).enumerate() {
            for (value, pixel) in plane.iter_mut().zip(pixels.as_chunks::<3>().0) {
                *value = normalised[usize::from(pixel[channel])];
            }
        }
        Ok(())
    }
}
