//! The options that decide a run's outcome.

use std::path::{Path, PathBuf};

use clap::Args;
use normgate_evaluation::datasets::{SetSpec, labels};

use super::method::MethodArgs;
use super::preset::Preset;
use crate::augment::{AugmentConfig, Crop};
use crate::auxiliary::AuxiliarySpec;
use crate::config::{DataConfig, EpochEnd, Precision, Recipe, RunConfig};
use crate::data::{Selection, TrainingData};
use crate::error::TrainError;
use crate::held_out_folder;
use crate::holdout::HoldOut;
use crate::init::Init;
use crate::input::Normalise;
use crate::models::{Architecture, ModelConfig};
use crate::optimiser::OptimiserKind;

/// What to train on, and how.
#[derive(Debug, Args)]
pub struct RecipeArgs {
    /// Folder or list file of images to learn to classify, or a part of it, as in FOLDER#class!=cat
    /// (`calibrate --help` lists the filters); for several, repeat the option or separate them by commas
    #[arg(long, value_name = "FOLDER", value_delimiter = ',', required = true)]
    data: Vec<SetSpec>,
    /// The same for auxiliary images, which show none of the classes; or the word crops, for crops of
    /// 5 to 25 % of the training images' area
    #[arg(long, value_name = "FOLDER", value_delimiter = ',')]
    aux: Vec<AuxiliarySpec>,
    /// Shares of the auxiliary folders in each batch, such as 2,1 [default: by their sizes]
    #[arg(long, value_name = "WEIGHTS", value_delimiter = ',', requires = "aux",
        allow_negative_numbers = true, value_parser = number)]
    aux_weights: Vec<f64>,
    /// New folder for the run
    #[arg(long, value_name = "RUN", required = true)]
    pub(super) out: PathBuf,
    /// Names of the classes: a list, a file (one a line, or JSON), cifar10 or cifar100; needed if the
    /// images come without names; if they come with names, it gives the order
    #[arg(long, value_name = "NAMES")]
    class_names: Option<String>,
    /// Side in pixels of the square that the network sees; for images of another size, it is the
    /// centre, scaled, or what --crop says [default: 32; imagenet-lt 224; or that of --init]
    #[arg(long, value_name = "PIXELS",
        value_parser = clap::value_parser!(u32).range(8..=1024))]
    image_size: Option<u32>,
    /// What is subtracted from each channel's values and what they are then divided by [default: none;
    /// imagenet-lt imagenet]
    #[arg(long, value_enum)]
    normalise: Option<Normalise>,
    /// Keep the last N images of a class (by name, those of inner folders after a folder's own; else in
    /// the set's order) out of training, to calibrate on: CLASS=N, or all=N for each class; N% is a
    /// share, rounded down. What several say of a class adds up. They are kept in RUN/held-out
    #[arg(long, value_name = "CLASS=N", value_delimiter = ',')]
    hold_out: Vec<HoldOut>,
    /// First cut the set to a long tail, with the largest class this many times as large as the
    /// smallest (CIFAR-LT: 100)
    #[arg(long, value_name = "RATIO")]
    imbalance: Option<f64>,
    /// After each epoch, record the mean representation norm of these sets in evaluation mode, each
    /// written [NAME=]FOLDER[#FILTER]... as for `evaluate`; this does not change training
    #[arg(long, value_name = "SET", value_delimiter = ',')]
    monitor: Vec<SetSpec>,

    /// Recipe of the paper that sets the options not given
    #[arg(long, value_enum, default_value = "cifar-lt", help_heading = "Recipe")]
    recipe: Preset,
    /// The network [default: resnet18, imagenet-lt resnet50, or that of --init]
    #[arg(long, value_enum, help_heading = "Recipe")]
    architecture: Option<Architecture>,
    /// Channels of the first stage, a multiple of 8; 64 is the full network; ResNet18 with 16 trains
    /// some 14 times faster [default: 64, or that of --init]
    #[arg(long, value_name = "N", help_heading = "Recipe", value_parser = channels)]
    width: Option<u16>,
    /// Give all batch normalisation γ and β, as the authors of all methods but rna do; with them, the
    /// paper's norms grow for any image [default: false, or as in --init]
    #[arg(long, value_name = "BOOL", help_heading = "Recipe")]
    affine: Option<bool>,
    /// Give batch normalisation on the downsampling shortcuts γ and β. The paper says that no layer
    /// has them, but the authors' code keeps them in ResNet18; the default follows the code [default:
    /// true, resnet50 false, or as in --init]
    #[arg(long, value_name = "BOOL", help_heading = "Recipe")]
    shortcut_affine: Option<bool>,
    /// Passes over the images [default: 200, with --init 10; imagenet-lt 100, with --init 3]
    #[arg(long, value_name = "N", help_heading = "Recipe",
        value_parser = clap::value_parser!(u32).range(1..))]
    epochs: Option<u32>,
    /// What ends an epoch (in the authors' code: shortest)
    #[arg(
        long,
        value_enum,
        value_name = "WHAT",
        help_heading = "Recipe",
        default_value_t
    )]
    epoch_end: EpochEnd,
    /// Images to classify in each step [default: 128; imagenet-lt 256]
    #[arg(long, value_name = "N", help_heading = "Recipe",
        value_parser = clap::value_parser!(u32).range(1..=65536))]
    batch_size: Option<u32>,
    /// Auxiliary images in each step [default: 128; imagenet-lt 256]
    #[arg(long, value_name = "N", help_heading = "Recipe",
        value_parser = clap::value_parser!(u32).range(1..=65536))]
    aux_batch_size: Option<u32>,
    /// Optimiser [default: adam; imagenet-lt sgd; oe, la-oe, energy-oe, oecc and bel with
    /// --init sgd]
    #[arg(long, value_enum, help_heading = "Recipe")]
    optimiser: Option<OptimiserKind>,
    /// Learning rate in the first epoch; falls to 0 along a cosine [default: adam 0.001, sgd 0.1;
    /// oe, la-oe, energy-oe, oecc and bel with --init 0.001; pascl-ft and bel-ft adam 0.0005, sgd
    /// 0.01]
    #[arg(long, value_name = "RATE", help_heading = "Recipe", value_parser = positive,
        allow_negative_numbers = true)]
    lr: Option<f64>,
    /// Weight decay (L2)
    #[arg(long, default_value_t = 5e-4, value_name = "DECAY", help_heading = "Recipe",
        value_parser = not_negative, allow_negative_numbers = true)]
    weight_decay: f64,
    /// Seed of every random choice
    #[arg(long, default_value_t = 0, help_heading = "Recipe", value_parser = seed,
        allow_negative_numbers = true)]
    seed: u64,
    /// Precision of convolutions: bf16 is about 1.6 times faster on CPUs that have it; on GPUs it was not
    /// measured
    #[arg(long, value_enum, default_value = "fp32", help_heading = "Recipe")]
    precision: Precision,
}

