//! The tasks: what is in distribution. Each file has a task's image sets, and how they differ from the paper's.

mod cifar100_lt;
mod cifar10_lt;
mod imagenet_lt;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use super::sets::{Auxiliary, TrainingSets};

/// What is in distribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(
    clippy::enum_variant_names,
    reason = "these are the names that the paper gives them"
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

/// A set with its filters, under the name that it has in reports.
pub type NamedSet = (&'static str, String);

/// What there is to know about a task.
pub struct About {
    /// The paper's name for it.
    pub title: &'static str,
    /// What the names of its runs begin with.
    pub slug: &'static str,
    /// What `--class-names` takes, if the sets come without names.
    pub class_names: Option<&'static str>,
    /// What `--recipe` takes, if it is not the default.
    pub recipe: Option<&'static str>,
    /// Channels of the first stage in the paper.
    pub width: u16,
    /// Epochs in the paper.
    pub epochs: u32,
    /// Epochs for which a trained model is tuned, if they are the same for all methods (paper, E.8).
    pub tuning_epochs: Option<u32>,
    /// Epochs for which OECC's authors tune a trained network: the logs that they kept end there.
    pub oecc_epochs: u32,
    /// Thousands of training images, times the cost of an image relative to one of 32×32 pixels in ResNet18.
    pub work: f64,
    /// The test images of its own classes.
    pub test: &'static str,
    /// The OOD test sets; the means of the tables are over these.
    ood: fn() -> Vec<NamedSet>,
    /// Its classes from another source, if there are such images.
    pub other_source: Option<&'static str>,
    /// The parts of training and test sets whose norms are followed over training (Fig. 7); only RNA's usual model is
    /// monitored.
    monitored: fn() -> Vec<NamedSet>,
    /// What to train and calibrate on at an imbalance.
    training: fn(u32) -> TrainingSets,
    /// The auxiliary sets with their filters; not called for models that use none or their own crops.
    auxiliary: fn(Auxiliary) -> Vec<String>,
    /// How the data differ from the paper's, as every page says above its figures.
    pub differences: &'static [&'static str],
}

impl Task {
    /// All, in the paper's order.
    pub const ALL: [Self; 3] = [Task::Cifar10Lt, Task::Cifar100Lt, Task::ImagenetLt];

    /// What there is to know about it.
    pub fn about(self) -> &'static About {
        match self {
            Task::Cifar10Lt => &cifar10_lt::ABOUT,
            Task::Cifar100Lt => &cifar100_lt::ABOUT,
            Task::ImagenetLt => &imagenet_lt::ABOUT,
        }
    }

    /// The OOD test sets.
    pub fn ood(self) -> Vec<NamedSet> {
        (self.about().ood)()
    }

    /// The sets whose norms are followed.
    pub fn monitored(self) -> Vec<NamedSet> {
        (self.about().monitored)()
    }

    /// What to train and calibrate on at an imbalance.
    pub fn training(self, imbalance: u32) -> TrainingSets {
        (self.about().training)(imbalance)
    }

    /// The auxiliary sets with their filters; empty if there are none, or for crops.
    pub fn auxiliary(self, which: Auxiliary) -> Vec<String> {
        match which {
            Auxiliary::None | Auxiliary::Crops => Vec::new(),
            _ => (self.about().auxiliary)(which),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reproduce::sets::folder_of;

    #[test]
    fn a_task_is_called_the_same_on_the_command_line_and_in_names_of_runs() {
        for task in Task::ALL {
            let value = task.to_possible_value().unwrap();
            assert_eq!(value.get_name(), task.about().slug);
        }
    }

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
