use super::decode::{Extent, decode_enough};
use super::resize::Scaler;
use super::{DecodeError, Limits, PreprocessError, Rgb8};
use crate::manifest::Preprocessing;

/// Brings pictures to the model's size and normalises them. Owns its buffers: one for each thread.
pub struct Preprocessor {
    scaler: Scaler,
    /// What each of the 256 values of a byte is normalised to, for each channel.
    normalised: [[f32; 256]; 3],
}

impl Preprocessor {
    /// A preprocessor that does what a manifest says.
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

    /// Number of values that [`write_tensor`](Self::write_tensor) writes: 3 × height × width.
    pub fn tensor_len(&self) -> usize {
        self.scaler.output_bytes()
    }

    /// Decodes an image file as [`decode`](super::decode) does, with no more of its detail than the
    /// model can be shown: a photo far larger than the model's input comes at the model's size.
    ///
    /// A JPEG is scaled to a quarter or an eighth while it is decoded, where two and a half times the
    /// model's size is left, and 256 pixels each way. All else is decoded whole.
    ///
    /// # Errors
    /// As [`decode`](super::decode).
    pub fn decode(&mut self, bytes: &[u8], limits: &Limits) -> Result<Rgb8, DecodeError> {
        let decoded = decode_enough(bytes, *limits, Some(self.scaler.enough()))?;
        if decoded.extent.pixel == 1 {
            return Ok(decoded.image);
        }
        let scaled = self.scaler.scale(&decoded.image, decoded.extent);
        let pixels = scaled.map_err(DecodeError::unscaled)?.to_vec();
        let (width, height) = self.scaler.size();
        Ok(Rgb8 {
            width,
            height,
            pixels,
        })
    }

    /// The picture at the model's size. One that has it already is left as it is.
    ///
    /// # Errors
    /// [`PreprocessError::NotAPicture`] where a side is 0 or the pixels do not fit the sides.
    pub fn resize(&mut self, image: &Rgb8) -> Result<Rgb8, PreprocessError> {
        let pixels = self.scaler.scale(image, Extent::of(image))?.to_vec();
        let (width, height) = self.scaler.size();
        Ok(Rgb8 {
            width,
            height,
            pixels,
        })
    }

    /// Writes the model's input for a picture: resized, `(x/255 - mean) / std`, all of red first,
    /// then green, then blue (CHW).
    ///
    /// # Errors
    /// As [`resize`](Self::resize), and [`PreprocessError::OutputLength`] unless `out` holds
    /// [`tensor_len`](Self::tensor_len) values.
    pub fn write_tensor(&mut self, image: &Rgb8, out: &mut [f32]) -> Result<(), PreprocessError> {
        let expected = self.tensor_len();
        if out.len() != expected {
            return Err(PreprocessError::OutputLength {
                expected,
                found: out.len(),
            });
        }
        let pixels = self.scaler.scale(image, Extent::of(image))?;
        let planes = out.chunks_exact_mut((expected / 3).max(1));
        for (channel, (plane, normalised)) in planes.zip(&self.normalised).enumerate() {
            for (value, pixel) in plane.iter_mut().zip(pixels.as_chunks::<3>().0) {
                *value = normalised[usize::from(pixel[channel])];
            }
        }
        Ok(())
    }
}