impl RecipeArgs {
    /// Which images to read, and how.
    ///
    /// # Errors
    ///
    /// [`TrainError`] if options contradict each other, or the class names cannot be read.
    pub(super) fn selection(
        &self,
        method: &MethodArgs,
        crop: Crop,
        init: Option<&Init>,
    ) -> Result<Selection, TrainError> {
        method.check(!self.aux.is_empty())?;
        if let Some(init) = init {
            let width = self.width.map(usize::from);
            init.check_network(self.architecture, width, self.affine, self.shortcut_affine)?;
        }
        if self.aux.is_empty() && self.aux_batch_size.is_some() {
            return Err(TrainError::Options(
                "--aux-batch-size is for auxiliary images, and there are none: leave it out, or add --aux"
                    .into(),
            ));
        }
        if (self.affine, self.shortcut_affine) == (Some(true), Some(false)) {
            return Err(TrainError::Options(
                "--affine true gives all batch normalisation γ and β: leave --shortcut-affine out"
                    .into(),
            ));
        }
        let defaults = self.recipe.defaults();
        let its_size = init.map(|init| init.checkpoint.config.data.image_size.0 as u32);
        let image_size = self.image_size.or(its_size);
        Ok(Selection {
            data: self.data.clone(),
            auxiliary: self.aux.clone(),
            auxiliary_weights: self.aux_weights.clone(),
            hold_out: self.hold_out.clone(),
            imbalance: self.imbalance,
            class_names: self
                .class_names
                .as_deref()
                .map(labels::class_names)
                .transpose()?,
            image_size: image_size.unwrap_or(defaults.image_size),
            crop,
            batch_size: self.batch_size.unwrap_or(defaults.batch_size) as usize,
            auxiliary_batch_size: self.aux_batch_size.unwrap_or(defaults.batch_size) as usize,
        })
    }

