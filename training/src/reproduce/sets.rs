//! The image sets of the experiments: what is trained, calibrated and tested on, and how it differs
//! from the paper's.

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// What is in distribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(
    clippy::enum_variant_names,
    reason = "each is called as the paper calls it"
)]
pub enum Task {
    /// CIFAR-10 with a long tail
    #[value(name = "cifar10-lt")]
    Cifar10Lt,
    /// CIFAR-100 with a long tail
    #[value(name = "cifar100-lt")]
    Cifar100Lt,
    /// ImageNet-1k with a long tail
    #[value(name = "imagenet-lt")]
    ImagenetLt,
}

/// Which auxiliary images take part in training.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Auxiliary {
    /// None.
    None,
    /// All that there are for the task, in place of the paper's 300K random images.
    Usual,
    /// About so many of them (T12).
    First(u32),
    /// Tiny ImageNet's alone, in place of ImageNet-RC (T14).
    TinyImageNet,
    /// Enlarged crops of the training images themselves (T7).
    Crops,
}

/// Where things lie.
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
    /// The imbalance it is cut to, where it does not have it already.
    pub imbalance: Option<u32>,
    /// What is kept out of training, as `--hold-out` takes it; empty: nothing.
    pub hold_out: String,
    /// Sets with filters that make up the calibration set.
    pub calibration: Vec<String>,
    /// What scores that are fitted to training images are fitted to; none for a cut set.
    pub fit: Vec<String>,
    /// Whether the calibration sets have more of some classes than of others, and some of all.
    pub balance: bool,
}

/// The superclasses of CIFAR-100 that `aux_train_cifar100` shows: the other half is a fair test.
const SHARED_SUPERCLASSES: &str = "fish+flowers+food_containers+fruit_and_vegetables+\
    household_electrical_devices+large_natural_outdoor_scenes+medium_mammals+people+trees+insects";

/// The imbalance of the sets as they come.
pub const USUAL_IMBALANCE: u32 = 100;

/// Classes of CIFAR100-LT that can spare images for calibration: the Many third but for its rarest class, which
/// would be as rare as the first of the Medium third without them.
const SPARING_CLASSES: usize = 33;

impl Place {
    /// As commands are shown and compared: independent of where anything lies.
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

impl Task {
    /// All, in the paper's order.
    pub const ALL: [Self; 3] = [Task::Cifar10Lt, Task::Cifar100Lt, Task::ImagenetLt];

    /// As the paper calls it.
    pub fn title(self) -> &'static str {
        match self {
            Task::Cifar10Lt => "CIFAR10-LT",
            Task::Cifar100Lt => "CIFAR100-LT",
            Task::ImagenetLt => "ImageNet-LT",
        }
    }

