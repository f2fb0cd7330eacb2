//! Preprocessing as others write it down: Hugging Face's `preprocessor_config.json`, and timm's `config.json`.
//!
//! What is there and cannot be done as it says is refused: a model that is shown its images otherwise
//! than in training answers wrongly, and nothing tells.

use std::fs;
use std::path::Path;

use normgate_core::manifest::{Filter, Resize};
use serde::Deserialize;
use serde_json::Value;

use super::AdoptError;
use super::options::{Normalisation, Size};

/// What such a file says.
#[derive(Clone, Debug, PartialEq)]
pub struct Described {
    /// The model's image.
    pub size: Size,
    pub resize: Resize,
    /// Left out where it is that of the image processor, whichever it is.
    pub filter: Option<Filter>,
    pub normalise: Normalisation,
}

/// Transformers' image processors. Keys that change nothing of what a classifier sees are passed over.
#[derive(Deserialize)]
struct HuggingFace {
    #[serde(default = "yes")]
    do_resize: bool,
    size: Sides,
    #[serde(default)]
    do_center_crop: bool,
    crop_size: Option<Sides>,
    /// Of ConvNeXt's processor, which ResNets have too.
    crop_pct: Option<f64>,
    resample: Option<u8>,
    #[serde(default = "yes")]
    do_rescale: bool,
    rescale_factor: Option<f64>,
    #[serde(default)]
    rescale_offset: bool,
    #[serde(default = "yes")]
    do_normalize: bool,
    image_mean: Option<Channels>,
    image_std: Option<Channels>,
    #[serde(default)]
    do_pad: bool,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(untagged)]
enum Sides {
    One(u32),
    Both { height: u32, width: u32 },
    Shorter { shortest_edge: u32 },
}

#[derive(Clone, Copy, Deserialize)]
#[serde(untagged)]
enum Channels {
    One(f64),
    Each([f64; 3]),
}

/// timm's `pretrained_cfg`.
#[derive(Deserialize)]
struct Timm {
    input_size: [u32; 3],
    interpolation: String,
    crop_pct: f64,
    #[serde(default = "centre")]
    crop_mode: String,
    mean: Channels,
    std: Channels,
}

fn yes() -> bool {
    true
}

fn centre() -> String {
    "center".into()
}

/// Reads the file, whichever of the two wrote it.
pub(super) fn read(path: &Path) -> Result<Described, AdoptError> {
    let told = |reason: String| AdoptError::Preprocessing {
        path: path.into(),
        reason,
    };
    let text = fs::read_to_string(path).map_err(|error| told(error.to_string()))?;
    of(&text).map_err(told)
}

fn of(text: &str) -> Result<Described, String> {
    let value: Value =
        serde_json::from_str(text).map_err(|error| format!("it is not JSON: {error}"))?;
    let unfit = |error| format!("it is not as expected: {error}");
    if let Some(timm) = value.get("pretrained_cfg") {
        return Timm::deserialize(timm).map_err(unfit)?.described();
    }
    if value.get("input_size").is_some() {
        return Timm::deserialize(&value).map_err(unfit)?.described();
    }
    if value.get("size").is_none() {
        return Err(
            "it says nothing of preprocessing: expected Hugging Face's preprocessor_config.json, \
             or timm's config.json"
                .into(),
        );
    }
    HuggingFace::deserialize(&value).map_err(unfit)?.described()
}

impl HuggingFace {
    fn described(self) -> Result<Described, String> {
        if !self.do_resize || self.do_pad || self.rescale_offset {
            return Err(
                "it has do_resize off, do_pad or rescale_offset, which Normgate cannot do: \
                        put it into the network"
                    .into(),
            );
        }
        let (size, resize) = self.shape()?;
        let filter = self.resample.map(|number| match number {
            1 => Ok(Filter::Lanczos3),
            2 => Ok(Filter::Bilinear),
            3 => Ok(Filter::CatmullRom),
            4 => Ok(Filter::Box),
            _ => Err(format!(
                "its resample {number} is no filter that Normgate has"
            )),
        });
        let scale = match (self.do_rescale, self.rescale_factor) {
            (false, _) => 1.0,
            (true, None) => 1.0 / 255.0,
            (true, Some(factor)) => factor,
        };
        let (mean, std) = match (self.do_normalize, self.image_mean, self.image_std) {
            (false, ..) => (Channels::One(0.0), Channels::One(1.0)),
            (true, Some(mean), Some(std)) => (mean, std),
            (true, ..) => return Err("it has do_normalize, but no image_mean and image_std".into()),
        };
        Ok(Described {
            size,
            resize,
            filter: filter.transpose()?,
            normalise: normalisation(mean, std, scale),
        })
    }

