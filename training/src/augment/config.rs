//! Augmentation: the options of the command line, and what a run records of them.

use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};

/// How training images are augmented, in-distribution and auxiliary ones alike. The default is the paper's recipe
/// (Appendix D.1; the same as in PASCL, Wang et al., ICML 2022).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AugmentConfig {
    /// Which part of each image is shown.
    #[serde(default)]
    pub crop: Crop,
    /// Pixels of black added on every side before a window of the image's own size is cut out at
    /// random.
    pub crop_padding: u16,
    /// How far an image is turned, sheared and zoomed: from 0 (not at all, the paper's recipe) to 1 (by up to 45°, 0.3
    /// columns a row, and a factor of e^±0.3).
    #[serde(default)]
    pub viewpoint: f32,
    /// Side, in pixels, of a square that is hidden in each image; 0 (the paper's recipe): none.
    #[serde(default)]
    pub cutout: u16,
    /// Probability of mirroring left and right.
    pub flip: f32,
    /// Changes of colour.
    pub colour: ColourConfig,
    /// Probability of turning the image grey.
    pub greyscale: f32,
    /// Changes of how the image seems to have been made.
    pub camera: CameraConfig,
}

/// Which part of an image is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Crop {
    /// The centre square, scaled before training begins and kept in memory, shifted within
    /// --crop-padding: for small images
    #[default]
    Padded,
    /// 20 to 100 % of the image, anywhere, 3:4 to 4:3, scaled (torchvision's RandomResizedCrop);
    /// image files are read anew each time: for large images
    Resized,
}

/// Changes of colour, in an order drawn at random for each image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColourConfig {
    /// Probability that an image's colours are changed at all.
    pub probability: f32,
    /// Brightness is multiplied by up to 1 ± this.
    pub brightness: f32,
    /// Contrast is multiplied by up to 1 ± this.
    pub contrast: f32,
    /// Saturation is multiplied by up to 1 ± this.
    pub saturation: f32,
    /// The hue is turned by up to ± this part of the colour circle (at most 0.5).
    pub hue: f32,
}

/// Changes of how an image seems to have been made, so that a model learns what images show, not which camera and
/// which resampling made them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CameraConfig {
    /// From 0 (off, the paper's recipe) to 1 (what a bad phone and a careless website do).
    pub strength: f32,
    /// Probability that an image is changed at all.
    pub probability: f32,
    /// What is changed.
    pub operations: Vec<CameraOperation>,
}

/// One thing that differs between cameras, and between the ways in which images were resized and
/// stored. At strength S:
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CameraOperation {
    /// Sharpen or blur every image: amplitude times exp(±S) at the highest frequency
    Tilt,
    /// Half of the images: to another size (1 - S/2 to 2 times) and back, by random filters
    Resample,
    /// Half of the images: noise, its deviation up to 0.04 S of white
    Noise,
    /// Half of the images: JPEG at a quality from 95 - 65 S to 95, half of them 4:2:0
    Jpeg,
}

impl AugmentConfig {
    /// No augmentation: the image is only scaled to 0..1.
    #[must_use]
    pub fn off() -> Self {
        AugmentConfig {
            crop: Crop::Padded,
            crop_padding: 0,
            viewpoint: 0.0,
            cutout: 0,
            flip: 0.0,
            colour: ColourConfig {
                probability: 0.0,
                brightness: 0.0,
                contrast: 0.0,
                saturation: 0.0,
                hue: 0.0,
            },
            greyscale: 0.0,
            camera: CameraConfig {
                strength: 0.0,
                probability: 0.0,
                operations: Vec::new(),
            },
        }
    }
}

impl Default for AugmentConfig {
    fn default() -> Self {
        AugmentConfig {
            crop: Crop::Padded,
            crop_padding: 4,
            viewpoint: 0.0,
            cutout: 0,
            flip: 0.5,
            colour: ColourConfig {
                probability: 0.8,
                brightness: 0.4,
                contrast: 0.4,
                saturation: 0.4,
                hue: 0.1,
            },
            greyscale: 0.2,
            camera: CameraConfig {
                strength: 0.0,
                probability: 1.0,
                operations: CameraOperation::value_variants().to_vec(),
            },
        }
    }
}