    /// Checks that the sets to monitor are there, before large ones are read.
    ///
    /// # Errors
    ///
    /// [`TrainError::Dataset`].
    pub(super) fn check_monitored(&self) -> Result<(), TrainError> {
        let mut sets = self.monitor.iter();
        Ok(sets.try_for_each(SetSpec::check_exists)?)
    }

    /// Whether images are to be held out.
    pub(super) fn holds_out(&self) -> bool {
        !self.hold_out.is_empty()
    }

    /// Checks that no images are read from the folder that held-out images are written to, and that the run's folder is
    /// not in one that images are read from: it would be one of a class when the run is continued.
    ///
    /// # Errors
    ///
    /// [`TrainError::Options`] if they are, naming the set.
    pub(super) fn check_reads_elsewhere(&self, run: &Path) -> Result<(), TrainError> {
        let auxiliary = self.aux.iter().filter_map(|it| match it {
            AuxiliarySpec::Set(set) => Some(set),
            AuxiliarySpec::Crops => None,
        });
        let read = || self.data.iter().chain(auxiliary.clone());
        let run_s = real(run);
        let holds_run = |set: &&SetSpec| set.path().is_dir() && run_s.starts_with(real(set.path()));
        if let Some(set) = read().find(holds_run) {
            return Err(TrainError::Options(format!(
                "--out {} is in {set}, of which it would become a part: name a folder elsewhere",
                run.display()
            )));
        }
        let place = run.join(held_out_folder::FOLDER).canonicalize();
        let Some(place) = place.ok().filter(|_| held_out_folder::may_write(run)) else {
            return Ok(());
        };
        let mut read = read();
        let is_inside = |set: &&SetSpec| {
            let real = set.path().canonicalize();
            real.is_ok_and(|real| real.starts_with(&place))
        };
        match read.find(is_inside) {
            None => Ok(()),
            Some(set) => Err(TrainError::Options(format!(
                "{set} is in {}, which this run would overwrite: name another --out",
                place.display()
            ))),
        }
    }

    /// The way of cropping if the augmentation's options do not say; that of the run to start from.
    pub(super) fn crop(&self, init: Option<&Init>) -> Crop {
        let its = init.map(|init| init.checkpoint.config.augmentation.crop);
        its.unwrap_or(self.recipe.defaults().crop)
    }

    /// Everything that decides the outcome.
    ///
    /// # Errors
    ///
    /// [`TrainError`] if the run to start from does not fit.
    pub(super) fn config(
        &self,
        method: &MethodArgs,
        selection: &Selection,
        data: &TrainingData,
        augmentation: AugmentConfig,
        init: Option<&Init>,
        command: String,
    ) -> Result<RunConfig, TrainError> {
        let images = &data.streams[0].images;
        let (tau, lambda) = method.weights();
        let defaults = self.recipe.defaults();
        let optimiser = self
            .optimiser
            .unwrap_or_else(|| method.optimiser(defaults.optimiser));
        let normalise = self.normalise.unwrap_or(defaults.normalise);
        let epochs = match init {
            Some(_) => defaults.tuning_epochs,
            None => defaults.epochs,
        };
        if let Some(init) = init {
            init.check_classes(&data.class_names)?;
            init.check_normalise(normalise)?;
            init.check_hold_out(selection, &data.class_counts)?;
        }
        Ok(RunConfig {
            command,
            data: DataConfig {
                data: selection.data.iter().map(SetSpec::to_string).collect(),
                auxiliary: selection
                    .auxiliary
                    .iter()
                    .map(AuxiliarySpec::to_string)
                    .collect(),
                auxiliary_weights: selection.auxiliary_weights.clone(),
                hold_out: selection.hold_out.iter().map(HoldOut::to_string).collect(),
                imbalance: selection.imbalance,
                class_names: data.class_names.clone(),
                class_counts: data.class_counts.clone(),
                digest: Some(data.digest()),
                image_size: (images.width, images.height),
                normalise,
                earlier: init.map(Init::learnt_from).unwrap_or_default(),
            },
            augmentation,
            model: self.model(method, data.class_names.len(), init),
            recipe: Recipe {
                method: method.method,
                init: method.init.clone(),
                stage: init.map_or(0, Init::next_stage),
                epochs: self.epochs.unwrap_or(epochs) as usize,
                epoch_end: self.epoch_end,
                batch_size: selection.batch_size,
                auxiliary_batch_size: selection.auxiliary_batch_size,
                optimiser,
                learning_rate: self.lr.unwrap_or_else(|| method.learning_rate(optimiser)),
                weight_decay: self.weight_decay,
                tau,
                lambda,
                hyperparameters: method.hyperparameters(data, init)?,
                seed: self.seed,
                precision: self.precision,
            },
            monitor: self.monitor.iter().map(SetSpec::to_string).collect(),
        })
    }