    fn shape(&self) -> Result<(Size, Resize), String> {
        let cut = |Size(width, height), shorter_side| {
            let crop = Resize::CentreCrop { shorter_side };
            Ok((Size(width, height), crop))
        };
        let square = |side| Size(side, side);
        let crop = match self.crop_size.filter(|_| self.do_center_crop) {
            Some(Sides::One(side)) => Some(square(side)),
            Some(Sides::Both { height, width }) => Some(Size(width, height)),
            Some(Sides::Shorter { .. }) => return Err("its crop_size is of one side".into()),
            None => None,
        };
        match (self.size, crop, self.crop_pct) {
            (
                Sides::One(side)
                | Sides::Shorter {
                    shortest_edge: side,
                },
                Some(crop),
                None,
            ) => cut(crop, side),
            (Sides::Both { height, width }, crop, None)
                if crop.is_none_or(|crop| crop == Size(width, height)) =>
            {
                Ok((Size(width, height), Resize::Stretch))
            }
            (Sides::One(side), None, None) => Ok((square(side), Resize::Stretch)),
            (
                Sides::One(side)
                | Sides::Shorter {
                    shortest_edge: side,
                },
                None,
                Some(share),
            ) => {
                // From 384 on, ConvNeXt's processor does not cut.
                match side < 384 {
                    true => cut(square(side), (f64::from(side) / share) as u32),
                    false => Ok((square(side), Resize::Stretch)),
                }
            }
            _ => Err(
                "it neither stretches images to the model's size nor scales their shorter side \
                      and cuts out the centre: that is all that Normgate can do"
                    .into(),
            ),
        }
    }
}

impl Timm {
    fn described(self) -> Result<Described, String> {
        let [channels, height, width] = self.input_size;
        let filter = match &*self.interpolation {
            "bilinear" => Filter::Bilinear,
            "bicubic" => Filter::CatmullRom,
            "lanczos" => Filter::Lanczos3,
            "box" => Filter::Box,
            other => {
                return Err(format!(
                    "its interpolation {other} is no filter that Normgate has"
                ));
            }
        };
        let resize = match &*self.crop_mode {
            "center" if channels == 3 && width == height => Resize::CentreCrop {
                shorter_side: (f64::from(width) / self.crop_pct) as u32,
            },
            "squash" if channels == 3 && self.crop_pct == 1.0 => Resize::Stretch,
            mode => {
                return Err(format!(
                    "its crop_mode {mode} with crop_pct {} of {channels} channels of {height} × {width} is \
                     nothing that Normgate can do",
                    self.crop_pct
                ));
            }
        };
        Ok(Described {
            size: Size(width, height),
            resize,
            filter: Some(filter),
            normalise: normalisation(self.mean, self.std, 1.0 / 255.0),
        })
    }
}