    /// As it begins the names of runs.
    pub fn slug(self) -> &'static str {
        match self {
            Task::Cifar10Lt => "cifar10-lt",
            Task::Cifar100Lt => "cifar100-lt",
            Task::ImagenetLt => "imagenet-lt",
        }
    }

    /// What `--class-names` takes, where the sets do not bring the names.
    pub fn class_names(self) -> Option<&'static str> {
        match self {
            Task::Cifar10Lt => Some("cifar10"),
            Task::Cifar100Lt => Some("cifar100"),
            Task::ImagenetLt => None,
        }
    }

    /// What `--recipe` takes, where it is not the default.
    pub fn recipe(self) -> Option<&'static str> {
        (self == Task::ImagenetLt).then_some("imagenet-lt")
    }

    /// Channels of the first stage and epochs in the paper.
    pub fn paper_size(self) -> (u16, u32) {
        match self {
            Task::Cifar10Lt | Task::Cifar100Lt => (64, 200),
            Task::ImagenetLt => (64, 100),
        }
    }

    /// The test images of the task's own classes.
    pub fn test(self) -> &'static str {
        match self {
            Task::Cifar10Lt => "cifar10_test",
            Task::Cifar100Lt => "ood_cifar100_test",
            Task::ImagenetLt => "imagenet_lt/ImageNet_LT_test.txt",
        }
    }

    /// The OOD test sets: the name of each in reports, and the set with its filters. The means of
    /// the tables are over these.
    pub fn ood(self) -> Vec<(&'static str, String)> {
        if self == Task::ImagenetLt {
            // RNA's code takes the first 50 of each of PASCL's 1,000 classes.
            return vec![("imagenet_ood", "imagenet_ood#first=50".into())];
        }
        let everywhere = [
            ("textures", "ood_textures"),
            ("characters", "ood_characters"),
            ("fashion", "ood_fashion"),
        ];
        let mut sets: Vec<_> = everywhere.map(|(name, set)| (name, set.to_owned())).into();
        match self {
            Task::Cifar10Lt => sets.extend([
                (
                    "cifar100_unseen",
                    format!("ood_cifar100_test#coarse!={SHARED_SUPERCLASSES}"),
                ),
                ("tinyimagenet", "ood_tinyimagenet".into()),
                ("scenes", "ood_scenes".into()),
            ]),
            // Bees, tractors and oranges, forests, mountains and seas are classes of CIFAR-100.
            Task::Cifar100Lt => sets.push(("cifar10", "cifar10_test".into())),
            Task::ImagenetLt => {}
        }
        sets
    }

    /// The parts of training and test sets whose norms are followed over training (Fig. 7): of the usual model
    /// alone, on the one task that the figure is about.
    pub fn monitored(self) -> Vec<(&'static str, String)> {
        match self {
            // `first` counts in each class: 600 images of three classes (of the training images' tail all
            // 272), 500 of the others.
            Task::Cifar10Lt => vec![
                (
                    "train_head",
                    "cifar10_train_lt100#class=airplane+automobile+bird#first=200".into(),
                ),
                (
                    "train_tail",
                    "cifar10_train_lt100#class=horse+ship+truck#first=200".into(),
                ),
                (
                    "test_head",
                    "cifar10_test#class=airplane+automobile+bird#first=200".into(),
                ),
                (
                    "test_tail",
                    "cifar10_test#class=horse+ship+truck#first=200".into(),
                ),
                ("ood_textures", "ood_textures#first=500".into()),
                (
                    "ood_cifar100_unseen",
                    format!("ood_cifar100_test#coarse!={SHARED_SUPERCLASSES}#first=10"),
                ),
            ],
            Task::Cifar100Lt | Task::ImagenetLt => Vec::new(),
        }
    }

    /// The task's classes from another source, where there are such images.
    pub fn other_source(self) -> Option<&'static str> {
        (self == Task::Cifar10Lt).then_some("id_other_source")
    }

    /// What is trained and calibrated on at an imbalance.
    pub fn training(self, imbalance: u32) -> TrainingSets {
        // The sets at hand contain what is more imbalanced than they are, and nothing less so.
        let long_tail = imbalance >= USUAL_IMBALANCE;
        let cut = (imbalance != USUAL_IMBALANCE && imbalance != 1).then_some(imbalance);
        match (self, long_tail) {
            (Task::Cifar10Lt, true) => TrainingSets {
                data: "cifar10_train_lt100",
                imbalance: cut,
                hold_out: "airplane=300".into(),
                calibration: vec![
                    "cifar10_train_more".into(),
                    "cifar10_train_lt100#class=airplane#last=300".into(),
                ],
                fit: match cut {
                    None => vec![
                        "cifar10_train_lt100#class!=airplane".into(),
                        "cifar10_train_lt100#class=airplane#but-last=300".into(),
                    ],
                    Some(_) => Vec::new(),
                },
                balance: true,
            },
            (Task::Cifar10Lt, false) => TrainingSets {
                data: "cifar10_train",
                imbalance: cut,
                // Of the other classes a cut leaves more than these.
                hold_out: if imbalance == 1 {
                    "all=300"
                } else {
                    "airplane=300"
                }
                .into(),
                calibration: vec!["cifar10_train#split=train#last=300".into()],
                fit: Vec::new(),
                balance: false,
            },
            (Task::Cifar100Lt, true) => {
                let classes: Vec<_> = (0..SPARING_CLASSES)
                    .map(|class| class.to_string())
                    .collect();
                let held: Vec<_> = classes.iter().map(|class| format!("{class}=5")).collect();
                let sparing = classes.join("+");
                let set = "cifar100_train_lt100";
                TrainingSets {
                    data: set,
                    imbalance: cut,
                    hold_out: held.join(","),
                    calibration: vec![format!("{set}#class={sparing}#last=5")],
                    fit: match cut {
                        None => vec![
                            format!("{set}#class!={sparing}"),
                            format!("{set}#class={sparing}#but-last=5"),
                        ],
                        Some(_) => Vec::new(),
                    },
                    balance: false,
                }
            }
            (Task::Cifar100Lt, false) => TrainingSets {
                data: "cifar100_train",
                imbalance: cut,
                hold_out: if imbalance == 1 { "all=5" } else { "apple=5" }.into(),
                calibration: vec!["cifar100_train#split=train#last=5".into()],
                fit: Vec::new(),
                balance: false,
            },
            // Published as it is, with 20 further images of each class to choose settings on.
            (Task::ImagenetLt, _) => TrainingSets {
                data: "imagenet_lt/ImageNet_LT_train.txt",
                imbalance: None,
                hold_out: String::new(),
                calibration: vec!["imagenet_lt/ImageNet_LT_val.txt".into()],
                fit: Vec::new(),
                balance: false,
            },
        }
    }

    /// The auxiliary sets with their filters.
    pub fn auxiliary(self, which: Auxiliary) -> Vec<String> {
        match (which, self) {
            (Auxiliary::None | Auxiliary::Crops, _) => Vec::new(),
            (Auxiliary::First(count), Task::ImagenetLt) => {
                vec![format!("imagenet_extra#first={count}")]
            }
            (_, Task::ImagenetLt) => vec!["imagenet_extra".into()],
            (Auxiliary::TinyImageNet, _) | (Auxiliary::Usual, Task::Cifar100Lt) => {
                vec!["aux_train".into()]
            }
            (Auxiliary::Usual, Task::Cifar10Lt) => {
                vec!["aux_train".into(), "aux_train_cifar100".into()]
            }
            (Auxiliary::First(count), Task::Cifar100Lt) => {
                vec![format!("aux_train#first={count}")]
            }
            // The second set has 50 classes, and `first` counts in each.
            (Auxiliary::First(count), Task::Cifar10Lt) => vec![
                format!("aux_train#first={}", count / 2),
                format!("aux_train_cifar100#first={}", count / 100),
            ],
        }
    }
}