    /// The network; what is not given is as in the run to start from.
    fn model(&self, method: &MethodArgs, classes: usize, init: Option<&Init>) -> ModelConfig {
        let its = init.map(|init| &init.checkpoint.config.model);
        let width = its.map_or(64, |model| model.width);
        let affine = its.is_some_and(|model| model.affine);
        let default = its.map_or(self.recipe.defaults().architecture, |its| its.architecture);
        let architecture = self.architecture.unwrap_or(default);
        let shortcut_affine = its.map_or(architecture == Architecture::Resnet18, |model| {
            model.shortcut_affine
        });
        ModelConfig {
            architecture,
            width: self.width.map_or(width, usize::from),
            affine: self.affine.unwrap_or(affine),
            shortcut_affine: self.shortcut_affine.unwrap_or(shortcut_affine),
            classes,
            projection: method.projection(),
        }
    }
}

impl RunConfig {
    /// What the run reads.
    ///
    /// # Errors
    ///
    /// [`TrainError`] if what the configuration names cannot be parsed.
    pub(crate) fn selection(&self) -> Result<Selection, TrainError> {
        let hold_out = self.data.hold_out.iter().map(|text| text.parse());
        let auxiliary = self.data.auxiliary.iter().map(|text| text.parse());
        let data = self.data.data.iter().map(|text| text.parse());
        Ok(Selection {
            data: data
                .collect::<Result<_, _>>()
                .map_err(TrainError::Options)?,
            auxiliary: auxiliary
                .collect::<Result<_, _>>()
                .map_err(TrainError::Options)?,
            auxiliary_weights: self.data.auxiliary_weights.clone(),
            hold_out: hold_out
                .collect::<Result<_, _>>()
                .map_err(TrainError::Options)?,
            imbalance: self.data.imbalance,
            class_names: Some(self.data.class_names.clone()),
            image_size: self.data.image_size.0 as u32,
            crop: self.augmentation.crop,
            batch_size: self.recipe.batch_size,
            auxiliary_batch_size: self.recipe.auxiliary_batch_size,
        })
    }
}

/// The path without links, also of a folder that is not there yet.
fn real(path: &Path) -> PathBuf {
    let there = path
        .ancestors()
        .find_map(|it| Some((it, it.canonicalize().ok()?)));
    match there {
        Some((it, real)) => real.join(path.strip_prefix(it).unwrap_or(path)),
        None => std::path::absolute(path).unwrap_or_else(|_| path.to_owned()),
    }
}

/// Parses a network's width. Multiples of 16 are faster than others: [`Layout`](crate::models::layout::Layout) says
/// why.
pub(crate) fn channels(text: &str) -> Result<u16, String> {
    match text.parse() {
        Ok(channels @ 8..=1024) if channels % 8 == 0 => Ok(channels),
        _ => Err("not a multiple of 8 from 8 to 1024".into()),
    }
}

fn seed(text: &str) -> Result<u64, String> {
    let seed = text.parse();
    seed.map_err(|_| format!("not a whole number from 0 to {}", u64::MAX))
}

fn number(text: &str) -> Result<f64, String> {
    text.parse()
        .map_err(|_| "not a number, such as 2 or 0.5".into())
}

pub(super) fn positive(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(value) if value > 0.0 && f64::is_finite(value) => Ok(value),
        _ => Err("not a number greater than 0".into()),
    }
}

pub(super) fn not_negative(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(value) if value >= 0.0 && f64::is_finite(value) => Ok(value),
        _ => Err("not a number of 0 or more".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_width_that_fills_no_vector_is_refused() {
        assert_eq!((channels("8"), channels("1024")), (Ok(8), Ok(1024)));
        for text in ["0", "2", "12", "1032", "-8", "x"] {
            assert!(channels(text).is_err(), "{text}");
        }
    }

    #[test]
    fn numbers_that_make_no_sense_are_refused() {
        assert_eq!(positive("0.1"), Ok(0.1));
        for text in ["0", "-1", "nan", "inf", "x"] {
            assert!(positive(text).is_err(), "{text}");
        }
        assert_eq!(not_negative("0"), Ok(0.0));
    }
}
