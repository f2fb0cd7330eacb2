//! Starting from another run: what is taken over from it besides its weights.

use std::path::{Path, PathBuf};

use indicatif::ProgressBar;
use normgate_core::classifier::argmax;
use normgate_core::preprocess::{Preprocessor, Rgb8};
use normgate_evaluation::datasets::SetSpec;
use normgate_evaluation::recorded;
use rand_pcg::Pcg64Mcg;
use tch::Device;

use crate::augment::Crop;
use crate::batches::Stream;
use crate::checkpoint::Checkpoint;
use crate::config::Earlier;
use crate::data::Selection;
use crate::error::TrainError;
use crate::export::learnt_from;
use crate::history;
use crate::input::{Normalise, preprocessing};
use crate::models::{Architecture, Network};
use crate::pictures::Pictures;

/// Images in one forward pass.
const AT_ONCE: usize = 500;

/// The run that another starts from.
#[derive(Debug)]
pub struct Init {
    folder: PathBuf,
    device: Device,
    /// Its last checkpoint.
    pub checkpoint: Checkpoint,
}

impl Init {
    /// Reads a run, given its folder or its checkpoint; its network will run on `device`.
    ///
    /// # Errors
    ///
    /// [`TrainError`] if it cannot be read or has not finished its epochs.
    pub fn load(run: &Path, device: Device) -> Result<Self, TrainError> {
        let checkpoint = Checkpoint::load(run)?;
        let (done, all) = (checkpoint.progress.epochs, checkpoint.config.recipe.epochs);
        if done < all {
            return Err(TrainError::Options(format!(
                "--init: {0} has finished {done} of its {all} epochs. Finish it first: normgate-train \
                 train --resume {0}",
                run.display()
            )));
        }
        let folder = match run.is_dir() {
            true => run,
            false => run.parent().unwrap_or(Path::new(".")),
        };
        Ok(Self {
            folder: folder.to_owned(),
            device,
            checkpoint,
        })
    }

    /// Refuses classes other than those of the run's linear head.
    ///
    /// # Errors
    ///
    /// [`TrainError::Options`], with both lists of classes.
    pub fn check_classes(&self, names: &[String]) -> Result<(), TrainError> {
        let its = &self.checkpoint.config.data.class_names;
        if its == names {
            return Ok(());
        }
        Err(TrainError::Options(format!(
            "--init: {} was trained on the classes {}, but --data holds {}. Give the same classes in \
             the same order (--class-names)",
            self.folder.display(),
            its.join(", "),
            names.join(", ")
        )))
    }

    /// Refuses a normalisation other than the run's: its weights would mean nothing.
    ///
    /// # Errors
    ///
    /// [`TrainError::Options`], with the run's.
    pub fn check_normalise(&self, normalise: Normalise) -> Result<(), TrainError> {
        let its = self.normalise();
        if its == normalise {
            return Ok(());
        }
        Err(TrainError::Options(format!(
            "--init: {} was trained with --normalise {its}, but this run would be with {normalise}. \
             Give the same --recipe, or --normalise {its}",
            self.folder.display()
        )))
    }

    /// Refuses options that would make another network than the run's.
    ///
    /// # Errors
    ///
    /// [`TrainError::Options`], naming the first such option.
    pub fn check_network(
        &self,
        architecture: Option<Architecture>,
        width: Option<usize>,
        affine: Option<bool>,
        shortcut_affine: Option<bool>,
    ) -> Result<(), TrainError> {
        let its = &self.checkpoint.config.model;
        let options = [
            (
                "--architecture",
                architecture.is_some_and(|it| it != its.architecture),
            ),
            ("--width", width.is_some_and(|it| it != its.width)),
            ("--affine", affine.is_some_and(|it| it != its.affine)),
            (
                "--shortcut-affine",
                shortcut_affine.is_some_and(|it| it != its.shortcut_affine),
            ),
        ];
        match options.into_iter().find(|&(_, is_other)| is_other) {
            None => Ok(()),
            Some((option, _)) => Err(TrainError::Options(format!(
                "--init: the network of {} has another {option}: leave it out",
                self.folder.display()
            ))),
        }
    }

