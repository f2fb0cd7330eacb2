//! The methods by name, and what the rest of the trainer has to know about them.

use clap::ValueEnum;
use normgate_core::scores::ScoreKind;
use serde::{Deserialize, Serialize};

use crate::models::Projection;

/// The methods by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum MethodKind {
    /// Plain cross-entropy on the in-distribution images alone: the baseline
    Ce,
    /// Logit adjustment: cross-entropy that evens out frequent and rare classes
    La,
    /// Outlier Exposure: auxiliary images towards equal probabilities
    Oe,
    /// Outlier Exposure with logit adjustment
    LaOe,
    /// Outlier Exposure on energies
    EnergyOe,
    /// Outlier Exposure with confidence control; tunes a trained network (--init)
    Oecc,
    /// Outlier Exposure, and contrast of rare classes with auxiliary images
    Pascl,
    /// PASCL's second stage: batch normalisation and linear head of a PASCL run (--init)
    PasclFt,
    /// Outlier Exposure on energies balanced by class; tunes a trained network (--init)
    Bel,
    /// BEL's second stage: batch normalisation and linear head of a BEL run (--init)
    BelFt,
    /// Representation Norm Amplification; without --aux, it uses no auxiliary images (paper, T7)
    Rna,
    /// RNA and Outlier Exposure together (not in the paper)
    RnaOe,
    /// RNA turned around: attenuates auxiliary norms instead (paper, T3)
    Attenuation,
    /// RNA and attenuation together (paper, T3)
    RnaAttenuation,
}

/// Whether auxiliary images take part in each step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Auxiliary {
    /// It has no use for them.
    Never,
    /// It also works without them.
    Optional,
    /// The loss is not defined without them.
    Needed,
}

/// What the rest of the trainer has to know about a method.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Traits {
    /// Whether auxiliary images take part.
    pub auxiliary: Auxiliary,
    /// The head that it needs besides the linear one.
    pub projection: Projection,
    /// τ of the logit adjustment, where 0 is plain cross-entropy; `None` if the method is just that.
    pub tau: Option<f64>,
    /// The weight λ of its loss on norms or auxiliary images, if it has one.
    pub lambda: Option<f64>,
    /// The score that it trains for.
    pub score: ScoreKind,
}

impl MethodKind {
    /// The table of the methods, with their authors' values for CIFAR.
    #[must_use]
    pub fn traits(self) -> Traits {
        use Auxiliary::{Needed, Never, Optional};
        use Projection::Mlp;
        use ScoreKind::{Energy, Msp, RepresentationNorm};
        const NO_HEAD: Projection = Projection::None;
        let row = |auxiliary, projection, tau, lambda, score| Traits {
            auxiliary,
            projection,
            tau,
            lambda,
            score,
        };
        match self {
            Self::Ce => row(Never, NO_HEAD, None, None, Msp),
            Self::La => row(Never, NO_HEAD, Some(1.0), None, Msp),
            Self::Oe => row(Needed, NO_HEAD, Some(0.0), Some(0.5), Msp),
            Self::LaOe => row(Needed, NO_HEAD, Some(1.0), Some(0.5), Msp),
            Self::EnergyOe => row(Needed, NO_HEAD, Some(0.0), Some(0.1), Energy),
            Self::Oecc => row(Needed, NO_HEAD, Some(0.0), Some(0.05), Msp),
            Self::Pascl => row(Needed, Mlp, Some(0.0), Some(0.5), Msp),
            Self::PasclFt => row(Never, NO_HEAD, Some(1.0), None, Msp),
            Self::Bel => row(Needed, NO_HEAD, Some(0.0), Some(0.1), Energy),
            Self::BelFt => row(Never, NO_HEAD, Some(1.0), None, Energy),
            Self::Rna => row(Optional, Mlp, Some(1.0), Some(0.5), RepresentationNorm),
            Self::RnaOe => row(Needed, Mlp, Some(1.0), Some(0.5), RepresentationNorm),
            Self::Attenuation => row(Needed, Mlp, Some(1.0), Some(0.5), RepresentationNorm),
            Self::RnaAttenuation => row(Needed, Mlp, Some(1.0), Some(0.5), RepresentationNorm),
        }
    }