/// The folder that a set with filters lies in.
pub fn folder_of(set: &str) -> &str {
    set.split('#').next().unwrap_or(set)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_calibrated_on_was_held_out() {
        let sets = Task::Cifar10Lt.training(100);
        assert_eq!(
            (sets.imbalance, sets.hold_out.as_str()),
            (None, "airplane=300")
        );
        assert!(sets.calibration[1].ends_with("#class=airplane#last=300"));
        let hundred = Task::Cifar100Lt.training(100);
        assert!(hundred.hold_out.starts_with("0=5,1=5,") && hundred.hold_out.ends_with(",32=5"));
        assert!(hundred.calibration[0].ends_with("+32#last=5"));
        assert!(hundred.fit[1].ends_with("+32#but-last=5"));
    }

    #[test]
    fn only_a_larger_imbalance_can_be_cut_from_a_long_tail() {
        assert_eq!(Task::Cifar10Lt.training(1000).data, "cifar10_train_lt100");
        assert_eq!(Task::Cifar10Lt.training(1000).imbalance, Some(1000));
        assert_eq!(Task::Cifar10Lt.training(10).data, "cifar10_train");
        assert_eq!(Task::Cifar10Lt.training(1).imbalance, None);
    }

    #[test]
    fn cifar_100_is_no_auxiliary_set_where_it_is_in_distribution() {
        for which in [
            Auxiliary::Usual,
            Auxiliary::First(300),
            Auxiliary::TinyImageNet,
        ] {
            let sets = Task::Cifar100Lt.auxiliary(which);
            assert!(
                sets.iter().all(|set| folder_of(set) == "aux_train"),
                "{sets:?}"
            );
        }
        let small = Task::Cifar10Lt.auxiliary(Auxiliary::First(300));
        assert_eq!(small, ["aux_train#first=150", "aux_train_cifar100#first=3"]);
    }
}
