//! The models that are measured: the shipped one, and two networks of usual sizes with random
//! weights, which are as fast as trained ones.

mod resnet;

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use indicatif::ProgressBar;
use normgate_core::manifest::{Filter, Manifest, Preprocessing, Resize, SCHEMA_VERSION};
use normgate_core::{Calibration, Model, Runtime, ScoreKind};
use normgate_evaluation::datasets::ImageSet;
use normgate_evaluation::outputs;
use normgate_evaluation::quantize::{Options, quantize};

use crate::error::BenchError;
use crate::pictures::{Input, cuts};

/// At the end of a model's name: that model, quantised.
const INT8: &str = "-int8";

const SHIPPED: &str = "models/cifar10-lt.onnx";

/// Part of the names of cached files; increment it when a network here changes.
const EDITION: u32 = 1;

/// How many images a random network's threshold comes from; 0.95 needs at least 19.
const CALIBRATION_IMAGES: usize = 20;

/// A model to measure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// The model of this repository, a ResNet18 of width 16 for 32×32 pixels.
    Shipped,
    /// ResNet18 of width 64 for 32×32 pixels, ten classes.
    Resnet18,
    /// ResNet50 for 224×224 pixels, a thousand classes.
    Resnet50,
    /// A file.
    File(PathBuf),
    /// One of these, quantised to 8 bits by `normgate quantize`.
    Int8(Box<Choice>),
}

impl FromStr for Choice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "cifar10-lt" => Ok(Self::Shipped),
            "resnet18" => Ok(Self::Resnet18),
            "resnet50" => Ok(Self::Resnet50),
            path if path.ends_with(".onnx") => Ok(Self::File(path.into())),
            _ => match text.strip_suffix(INT8) {
                Some(of) => Ok(Self::Int8(Box::new(of.parse()?))),
                None => Err(
                    "choose cifar10-lt, resnet18, resnet50, or a path that ends in .onnx; append -int8 to \
                     have it quantised"
                        .into(),
                ),
            },
        }
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shipped => f.write_str("cifar10-lt"),
            Self::Resnet18 => f.write_str("resnet18"),
            Self::Resnet50 => f.write_str("resnet50"),
            Self::File(path) => {
                let name = path.file_stem().unwrap_or(path.as_os_str());
                f.write_str(&name.to_string_lossy())
            }
            Self::Int8(of) => write!(f, "{of}{INT8}"),
        }
    }
}

impl Choice {
    /// The kinds of images that such a model is measured with, unless others are asked for.
    pub fn inputs(&self) -> Vec<Input> {
        match self {
            Self::Shipped => vec![Input::Png32, Input::Jpeg12mp],
            Self::Resnet18 => vec![Input::Png32, Input::Jpeg224, Input::Jpeg12mp],
            Self::Resnet50 => vec![Input::Jpeg224, Input::Jpeg12mp],
            Self::File(_) => vec![Input::Jpeg224],
            Self::Int8(of) => of.inputs(),
        }
    }

    /// The model and its file; a network of random weights is made once and kept in `cache`.
    ///
    /// # Errors
    /// [`BenchError`] if the file is not a calibrated model, or cannot be written.
    pub fn open(&self, runtime: &Runtime, cache: &Path) -> Result<(PathBuf, Model), BenchError> {
        let (network, side) = match self {
            Self::Shipped => return open(SHIPPED.into()),
            Self::File(path) => return open(path.clone()),
            Self::Int8(of) => return quantised(runtime, &of.open(runtime, cache)?.1, cache),
            Self::Resnet18 => (resnet::Network::resnet18(), 32),
            Self::Resnet50 => (resnet::Network::resnet50(), 224),
        };
        let path = cache.join(format!("{self}-{EDITION}.onnx"));
        if !path.is_file() {
            fs::create_dir_all(cache).map_err(BenchError::file(cache))?;
            let manifest = self.manifest(&network, side);
            let model = network.build(side as usize, &manifest)?;
            calibrated(runtime, &model)?.save(&path)?;
        }
        open(path)
    }

    fn manifest(&self, network: &resnet::Network, side: u32) -> Manifest {
        Manifest {
            schema_version: SCHEMA_VERSION,
            name: self.to_string(),
            version: "random".into(),
            description: Some("Random weights, for measuring speed only.".into()),
            labels: (0..network.classes)
                .map(|class| format!("class {class}"))
                .collect(),
            representation_size: network.representation(),
            preprocessing: Preprocessing {
                width: side,
                height: side,
                resize: Resize::CentreCrop { shorter_side: side },
                filter: Filter::Bilinear,
                mean: [0.485, 0.456, 0.406],
                std: [0.229, 0.224, 0.225],
            },
            score: ScoreKind::RepresentationNorm,
            calibration: None,
            training: None,
            quantization: None,
        }
    }
}