    /// How many views, each augmented anew, a step takes of every in-distribution image.
    #[must_use]
    pub fn views(self) -> usize {
        match self {
            Self::Pascl => 2,
            _ => 1,
        }
    }

    /// Whether it is a second stage: not a training of its own, but the end of another method's.
    ///
    /// The stage is PASCL's (Wang et al., ICML 2022, "auxiliary branch fine-tuning"), and BEL borrows it: logit
    /// adjustment on in-distribution images alone trains the linear head and the batch normalisation; everything else
    /// stays as it is. The authors keep both networks, and take classes from the second and OOD scores from the
    /// first. Here the outcome is a run of its own, scored by itself, like the paper's rows PASCL-FT and BEL-FT.
    #[must_use]
    pub fn is_second_stage(self) -> bool {
        matches!(self, Self::PasclFt | Self::BelFt)
    }

    /// Whether its authors tune a trained network with SGD and Nesterov's momentum, starting at a learning rate of
    /// 0.001 (the code of OE, EnergyOE, OECC and BEL, `CIFAR/oe_tune.py`, `CIFAR/train.py`,
    /// `CIFAR/OECC_tune_cifar.ipynb` and `classification/inf_train_im_res.py`). docs/training.md says what Adam does at
    /// that rate.
    #[must_use]
    pub fn is_tuned_with_sgd(self) -> bool {
        matches!(
            self,
            Self::Oe | Self::LaOe | Self::EnergyOe | Self::Oecc | Self::Bel
        )
    }

    /// Whether the method trains the network's parameter of this name.
    #[must_use]
    pub fn trains(self, parameter: &str) -> bool {
        let part_of_second_stage = parameter.starts_with("linear.")
            || parameter.contains("bn")
            || parameter.contains("shortcut.1.");
        !self.is_second_stage() || part_of_second_stage
    }
}

impl std::fmt::Display for MethodKind {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let value = self.to_possible_value();
        formatter.pad(value.as_ref().map_or("", |value| value.get_name()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_the_command_line_call_a_method_the_same() {
        for method in MethodKind::value_variants() {
            let written = serde_json::to_string(method).unwrap();
            assert_eq!(written, format!("\"{method}\""));
        }
    }

    #[test]
    fn the_table_of_the_documentation_says_what_each_method_is() {
        let documented = include_str!("../../../docs/training.md");
        for method in MethodKind::value_variants() {
            let traits = method.traits();
            let number = |number: Option<f64>| number.map_or("–".into(), |it| it.to_string());
            let auxiliary = match traits.auxiliary {
                Auxiliary::Never => "none",
                Auxiliary::Optional => "in the batch, not in the loss",
                Auxiliary::Needed => "yes",
            };
            let (tau, lambda) = (number(traits.tau), number(traits.lambda));
            let expected = format!(
                "| {tau} | {lambda} | {auxiliary} | {} |",
                traits.score.title()
            );
            let row = documented
                .lines()
                .find(|line| line.starts_with(&format!("| `{method}` |")));
            assert!(
                row.is_some_and(|row| row.ends_with(&expected)),
                "{method}: {expected}"
            );
        }
    }

    #[test]
    fn what_is_about_norms_or_contrast_is_about_those_of_a_projection() {
        for method in MethodKind::value_variants() {
            let traits = method.traits();
            let norms = traits.score == ScoreKind::RepresentationNorm;
            let projects = norms || *method == MethodKind::Pascl;
            assert_eq!(traits.projection == Projection::Mlp, projects, "{method}");
        }
    }

    #[test]
    fn a_second_stage_trains_batch_normalisation_and_the_linear_head_alone() {
        let trained = |name| MethodKind::PasclFt.trains(name);
        for name in ["linear.weight", "linear.bias", "layer2.0.shortcut.1.weight"] {
            assert!(trained(name), "{name}");
        }
        for name in [
            "conv1.weight",
            "layer2.0.shortcut.0.weight",
            "layer1.0.conv2.weight",
        ] {
            assert!(!trained(name) && MethodKind::Pascl.trains(name), "{name}");
        }
    }
}
