//! The hyperparameters of single methods, besides τ and λ.

use serde::{Deserialize, Serialize};

/// All of them; each method reads its own. The defaults are the authors' values for CIFAR-10.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Hyperparameters {
    /// m_in: in-distribution energies above it are penalised (EnergyOE, BEL).
    pub energy_in: f64,
    /// m_out: auxiliary energies below it are penalised (EnergyOE, BEL).
    pub energy_out: f64,
    /// α: how much m_out rises for auxiliary images that look like a frequent class (BEL).
    pub alpha: f64,
    /// γ: power of the prior, where 0 treats all classes alike (BEL). The default is its authors' for ResNet18 on
    /// CIFAR10-LT (`inf_run_im_res.sh`); on all of CIFAR-10 they take 0.05.
    pub gamma: f64,
    /// Whether Z(x) is taken as given, with no gradient through it (BEL).
    pub fixed_balance: bool,
    /// Share of the auxiliary images that the network assigned to each class before training, in the order of the
    /// classes (BEL); empty if training started from scratch.
    pub auxiliary_prior: Vec<f64>,
    /// λ₁, the weight of confidence control (OECC).
    pub confidence_weight: f64,
    /// A_tr, the accuracy that confidence is to equal, 0 to 1 (OECC).
    pub training_accuracy: f64,
    /// λ₂, the weight of the contrastive loss (PASCL).
    pub contrast_weight: f64,
    /// T, the temperature of the contrastive loss (PASCL).
    pub temperature: f64,
    /// k, the share of the classes that are contrasted, the rarest ones (PASCL).
    pub tail: f64,
}

impl Default for Hyperparameters {
    fn default() -> Self {
        Self {
            energy_in: -23.0,
            energy_out: -5.0,
            alpha: 10.0,
            gamma: 0.75,
            fixed_balance: false,
            auxiliary_prior: Vec::new(),
            confidence_weight: 0.07,
            training_accuracy: 1.0,
            contrast_weight: 0.1,
            temperature: 0.07,
            tail: 0.4,
        }
    }
}

impl Hyperparameters {
    /// The authors' values for CIFAR-10; for 100 classes or more, those for CIFAR-100. For 1,000 or more, PASCL's are
    /// those of its command for ImageNet, which are its code's defaults.
    #[must_use]
    pub fn for_classes(classes: usize) -> Self {
        let few = Self::default();
        if classes < 100 {
            return few;
        }
        let many = Self {
            energy_in: -27.0,
            alpha: 100.0,
            ..few
        };
        if classes >= 1000 {
            return many;
        }
        Self {
            contrast_weight: 0.02,
            temperature: 0.2,
            ..many
        }
    }

    /// The share of each class among the auxiliary images. If no trained network has counted them, these are the
    /// shares of the training images: a classifier trained on a long tail assigns what it does not know to its
    /// frequent classes, too.
    #[must_use]
    pub fn auxiliary_prior(&self, class_counts: &[u64]) -> Vec<f64> {
        if self.auxiliary_prior.len() == class_counts.len() {
            return self.auxiliary_prior.clone();
        }
        let total = class_counts.iter().sum::<u64>() as f64;
        let share = |&count: &u64| count as f64 / total;
        class_counts.iter().map(share).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_classes_and_a_thousand_have_numbers_of_their_own() {
        let numbers = |classes| {
            let Hyperparameters {
                energy_in,
                alpha,
                contrast_weight,
                temperature,
                ..
            } = Hyperparameters::for_classes(classes);
            (energy_in, alpha, contrast_weight, temperature)
        };
        assert_eq!(numbers(10), (-23.0, 10.0, 0.1, 0.07));
        assert_eq!(numbers(100), (-27.0, 100.0, 0.02, 0.2));
        assert_eq!(numbers(1000), (-27.0, 100.0, 0.1, 0.07));
    }

    #[test]
    fn auxiliary_images_look_like_the_classes_as_the_first_network_said_or_else_as_frequent_as_they_are()
     {
        let unknown = Hyperparameters::default();
        assert_eq!(unknown.auxiliary_prior(&[30, 10]), [0.75, 0.25]);
        let asked = Hyperparameters {
            auxiliary_prior: vec![0.1, 0.9],
            ..unknown
        };
        assert_eq!(asked.auxiliary_prior(&[30, 10]), [0.1, 0.9]);
    }
}
