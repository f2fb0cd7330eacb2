//! What all tasks have in common about image sets.

use std::path::{Path, PathBuf};

use super::tasks::NamedSet;

/// Which auxiliary images take part in training.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Auxiliary {
    /// None.
    None,
    /// All that there are for the task, in place of the paper's 300K random images.
    Usual,
    /// About this many of them (T12).
    First(u32),
    /// Tiny ImageNet's alone, in place of ImageNet-RC (T14).
    TinyImageNet,
    /// Enlarged crops of the training images themselves (T7).
    Crops,
}

/// Where image sets and runs are.
#[derive(Clone, Debug)]
pub struct Place {
    /// The image sets, a folder each.
    pub data: PathBuf,
    /// The runs, a folder each.
    pub runs: PathBuf,
}

/// What a model is trained and calibrated on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrainingSets {
    /// The set to train on.
    pub data: &'static str,
    /// The imbalance to cut it to, if it does not have that already.
    pub imbalance: Option<u32>,
    /// What is kept out of training, as `--hold-out` takes it; empty: nothing.
    pub hold_out: String,
    /// Sets with filters that make up the calibration set.
    pub calibration: Vec<String>,
    /// The training images that scores are fitted to; empty: scores that need fitting are left out.
    pub fit: Vec<String>,
    /// Whether to calibrate on equally many images of each class: the calibration sets have some of each, but not
    /// equally many.
    pub balance: bool,
}

/// The imbalance of the sets as they are.
pub const USUAL_IMBALANCE: u32 = 100;

impl Place {
    /// The place in commands that are shown and compared: the same wherever things really are.
    pub fn canonical() -> Self {
        Self {
            data: "data".into(),
            runs: "runs".into(),
        }
    }

    /// A set's folder, with filters if there are any.
    pub fn set(&self, set: &str) -> String {
        join(&self.data, set)
    }

    /// A run's folder.
    pub fn run(&self, name: &str) -> PathBuf {
        self.runs.join(name)
    }
}

fn join(folder: &Path, name: &str) -> String {
    folder.join(name).to_string_lossy().into_owned()
}

/// OOD test sets that show no class of CIFAR's.
pub fn far_from_photos() -> Vec<NamedSet> {
    let sets = [
        ("textures", "ood_textures"),
        ("characters", "ood_characters"),
        ("fashion", "ood_fashion"),
    ];
    sets.map(|(name, set)| (name, set.to_owned())).into()
}

/// The folder of a set that may have filters.
pub fn folder_of(set: &str) -> &str {
    set.split('#').next().unwrap_or(set)
}
