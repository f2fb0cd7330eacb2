//! What a network gets to see: the size, the part of the image, and the scale of its values, in training and, through
//! the manifest, ever after.

use clap::ValueEnum;
use normgate_core::manifest::{Filter, Preprocessing, Resize};
use serde::{Deserialize, Serialize};
use tch::{TchError, Tensor};

use crate::augment::Crop;

/// What is subtracted from each channel's values (0 to 1), and what they are then divided by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Normalise {
    /// Nothing: values from 0 to 1, as RNA's authors have them for CIFAR
    #[default]
    None,
    /// ImageNet's means and standard deviations
    Imagenet,
}

impl Normalise {
    /// Means and standard deviations of R, G and B.
    #[must_use]
    pub fn mean_and_std(self) -> ([f32; 3], [f32; 3]) {
        match self {
            Normalise::None => ([0.0; 3], [1.0; 3]),
            Normalise::Imagenet => ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
        }
    }

    /// Normalises images, [images, 3, H, W], 0 to 1.
    ///
    /// # Errors
    ///
    /// [`TchError`] if memory does not suffice.
    pub fn apply(self, images: Tensor) -> Result<Tensor, TchError> {
        if self == Normalise::None {
            return Ok(images);
        }
        let (mean, std) = self.mean_and_std();
        let channels = mean
            .iter()
            .zip(std)
            .enumerate()
            .map(|(channel, (mean, std))| {
                let values = images.f_narrow(1, channel as i64, 1)?;
                values
                    .f_sub_scalar(f64::from(*mean))?
                    .f_div_scalar(f64::from(std))
            });
        let channels = channels.collect::<Result<Vec<_>, TchError>>()?;
        Tensor::f_cat(&channels, 1)
    }
}

impl std::fmt::Display for Normalise {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Normalise::None => "none",
            Normalise::Imagenet => "imagenet",
        })
    }
}

/// How images of other sizes are brought to a network's: the centre, scaled to `side`. For a network trained on
/// padded squares, this is the whole centre square; for one trained on parts, it is the middle seven eighths of its
/// sides (224 of 256 pixels), as in both authors' codes.
#[must_use]
pub fn preprocessing(side: u32, crop: Crop, normalise: Normalise) -> Preprocessing {
    let shorter_side = match crop {
        Crop::Padded => side,
        Crop::Resized => (8 * side + 3) / 7,
    };
    let (mean, std) = normalise.mean_and_std();
    Preprocessing {
        width: side,
        height: side,
        resize: Resize::CentreCrop { shorter_side },
        // Leaves a photo with the spectrum that CIFAR's own images have; sharper filters look to the network like
        // another camera (figures: models/cifar10-lt.md). For ImageNet it is what torchvision uses.
        filter: Filter::Bilinear,
        mean,
        std,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_224_pixels_are_tested_on_the_centre_of_256() {
        let ours = preprocessing(224, Crop::Resized, Normalise::Imagenet);
        assert_eq!(ours.resize, Resize::CentreCrop { shorter_side: 256 });
        assert_eq!(ours.mean, [0.485, 0.456, 0.406]);
        ours.validate().unwrap();
        let whole = preprocessing(32, Crop::Padded, Normalise::None);
        assert_eq!(whole.resize, Resize::CentreCrop { shorter_side: 32 });
        assert_eq!((whole.mean, whole.std), ([0.0; 3], [1.0; 3]));
    }

    #[test]
    fn every_channel_is_normalised_by_its_own_figures() {
        let images =
            || Tensor::from_slice(&[0.485_f32, 1.0, 0.456, 0.0, 0.406, 0.631]).view([1, 3, 1, 2]);
        let expected = [0.0, 0.515 / 0.229, 0.0, -0.456 / 0.224, 0.0, 1.0];
        let found = Normalise::Imagenet.apply(images()).unwrap();
        for (index, expected) in expected.iter().enumerate() {
            let found = found.view([-1]).double_value(&[index as i64]);
            assert!((found - expected).abs() < 1e-6, "{index}: {found}");
        }
        assert_eq!(Normalise::None.apply(images()).unwrap(), images());
    }
}