    /// Refuses to hold out images that the run, or one before it, may have been trained on: of sets with the same names,
    /// it has to have held out the same. Sets may have been moved since, so that only their names tell.
    ///
    /// # Errors
    ///
    /// [`TrainError::Options`], with the run's command.
    pub fn check_hold_out(
        &self,
        selection: &Selection,
        class_counts: &[u64],
    ) -> Result<(), TrainError> {
        let config = &self.checkpoint.config;
        let its = config.selection()?;
        let described = |sets: &[SetSpec]| sets.iter().map(SetSpec::describe).collect::<Vec<_>>();
        let name = |described: &str| recorded::name(described).to_owned();
        let names: Vec<_> = described(&selection.data)
            .iter()
            .map(|it| name(it))
            .collect();
        let is_shared = |sets: &[String]| sets.iter().any(|set| names.contains(&name(set)));
        let is_alike = described(&its.data) == described(&selection.data)
            && its.imbalance == selection.imbalance
            && its.hold_out == selection.hold_out
            && config.data.class_counts == class_counts;
        let before = &config.data.earlier.data;
        let may_be_known = !is_alike && (is_shared(&described(&its.data)) || is_shared(before));
        if selection.hold_out.is_empty() || !may_be_known {
            return Ok(());
        }
        Err(TrainError::Options(format!(
            "--init: {} or a run before it was trained on a set of the same name with other filters or another \
             --hold-out or --imbalance, or the set has changed, so images that are held out now may be ones that it \
             knows. Give the same as in its command, or leave --hold-out out. It was: {}",
            self.folder.display(),
            config.command
        )))
    }

    /// What the run has learnt from, and the runs before it.
    pub fn learnt_from(&self) -> Earlier {
        learnt_from(&self.checkpoint.config)
    }

    fn normalise(&self) -> Normalise {
        self.checkpoint.config.data.normalise
    }

    /// The stage of a run that starts from this one.
    pub fn next_stage(&self) -> u32 {
        self.checkpoint.config.recipe.stage.saturating_add(1)
    }

    /// The share of its training images that the run classified correctly in its last epoch, 0 to 1.
    ///
    /// # Errors
    ///
    /// [`TrainError::File`] if its history cannot be read.
    pub fn training_accuracy(&self) -> Result<f64, TrainError> {
        let history = history::load(&self.folder, self.checkpoint.progress.epochs)?;
        Ok(history.last().map_or(1.0, |epoch| epoch.accuracy))
    }

    /// The share of the auxiliary images that the run's network assigns to each class; each stream counts by its
    /// share of a batch.
    ///
    /// # Errors
    ///
    /// [`TrainError`] if the network cannot be built or run.
    pub fn auxiliary_prior(&self, streams: &[Stream]) -> Result<Vec<f64>, TrainError> {
        let network = Network::from_checkpoint(&self.checkpoint, self.device)?;
        let mut prior = vec![0.0; self.checkpoint.config.model.classes];
        let images: usize = streams.iter().map(|stream| stream.images.len()).sum();
        let per_step: usize = streams.iter().map(|stream| stream.per_step).sum();
        let bar = ProgressBar::new(images as u64);
        bar.println("classifying the auxiliary images with the network of --init");
        for stream in streams {
            let weight = stream.per_step as f64 / (per_step * stream.images.len()) as f64;
            for class in classes(&network, self.normalise(), stream, &bar)? {
                prior[class] += weight;
            }
        }
        bar.finish_and_clear();
        Ok(prior)
    }
}

/// The class that the network assigns to each image.
fn classes(
    network: &Network,
    normalise: Normalise,
    stream: &Stream,
    bar: &ProgressBar,
) -> Result<Vec<usize>, TrainError> {
    let set = &stream.images;
    let size = set.image_bytes();
    let whole = preprocessing(set.width as u32, Crop::Padded, normalise);
    let preprocessor = Preprocessor::new(&whole);
    let mut random = Pcg64Mcg::new(0);
    let mut pictures = Pictures::new(set);
    let mut found = Vec::with_capacity(set.len());
    for start in (0..set.len()).step_by(AT_ONCE) {
        let count = AT_ONCE.min(set.len() - start);
        let mut images = vec![0.0; count * size];
        for (offset, out) in images.chunks_exact_mut(size).enumerate() {
            let number = start + offset;
            let image = Rgb8 {
                width: set.width as u32,
                height: set.height as u32,
                pixels: pictures.show(stream, number, &mut random)?.into_owned(),
            };
            let written = preprocessor.write_tensor(&image, out);
            written.map_err(|error| {
                TrainError::Data(format!("image {number} of {}: {error}", set.name))
            })?;
        }
        let (logits, _) = network.forward_eval(&images, count, (set.height, set.width))?;
        found.extend(logits.chunks_exact(logits.len() / count).map(argmax));
        bar.inc(count as u64);
    }
    Ok(found)
}