/// Options of how training images are varied. The defaults are the paper's recipe.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Augmentation (of all training images alike)")]
pub struct AugmentArgs {
    /// Which part of each image to show [default: padded; --recipe imagenet-lt resized]
    #[arg(long, value_enum)]
    crop: Option<Crop>,
    /// Pixels of black added on every side before a window of the image's size is cut at random;
    /// 0: none [default: 4; --crop resized 0]
    #[arg(long, value_name = "PIXELS")]
    crop_padding: Option<u16>,
    /// Probability of mirroring left and right
    #[arg(long, value_name = "P", default_value_t = 0.5, value_parser = share)]
    flip: f32,
    /// Probability that an image's colours are changed, in a random order of the next four
    #[arg(long, value_name = "P", default_value_t = 0.8, value_parser = share)]
    colour: f32,
    /// Multiply the brightness by up to 1 ± S
    #[arg(long, value_name = "S", default_value_t = 0.4, value_parser = share)]
    brightness: f32,
    /// Multiply the contrast by up to 1 ± S
    #[arg(long, value_name = "S", default_value_t = 0.4, value_parser = share)]
    contrast: f32,
    /// Multiply the saturation by up to 1 ± S
    #[arg(long, value_name = "S", default_value_t = 0.4, value_parser = share)]
    saturation: f32,
    /// Turn the hue by up to ± S of the colour circle, at most 0.5
    #[arg(long, value_name = "S", default_value_t = 0.1, value_parser = half_circle)]
    hue: f32,
    /// Probability of turning the image grey
    #[arg(long, value_name = "P", default_value_t = 0.2, value_parser = share)]
    greyscale: f32,
    /// Turn, shear and zoom each image at random: 0 (not at all) to 1 (by up to 45°, 0.3 columns a row,
    /// and a factor of 1.35 either way)
    #[arg(long, value_name = "STRENGTH", default_value_t = 0.0, value_parser = share)]
    viewpoint: f32,
    /// Hide a square of this side in each image (cutout); 0: none
    #[arg(long, value_name = "PIXELS", default_value_t = 0)]
    cutout: u16,
    /// Content, not camera: how strongly to change the way an image seems to have been made, by
    /// resampling, blur or sharpening, noise and JPEG; 0 (off) to 1. Use it if photos will come from
    /// other sources than the training images
    #[arg(long, value_name = "STRENGTH", default_value_t = 0.0, value_parser = share)]
    camera: f32,
    /// Probability that --camera changes an image at all
    #[arg(long, value_name = "P", default_value_t = 1.0, value_parser = share, requires = "camera")]
    camera_probability: f32,
    /// What --camera changes, separated by commas
    #[arg(
        long,
        value_name = "LIST",
        value_delimiter = ',',
        value_enum,
        default_value = "tilt,resample,noise,jpeg",
        requires = "camera"
    )]
    camera_operations: Vec<CameraOperation>,
}

impl From<&AugmentArgs> for AugmentConfig {
    fn from(args: &AugmentArgs) -> Self {
        args.config(Crop::default())
    }
}

impl AugmentArgs {
    /// The configuration that the options give, with this `crop` if they do not say which.
    #[must_use]
    pub fn config(&self, crop: Crop) -> AugmentConfig {
        let args = self;
        let crop = args.crop.unwrap_or(crop);
        let padding = match crop {
            Crop::Padded => 4,
            Crop::Resized => 0,
        };
        AugmentConfig {
            crop,
            crop_padding: args.crop_padding.unwrap_or(padding),
            viewpoint: args.viewpoint,
            cutout: args.cutout,
            flip: args.flip,
            colour: ColourConfig {
                probability: args.colour,
                brightness: args.brightness,
                contrast: args.contrast,
                saturation: args.saturation,
                hue: args.hue,
            },
            greyscale: args.greyscale,
            camera: CameraConfig {
                strength: args.camera,
                probability: args.camera_probability,
                operations: args.camera_operations.clone(),
            },
        }
    }
}

fn share(text: &str) -> Result<f32, String> {
    up_to(1.0, text)
}

fn half_circle(text: &str) -> Result<f32, String> {
    up_to(0.5, text)
}

fn up_to(most: f32, text: &str) -> Result<f32, String> {
    let number: Option<f32> = text.parse().ok();
    number
        .filter(|number| (0.0..=most).contains(number))
        .ok_or_else(|| format!("give a number from 0 to {most}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        augmentation: AugmentArgs,
    }

    #[test]
    fn without_options_the_recipe_is_the_papers() {
        let command = Command::try_parse_from(["test"]).unwrap();
        assert_eq!(
            AugmentConfig::from(&command.augmentation),
            AugmentConfig::default()
        );
    }

    #[test]
    fn parts_that_are_drawn_are_not_shifted_too_unless_asked() {
        let config = |line: &[&str], crop| {
            let words = std::iter::once(&"test").chain(line);
            let config = Command::try_parse_from(words)
                .unwrap()
                .augmentation
                .config(crop);
            (config.crop, config.crop_padding)
        };
        assert_eq!(config(&[], Crop::Resized), (Crop::Resized, 0));
        assert_eq!(config(&["--crop=padded"], Crop::Resized), (Crop::Padded, 4));
        let both = ["--crop=resized", "--crop-padding=8"];
        assert_eq!(config(&both, Crop::Padded), (Crop::Resized, 8));
    }

    #[test]
    fn a_configuration_from_before_there_were_two_ways_of_cropping_is_read() {
        let mut old = serde_json::to_value(AugmentConfig::default()).unwrap();
        old.as_object_mut().unwrap().remove("crop").unwrap();
        let read: AugmentConfig = serde_json::from_value(old).unwrap();
        assert_eq!(read, AugmentConfig::default());
    }

    #[test]
    fn a_value_out_of_range_is_refused_with_the_range() {
        for (option, range) in [("--hue=0.6", "0 to 0.5"), ("--flip=NaN", "0 to 1")] {
            let error = Command::try_parse_from(["test", option]).err().unwrap();
            assert!(error.to_string().contains(range), "{error}");
        }
    }

    #[test]
    fn a_configuration_survives_being_written_to_a_file() {
        let config = AugmentConfig::default();
        let text = serde_json::to_string(&config).unwrap();
        assert_eq!(
            serde_json::from_str::<AugmentConfig>(&text).unwrap(),
            config
        );
    }
}