/// The int8 form of a model, made once for each file.
fn quantised(
    runtime: &Runtime,
    model: &Model,
    cache: &Path,
) -> Result<(PathBuf, Model), BenchError> {
    let digest = model.digest().get(..12).unwrap_or_default();
    let path = cache.join(format!("int8-{digest}-{EDITION}.onnx"));
    if !path.is_file() {
        fs::create_dir_all(cache).map_err(BenchError::file(cache))?;
        let images = images(model.manifest().preprocessing.width)?;
        let int8 = quantize(runtime, model, &images, &Options::default())?;
        calibrated(runtime, &int8)?.save(&path)?;
    }
    open(path)
}

fn open(path: PathBuf) -> Result<(PathBuf, Model), BenchError> {
    let model = Model::open(&path)?;
    Ok((path, model))
}

/// The model with a threshold, which the server requires.
fn calibrated(runtime: &Runtime, model: &Model) -> Result<Model, BenchError> {
    let mut manifest = (**model.manifest()).clone();
    let images = images(manifest.preprocessing.width)?;
    let answers = outputs::run(runtime, model, &images, 1, &ProgressBar::hidden())?;
    let scores = answers.scores(&**model.score());
    manifest.calibration = Some(Calibration::id_positive(&scores, 0.95)?);
    Ok(model.with_manifest(manifest)?)
}

/// Images to calibrate and quantise with.
fn images(side: u32) -> Result<ImageSet, BenchError> {
    let cuts = cuts(CALIBRATION_IMAGES, side)?;
    Ok(ImageSet {
        name: "docs/images".into(),
        width: side as usize,
        height: side as usize,
        labels: vec![None; cuts.len()],
        pixels: cuts
            .into_iter()
            .flat_map(image::RgbImage::into_raw)
            .collect(),
        ..ImageSet::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use normgate_core::{Classifier, Outputs, Session, SessionOptions};

    #[test]
    fn a_random_network_is_served_like_any_other_and_made_once() {
        let cache = tempfile::tempdir().unwrap();
        let runtime = Runtime::load(None).unwrap();
        let (path, model) = Choice::Resnet18.open(&runtime, cache.path()).unwrap();
        // 11,173,962 parameters, less what folding batch normalisation away has saved.
        assert!((11_100_000..11_200_000).contains(&(model.bytes().len() / 4)));
        let classifier = Classifier::new(&model).unwrap();
        let mut session = Session::new(&runtime, &model, &SessionOptions::default()).unwrap();
        let mut outputs = Outputs::default();
        let images = vec![0.5; 2 * 3 * 32 * 32];
        session.run(&images, 2, &mut outputs).unwrap();
        let answer = classifier.classify(&outputs.logits[..10], &outputs.representation[..512]);
        assert!(answer.unwrap().score.is_finite());
        let written = fs::metadata(&path).unwrap().modified().unwrap();
        let (again, _) = Choice::Resnet18.open(&runtime, cache.path()).unwrap();
        assert_eq!(fs::metadata(again).unwrap().modified().unwrap(), written);
    }

    #[test]
    fn the_shipped_model_is_quantised_and_can_be_served() {
        let cache = tempfile::tempdir().unwrap();
        let runtime = Runtime::load(None).unwrap();
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("..")
            .join(SHIPPED);
        let of = Choice::File(shipped);
        let (_, model) = of.open(&runtime, cache.path()).unwrap();
        let (_, int8) = Choice::Int8(Box::new(of))
            .open(&runtime, cache.path())
            .unwrap();
        assert!(int8.bytes().len() < model.bytes().len() * 3 / 4);
        Classifier::new(&int8).unwrap();
    }

    #[test]
    fn a_model_is_named_or_is_a_file() {
        for name in ["cifar10-lt", "resnet18", "resnet50-int8"] {
            assert_eq!(name.parse::<Choice>().unwrap().to_string(), name);
        }
        assert_eq!("a/b.onnx".parse::<Choice>().unwrap().to_string(), "b");
        for name in ["resnet19", "resnet19-int8", "-int8"] {
            name.parse::<Choice>().unwrap_err();
        }
    }
}
