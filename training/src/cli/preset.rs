//! `--recipe`: the defaults of options that are not given.

use clap::ValueEnum;

use crate::augment::Crop;
use crate::input::Normalise;
use crate::models::Architecture;
use crate::optimiser::OptimiserKind;

/// The recipes of the RNA paper (D.1) and its authors' code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Preset {
    /// CIFAR10-LT and CIFAR100-LT: ResNet18 on 32×32 pixels, Adam, 200 epochs of 128 + 128 images
    CifarLt,
    /// ImageNet-LT: ResNet50 on 224×224 pixels, SGD, 100 epochs of 256 + 256 images, parts of each
    /// image, ImageNet's normalisation
    ImagenetLt,
}

/// A recipe's defaults.
pub struct Defaults {
    /// The backbone.
    pub architecture: Architecture,
    /// Side in pixels of the square that it sees.
    pub image_size: u32,
    /// What is shown of each image.
    pub crop: Crop,
    /// How the values are scaled.
    pub normalise: Normalise,
    /// The optimiser.
    pub optimiser: OptimiserKind,
    /// Passes over the images.
    pub epochs: u32,
    /// The same when another run is tuned (E.8).
    pub tuning_epochs: u32,
    /// Images in a step, of either kind.
    pub batch_size: u32,
}

impl Preset {
    /// The recipe's defaults.
    pub fn defaults(self) -> Defaults {
        match self {
            Preset::CifarLt => Defaults {
                architecture: Architecture::Resnet18,
                image_size: 32,
                crop: Crop::Padded,
                normalise: Normalise::None,
                optimiser: OptimiserKind::Adam,
                epochs: 200,
                tuning_epochs: 10,
                batch_size: 128,
            },
            Preset::ImagenetLt => Defaults {
                architecture: Architecture::Resnet50,
                image_size: 224,
                crop: Crop::Resized,
                normalise: Normalise::Imagenet,
                optimiser: OptimiserKind::Sgd,
                epochs: 100,
                tuning_epochs: 3,
                batch_size: 256,
            },
        }
    }
}
