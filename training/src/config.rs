//! Everything that decides a run's outcome, as `config.json` and the checkpoint keep it.

use std::path::PathBuf;

use clap::ValueEnum;
use normgate_core::manifest::Preprocessing;
use serde::{Deserialize, Serialize};

use crate::augment::AugmentConfig;
use crate::input::{Normalise, preprocessing};
use crate::methods::{Hyperparameters, MethodKind};
use crate::models::ModelConfig;
use crate::optimiser::OptimiserKind;

/// The configuration of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunConfig {
    /// The command line that started it.
    pub command: String,
    /// What is trained on.
    pub data: DataConfig,
    /// How the images are augmented.
    pub augmentation: AugmentConfig,
    /// The network.
    pub model: ModelConfig,
    /// How it is trained.
    pub recipe: Recipe,
    /// Sets whose representation norms are recorded after each epoch, as named on the command line. They do not
    /// affect the outcome.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub monitor: Vec<String>,
}

/// What is trained on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DataConfig {
    /// In-distribution sets.
    pub data: Vec<String>,
    /// Auxiliary out-of-distribution sets, as named on the command line.
    pub auxiliary: Vec<String>,
    /// Shares of the auxiliary sets in each batch; empty: by their sizes.
    pub auxiliary_weights: Vec<f64>,
    /// Images kept out of training, as `CLASS=N`.
    pub hold_out: Vec<String>,
    /// The imbalance that the set was cut to, if it was.
    pub imbalance: Option<f64>,
    /// The classes' names, in the order of their indices.
    pub class_names: Vec<String>,
    /// How many images of each class were trained on.
    pub class_counts: Vec<u64>,
    /// Digest of these images in their order; `None` for runs from before it was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// The images' size in pixels: (width, height).
    pub image_size: (usize, usize),
    /// How their values are normalised.
    #[serde(default)]
    pub normalise: Normalise,
    /// What the runs before this one learnt from, if it starts from one.
    #[serde(default, skip_serializing_if = "Earlier::is_empty")]
    pub earlier: Earlier,
}

/// Image sets that earlier runs learnt from, described as a model's training record has them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Earlier {
    /// In-distribution sets.
    pub data: Vec<String>,
    /// Auxiliary sets.
    pub auxiliary: Vec<String>,
}

impl Earlier {
    fn is_empty(&self) -> bool {
        self.data.is_empty() && self.auxiliary.is_empty()
    }
}

impl RunConfig {
    /// How images are prepared for the network, as the model's manifest says it.
    #[must_use]
    pub fn preprocessing(&self) -> Preprocessing {
        let side = self.data.image_size.0 as u32;
        preprocessing(side, self.augmentation.crop, self.data.normalise)
    }
}

/// How a network is trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recipe {
    /// The method.
    pub method: MethodKind,
    /// The run whose weights it starts from; `None`: from random ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub init: Option<PathBuf>,
    /// How many runs came before this one: 0 if it starts from random weights, and one more than the run that it
    /// starts from. Runs from before it was recorded have 0.
    #[serde(default, skip_serializing_if = "is_first")]
    pub stage: u32,
    /// Passes over the in-distribution images.
    pub epochs: usize,
    /// What ends an epoch.
    #[serde(default)]
    pub epoch_end: EpochEnd,
    /// In-distribution images in a step.
    pub batch_size: usize,
    /// Auxiliary images in a step.
    pub auxiliary_batch_size: usize,
    /// The optimiser.
    #[serde(default)]
    pub optimiser: OptimiserKind,
    /// The first epoch's learning rate.
    pub learning_rate: f64,
    /// L2 weight decay.
    pub weight_decay: f64,
    /// Strength of the logit adjustment.
    pub tau: f64,
    /// Weight of the loss on norms or auxiliary images.
    pub lambda: f64,
    /// What single methods need in addition.
    #[serde(default)]
    pub hyperparameters: Hyperparameters,
    /// Seed of every random choice.
    pub seed: u64,
    /// The precision that the backbone computes in.
    pub precision: Precision,
}

impl Recipe {
    /// The seed of the order and the augmentation of images. A run that starts from another does not see that one's
    /// batches again, pixel for pixel, even with the same `seed`.
    #[must_use]
    pub fn draw_seed(&self) -> u64 {
        self.seed.wrapping_add(u64::from(self.stage) << 32)
    }
}

fn is_first(stage: &u32) -> bool {
    *stage == 0
}

/// What ends an epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum EpochEnd {
    /// When all images to classify were seen, but for an incomplete last batch; auxiliary ones are repeated as often
    /// as necessary
    #[default]
    Data,
    /// When all of those or all of an auxiliary set's images were seen, whichever takes the fewest steps
    Shortest,
}

/// What convolutions and activations are computed in. Parameters, batch statistics,
/// representations, heads and loss are float32 either way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// float32.
    Fp32,
    /// bfloat16: faster on CPUs with AVX-512 BF16 or AMX, and on GPUs.
    Bf16,
}

impl Precision {
    /// As a libtorch kind.
    #[must_use]
    pub fn kind(self) -> tch::Kind {
        match self {
            Precision::Fp32 => tch::Kind::Float,
            Precision::Bf16 => tch::Kind::BFloat16,
        }
    }
}

impl std::fmt::Display for Precision {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Precision::Fp32 => "fp32",
            Precision::Bf16 => "bf16",
        })
    }
}

#[cfg(test)]
mod tests {
    use normgate_core::manifest::Resize;

    use super::*;
    use crate::augment::Crop;

    #[test]
    fn a_run_from_before_there_were_large_images_is_read_and_means_what_it_meant() {
        let run: RunConfig = serde_json::from_str(
            r#"{"command": "normgate-train train",
                "data": {"data": ["id"], "auxiliary": [], "auxiliary_weights": [], "hold_out": [],
                    "imbalance": null, "class_names": ["a", "b"], "class_counts": [2, 1],
                    "image_size": [32, 32]},
                "augmentation": {"crop_padding": 4, "flip": 0.5, "greyscale": 0.2,
                    "colour": {"probability": 0.8, "brightness": 0.4, "contrast": 0.4,
                        "saturation": 0.4, "hue": 0.1},
                    "camera": {"strength": 0.0, "probability": 1.0, "operations": []}},
                "model": {"architecture": "resnet18", "width": 16, "shortcut_affine": true,
                    "classes": 2, "projection": true},
                "recipe": {"method": "rna", "epochs": 30, "batch_size": 128,
                    "auxiliary_batch_size": 128, "learning_rate": 0.001, "weight_decay": 0.0005,
                    "tau": 1.0, "lambda": 0.5, "seed": 0, "precision": "bf16"}}"#,
        )
        .unwrap();
        let recipe = &run.recipe;
        assert_eq!((recipe.method, &recipe.init), (MethodKind::Rna, &None));
        assert_eq!(
            recipe.draw_seed(),
            recipe.seed,
            "what it drew, it still draws"
        );
        assert_eq!(recipe.hyperparameters, Hyperparameters::default());
        assert_eq!(recipe.optimiser, OptimiserKind::Adam);
        assert_eq!(run.augmentation.crop, Crop::Padded);
        let shown = run.preprocessing();
        assert_eq!(shown.resize, Resize::CentreCrop { shorter_side: 32 });
        assert_eq!((shown.mean, shown.std), ([0.0; 3], [1.0; 3]));
    }
}
