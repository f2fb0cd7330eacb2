//! What only the user knows about a model from elsewhere, as said on the command line.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use clap::ValueEnum;
use normgate_core::manifest::{Filter, Preprocessing, Resize};

use super::described::Described;
use super::{AdoptArgs, AdoptError};
use crate::datasets::{DatasetError, labels as names};

/// ImageNet's normalisation, as of torchvision's models.
const IMAGENET: Normalisation = Normalisation {
    mean: [0.485, 0.456, 0.406],
    std: [0.229, 0.224, 0.225],
};

/// Pixels in 0..1 as they are.
const UNCHANGED: Normalisation = Normalisation {
    mean: [0.0; 3],
    std: [1.0; 3],
};

/// Mean and standard deviation of each channel, of pixels in 0..1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Normalisation {
    /// What is subtracted.
    pub mean: [f32; 3],
    /// What the difference is divided by.
    pub std: [f32; 3],
}

impl FromStr for Normalisation {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let all = |mean, std| Self {
            mean: [mean; 3],
            std: [std; 3],
        };
        match text {
            "imagenet" => return Ok(IMAGENET),
            "half" => return Ok(all(0.5, 0.5)),
            "none" => return Ok(UNCHANGED),
            _ => {}
        }
        let expected = || {
            "expected imagenet, half, none, or MEAN/STD such as 0.5/0.25 or \
             0.485,0.456,0.406/0.229,0.224,0.225"
                .to_owned()
        };
        let (mean, std) = text.split_once('/').ok_or_else(expected)?;
        let channels = |text: &str| {
            let numbers = text.split(',').map(|number| number.trim().parse::<f32>());
            let numbers = numbers
                .collect::<Result<Vec<_>, _>>()
                .map_err(|_| expected())?;
            match *numbers {
                [one] => Ok([one; 3]),
                [r, g, b] => Ok([r, g, b]),
                _ => Err(expected()),
            }
        };
        Ok(Self {
            mean: channels(mean)?,
            std: channels(std)?,
        })
    }
}

/// Width and height in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size(pub u32, pub u32);

impl Size {
    /// The size that the options and files agree on.
    ///
    /// # Errors
    /// [`AdoptError`] if none of them gives a size, or they differ.
    pub(super) fn agreed(
        asked: Option<Self>,
        found: [Option<u32>; 2],
        described: Option<&Described>,
    ) -> Result<Self, AdoptError> {
        let said = [
            ("--size", asked),
            ("--preprocessing", described.map(|d| d.size)),
        ];
        let said = said.into_iter().filter_map(|(by, size)| Some((by, size?)));
        let [width, height] = found;
        let size = match (said.clone().next(), width, height) {
            (Some((_, Self(w, h))), width, height) => Self(width.unwrap_or(w), height.unwrap_or(h)),
            (None, Some(width), Some(height)) => Self(width, height),
            (None, ..) => return Err(AdoptError::NoSize),
        };
        let is_fixed = width.is_some() && height.is_some();
        match said.into_iter().find(|(_, said)| *said != size) {
            Some((by, said)) => Err(AdoptError::OtherSize {
                by,
                said: said.to_string(),
                found: match is_fixed {
                    true => format!("the model takes {size}"),
                    false => format!("--size says {size}"),
                },
                hint: match by {
                    "--size" => "leave it out",
                    _ if !is_fixed => "leave --size out, or is that the file of another model?",
                    _ => {
                        "is that the file of this model? Otherwise say with --normalise, --resize, --shorter-side and \
                         --filter how its images are prepared"
                    }
                },
            }),
            None => Ok(size),
        }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.0, self.1)
    }
}

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let side = |text: &str| {
            let side = text.parse().ok().filter(|side| *side > 0);
            side.ok_or_else(|| "expected a number of pixels, or WIDTHxHEIGHT".to_owned())
        };
        match text.split_once('x') {
            Some((width, height)) => Ok(Self(side(width)?, side(height)?)),
            None => side(text).map(|side| Self(side, side)),
        }
    }
}

/// How an image's shape is brought to the model's, by name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ResizeName {
    /// Scale the shorter side, then cut out the centre
    #[default]
    Crop,
    /// Scale the whole image, whatever its aspect ratio
    Stretch,
}

pub(super) fn filter(text: &str) -> Result<Filter, String> {
    let filters = [
        Filter::Bilinear,
        Filter::CatmullRom,
        Filter::Lanczos3,
        Filter::Box,
    ];
    let found = filters
        .into_iter()
        .find(|filter| filter.to_string() == text);
    found.ok_or_else(|| "expected bilinear, catmull_rom, lanczos3 or box".into())
}

pub(super) fn labels(text: &str) -> Result<Vec<String>, DatasetError> {
    Ok(told_apart(&names::class_names(text)?))
}

/// Adds the class number to names that occur twice: ImageNet has two cranes, a bird and a machine, and answers and
/// folders of images must say which.
fn told_apart(names: &[String]) -> Vec<String> {
    let mut count = HashMap::<&str, usize>::new();
    for name in names {
        *count.entry(name).or_default() += 1;
    }
    let apart = names.iter().enumerate();
    apart
        .map(|(class, name)| match count.get(&**name) {
            Some(1) => name.clone(),
            _ => format!("{name} ({class})"),
        })
        .collect()
}

pub(super) fn preprocessing(
    args: &AdoptArgs,
    Size(width, height): Size,
    described: Option<Described>,
) -> Result<Preprocessing, AdoptError> {
    if args.resize == ResizeName::Stretch && args.shorter_side.is_some() {
        return Err(AdoptError::ShorterSideOfStretch);
    }
    if let Some(shorter_side) = args.shorter_side
        && shorter_side < width.max(height)
    {
        return Err(AdoptError::TooShort {
            shorter_side,
            needed: width.max(height),
        });
    }
    let described = described.unwrap_or_else(|| Described {
        size: Size(width, height),
        resize: match args.resize {
            ResizeName::Stretch => Resize::Stretch,
            ResizeName::Crop => Resize::CentreCrop {
                shorter_side: args.shorter_side.unwrap_or(width.max(height)),
            },
        },
        filter: args.filter,
        normalise: args.normalise.unwrap_or(UNCHANGED),
    });
    Ok(Preprocessing {
        width,
        height,
        resize: described.resize,
        filter: described.filter.unwrap_or(Filter::Bilinear),
        mean: described.normalise.mean,
        std: described.normalise.std,
    })
}