/// `(scale · x − mean) / std` of bytes, said of pixels in 0..1.
fn normalisation(mean: Channels, std: Channels, scale: f64) -> Normalisation {
    let whole = 255.0 * scale;
    // A factor of 1/255 is written with more or fewer digits.
    let whole = if (whole - 1.0).abs() < 1e-3 {
        1.0
    } else {
        whole
    };
    let of = |channels| match channels {
        Channels::One(value) => [(value / whole) as f32; 3],
        Channels::Each(values) => values.map(|value| (value / whole) as f32),
    };
    Normalisation {
        mean: of(mean),
        std: of(std),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IMAGENET: Normalisation = Normalisation {
        mean: [0.485, 0.456, 0.406],
        std: [0.229, 0.224, 0.225],
    };
    const HALF: Normalisation = Normalisation {
        mean: [0.5; 3],
        std: [0.5; 3],
    };

    fn cut(shorter_side: u32) -> Resize {
        Resize::CentreCrop { shorter_side }
    }

    /// As they stand beside the weights of the models named.
    #[test]
    fn files_that_are_published_with_models_say_what_those_were_trained_with() {
        let with = |size, resize, filter, normalise| Described {
            size: Size(size, size),
            resize,
            filter,
            normalise,
        };
        let cases = [
            (
                // microsoft/resnet-50
                r#"{"crop_pct": 0.875, "do_normalize": true, "do_resize": true, "feature_extractor_type":
                    "ConvNextFeatureExtractor", "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225],
                    "resample": 3, "size": 224}"#,
                with(224, cut(256), Some(Filter::CatmullRom), IMAGENET),
            ),
            (
                // google/vit-base-patch16-224
                r#"{"do_normalize": true, "do_rescale": true, "do_resize": true, "image_mean": [0.5, 0.5, 0.5],
                    "image_processor_type": "ViTImageProcessor", "image_std": [0.5, 0.5, 0.5], "resample": 2,
                    "rescale_factor": 0.00392156862745098, "size": {"height": 224, "width": 224}}"#,
                with(224, Resize::Stretch, Some(Filter::Bilinear), HALF),
            ),
            (
                // google/mobilenet_v2_1.0_224
                r#"{"crop_size": {"height": 224, "width": 224}, "do_center_crop": true, "do_normalize": true,
                    "do_rescale": true, "do_resize": true, "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5],
                    "resample": 2, "rescale_factor": 0.00392156862745098, "size": {"shortest_edge": 256}}"#,
                with(224, cut(256), Some(Filter::Bilinear), HALF),
            ),
            (
                // facebook/convnext-base-384
                r#"{"crop_pct": 0.875, "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225],
                    "size": {"shortest_edge": 384}}"#,
                with(384, Resize::Stretch, None, IMAGENET),
            ),
            (
                // timm/resnet50.a1_in1k
                r#"{"architecture": "resnet50", "num_classes": 1000, "pretrained_cfg": {"tag": "a1_in1k",
                    "input_size": [3, 224, 224], "test_input_size": [3, 288, 288], "fixed_input_size": false,
                    "interpolation": "bicubic", "crop_pct": 0.95, "test_crop_pct": 1.0, "crop_mode": "center",
                    "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}}"#,
                with(224, cut(235), Some(Filter::CatmullRom), IMAGENET),
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(of(text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn bytes_that_are_not_scaled_to_one_are_normalised_all_the_same() {
        for rescale in [
            r#""do_rescale": false, "image_mean": [63.75, 127.5, 255], "image_std": 51"#,
            r#""rescale_factor": 2, "image_mean": [127.5, 255, 510], "image_std": 102"#,
        ] {
            let described = of(&format!(r#"{{"size": 8, {rescale}}}"#)).unwrap();
            let normalise = Normalisation {
                mean: [0.25, 0.5, 1.0],
                std: [0.2; 3],
            };
            assert_eq!(described.normalise, normalise);
        }
        let none = of(r#"{"size": 8, "do_normalize": false}"#).unwrap();
        assert_eq!(none.normalise, "none".parse().unwrap());
    }

    #[test]
    fn what_cannot_be_done_as_it_is_written_is_refused() {
        let hugging_face = |more: &str| format!(r#"{{"do_normalize": false, {more}}}"#);
        for (text, said) in [
            (hugging_face(r#""size": 8, "do_resize": false"#), "do_resize"),
            (hugging_face(r#""size": 8, "rescale_offset": true"#), "rescale_offset"),
            (hugging_face(r#""size": 8, "resample": 5"#), "resample 5"),
            (hugging_face(r#""size": {"shortest_edge": 8}"#), "cuts out the centre"),
            (
                hugging_face(r#""size": {"height": 9, "width": 9}, "do_center_crop": true, "crop_size": 8"#),
                "cuts out the centre",
            ),
            (r#"{"size": 8}"#.into(), "no image_mean"),
            (r#"{"id2label": {"0": "cat"}}"#.into(), "nothing of preprocessing"),
            (r#"{"size": "#.into(), "not JSON"),
            (r#"{"size": "large"}"#.into(), "not as expected"),
            (
                r#"{"input_size": [3, 8, 8], "interpolation": "bicubic", "crop_pct": 0.9, "crop_mode": "border",
                    "mean": 0, "std": 1}"#
                    .into(),
                "crop_mode border",
            ),
        ] {
            let error = of(&text).unwrap_err();
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}
