//! The auxiliary images of each step.

use std::fmt;
use std::str::FromStr;

use normgate_evaluation::datasets::{ImageSet, LoadOptions, SetSpec};

use crate::batches::Stream;
use crate::data::Selection;
use crate::error::TrainError;
use crate::pictures::Part;

/// The word for [`AuxiliarySpec::Crops`].
const CROPS: &str = "crops";

/// An auxiliary set as it is named on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuxiliarySpec {
    /// Enlarged crops of the training images themselves.
    Crops,
    /// Another image set.
    Set(SetSpec),
}

impl AuxiliarySpec {
    /// Says which images they are, but not where they are stored.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            AuxiliarySpec::Crops => "crops of the training images".into(),
            AuxiliarySpec::Set(spec) => spec.describe(),
        }
    }
}

impl fmt::Display for AuxiliarySpec {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AuxiliarySpec::Crops => formatter.write_str(CROPS),
            AuxiliarySpec::Set(spec) => spec.fmt(formatter),
        }
    }
}

impl FromStr for AuxiliarySpec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            CROPS => Ok(AuxiliarySpec::Crops),
            set => Ok(AuxiliarySpec::Set(set.parse()?)),
        }
    }
}

/// The streams of auxiliary images, to go with the in-distribution images `id`.
///
/// # Errors
///
/// [`TrainError`] if a set cannot be read (it is named), or if the weights do not fit.
pub fn streams(
    selection: &Selection,
    id: &ImageSet,
    options: &LoadOptions,
) -> Result<Vec<Stream>, TrainError> {
    let (specs, weights) = (&selection.auxiliary, &selection.auxiliary_weights);
    let per_step = selection.auxiliary_batch_size;
    if specs.is_empty() {
        return Ok(Vec::new());
    }
    let options = LoadOptions {
        has_classes: false,
        ..options.clone()
    };
    let mut sets = Vec::new();
    for spec in specs {
        // Their classes do not matter.
        sets.push(match spec {
            AuxiliarySpec::Set(spec) => spec.load(&options)?.unlabelled(),
            AuxiliarySpec::Crops if specs.len() > 1 => {
                return Err(TrainError::Options(
                    "--aux crops must stand alone; to name a folder called crops, write ./crops"
                        .into(),
                ));
            }
            AuxiliarySpec::Crops if !weights.is_empty() => {
                return Err(TrainError::Options(
                    "--aux-weights is for several sets: leave it out with --aux crops".into(),
                ));
            }
            AuxiliarySpec::Crops => {
                let images = ImageSet {
                    name: format!("crops of {}", id.name),
                    ..id.clone().unlabelled()
                };
                return Ok(vec![Stream {
                    images,
                    per_step,
                    part: Part::of(selection.crop, true),
                }]);
            }
        });
    }
    let stream = |images, per_step| Stream {
        images,
        per_step,
        part: Part::of(selection.crop, false),
    };
    if weights.is_empty() {
        // One stream, so that each image comes up equally often.
        return Ok(vec![stream(ImageSet::concat(sets)?, per_step)]);
    }
    if weights.len() != sets.len() {
        return Err(TrainError::Options(format!(
            "--aux-weights gives {} weights for {} auxiliary sets",
            weights.len(),
            sets.len()
        )));
    }
    let shares = shares(weights, per_step)?;
    let streams = sets.into_iter().zip(shares);
    Ok(streams
        .map(|(images, per_step)| stream(images, per_step))
        .collect())
}

/// Splits `total` in the ratio of `weights`, by largest remainder.
fn shares(weights: &[f64], total: usize) -> Result<Vec<usize>, TrainError> {
    let sum: f64 = weights.iter().sum();
    if !weights
        .iter()
        .all(|&weight| weight > 0.0 && weight.is_finite())
    {
        return Err(TrainError::Options(
            "--aux-weights must all be greater than 0".into(),
        ));
    }
    let exact: Vec<f64> = weights
        .iter()
        .map(|weight| weight / sum * total as f64)
        .collect();
    let mut shares: Vec<usize> = exact.iter().map(|&share| share as usize).collect();
    let mut by_remainder: Vec<usize> = (0..shares.len()).collect();
    by_remainder.sort_by(|&a, &b| exact[b].fract().total_cmp(&exact[a].fract()));
    let missing = total - shares.iter().sum::<usize>();
    for &set in by_remainder.iter().take(missing) {
        shares[set] += 1;
    }
    if shares.contains(&0) {
        return Err(TrainError::Options(format!(
            "--aux-weights leaves an auxiliary set no image in a batch of {total}"
        )));
    }
    Ok(shares)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_crops_is_no_folder() {
        let parse = |text: &str| text.parse::<AuxiliarySpec>().unwrap();
        assert_eq!(parse("crops"), AuxiliarySpec::Crops);
        for folder in ["./crops", "sets/aux#first=300"] {
            assert!(matches!(parse(folder), AuxiliarySpec::Set(_)), "{folder}");
            assert_eq!(parse(folder).to_string(), folder);
        }
        assert_eq!(parse("sets/aux#first=300").describe(), "aux#first=300");
    }

    #[test]
    fn shares_add_up_and_follow_the_weights() {
        assert_eq!(shares(&[1.0, 1.0], 128).unwrap(), [64, 64]);
        assert_eq!(shares(&[2.0, 1.0], 128).unwrap(), [85, 43]);
        assert_eq!(
            shares(&[1.0, 1.0, 1.0], 128).unwrap().iter().sum::<usize>(),
            128
        );
    }

    #[test]
    fn weights_that_leave_a_set_without_images_are_refused() {
        assert!(shares(&[1000.0, 1.0], 128).is_err());
        assert!(shares(&[1.0, 0.0], 128).is_err());
        assert!(shares(&[1.0, f64::NAN], 128).is_err());
    }
}
