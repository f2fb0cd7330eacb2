//! What is trained: a method on a task, with changes to its recipe.

use normgate_core::scores::ScoreKind;

use super::sets::{Auxiliary, USUAL_IMBALANCE};
use super::tasks::Task;
use crate::methods::{self, MethodKind};

/// A model as a table asks for it, whatever its size and seed.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// What is in distribution.
    pub task: Task,
    /// How many times as large the largest class is as the smallest.
    pub imbalance: u32,
    /// How it is trained.
    pub method: MethodKind,
    /// The score that the method's authors detect with; the model is served with it.
    pub score: ScoreKind,
    /// The auxiliary images.
    pub auxiliary: Auxiliary,
    /// Further options of `train`: name without dashes, value.
    pub options: Vec<(&'static str, String)>,
    /// The model that training starts from, and the epochs that are then trained.
    pub after: Option<(Box<Model>, u32)>,
}

impl Model {
    fn new(task: Task, method: MethodKind) -> Self {
        Self {
            task,
            imbalance: USUAL_IMBALANCE,
            method,
            score: method.traits().score,
            auxiliary: usual_auxiliary(method),
            options: Vec::new(),
            after: None,
        }
    }

    /// With another value of an option of `train`.
    pub fn with(mut self, option: &'static str, value: impl ToString) -> Self {
        self.options.push((option, value.to_string()));
        self
    }

    /// With other auxiliary images.
    pub fn auxiliary(mut self, auxiliary: Auxiliary) -> Self {
        self.auxiliary = auxiliary;
        self
    }

    /// At another imbalance; so is the model that it starts from.
    pub fn imbalance(mut self, imbalance: u32) -> Self {
        self.imbalance = imbalance;
        self.after = self.after.map(|(first, epochs)| {
            let first = first.imbalance(imbalance);
            (Box::new(first), epochs)
        });
        self
    }

    /// Started from another model, then tuned as in the paper's E.8.
    pub fn tuned_from(self, first: Model) -> Self {
        self.after(first, FINE_TUNING_EPOCHS)
    }

    /// Started from another model, then trained for so many epochs, unless its task sets one number for all methods.
    fn after(mut self, first: Model, epochs: u32) -> Self {
        let epochs = self.task.about().tuning_epochs.unwrap_or(epochs);
        self.after = Some((Box::new(first), epochs));
        self
    }

    /// A name that tells this model from all others.
    pub fn name(&self) -> String {
        let mut name = self.task.about().slug.to_owned();
        if self.imbalance != USUAL_IMBALANCE {
            name += &self.imbalance.to_string();
        }
        name + "-" + &self.recipe_name()
    }

    fn recipe_name(&self) -> String {
        let mut name = self.method.to_string();
        if self.auxiliary != usual_auxiliary(self.method) {
            name += &match self.auxiliary {
                Auxiliary::None => "-no-aux".to_owned(),
                Auxiliary::Usual => "-aux".to_owned(),
                Auxiliary::First(count) => format!("-aux-{count}"),
                Auxiliary::TinyImageNet => "-aux-tinyimagenet".to_owned(),
                Auxiliary::Crops => "-aux-crops".to_owned(),
            };
        }
        for (option, value) in &self.options {
            // Folders have these names, and commas separate sets in lists.
            name += &format!("-{option}-{}", value.replace(',', "-"));
        }
        if let Some((first, _)) = &self.after {
            name += &format!("-after-{}", first.recipe_name());
        }
        name
    }
}

fn usual_auxiliary(method: MethodKind) -> Auxiliary {
    match method.traits().auxiliary {
        methods::Auxiliary::Never => Auxiliary::None,
        _ => Auxiliary::Usual,
    }
}

/// Epochs of fine-tuning with auxiliary images (paper, E.8), and of second stages, on CIFAR.
const FINE_TUNING_EPOCHS: u32 = 10;
/// Epochs that BEL's authors tune a trained network for.
const BEL_EPOCHS: u32 = 20;

/// Plain cross-entropy: the paper's "MSP" and "CE".
pub fn ce(task: Task) -> Model {
    Model::new(task, MethodKind::Ce)
}

/// Logit adjustment.
pub fn la(task: Task) -> Model {
    Model::new(task, MethodKind::La)
}

/// Outlier Exposure.
pub fn oe(task: Task) -> Model {
    Model::new(task, MethodKind::Oe)
}

/// Outlier Exposure with logit adjustment.
pub fn la_oe(task: Task) -> Model {
    Model::new(task, MethodKind::LaOe)
}

/// Energy OE: fine-tuning of a cross-entropy model (on CIFAR10-LT, the paper's T2 and T17 have the same row).
pub fn energy_oe(task: Task) -> Model {
    energy_oe_alone(task).after(ce(task), FINE_TUNING_EPOCHS)
}

/// Energy OE by itself, to be started from another model.
pub fn energy_oe_alone(task: Task) -> Model {
    Model::new(task, MethodKind::EnergyOe)
}

/// Outlier Exposure with Confidence Control: fine-tuning of a cross-entropy model.
pub fn oecc(task: Task) -> Model {
    Model::new(task, MethodKind::Oecc).after(ce(task), task.about().oecc_epochs)
}

/// PASCL, its first stage.
pub fn pascl(task: Task) -> Model {
    Model::new(task, MethodKind::Pascl)
}

/// PASCL's second stage, for classification.
pub fn pascl_ft(task: Task) -> Model {
    Model::new(task, MethodKind::PasclFt).after(pascl(task), FINE_TUNING_EPOCHS)
}

/// Balanced energy learning: fine-tuning of a cross-entropy model.
pub fn bel(task: Task) -> Model {
    Model::new(task, MethodKind::Bel).after(ce(task), BEL_EPOCHS)
}

/// BEL's second stage, for classification.
pub fn bel_ft(task: Task) -> Model {
    Model::new(task, MethodKind::BelFt).after(bel(task), FINE_TUNING_EPOCHS)
}

/// Representation Norm Amplification.
pub fn rna(task: Task) -> Model {
    Model::new(task, MethodKind::Rna)
}

/// RNA and Outlier Exposure together (not in the paper).
pub fn rna_oe(task: Task) -> Model {
    Model::new(task, MethodKind::RnaOe)
}

/// Attenuation of the auxiliary images' norms instead (T3).
pub fn attenuation(task: Task) -> Model {
    Model::new(task, MethodKind::Attenuation)
}

/// RNA and attenuation together (T3).
pub fn rna_attenuation(task: Task) -> Model {
    Model::new(task, MethodKind::RnaAttenuation)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_named_by_what_it_changes() {
        let task = Task::Cifar10Lt;
        assert_eq!(ce(task).name(), "cifar10-lt-ce");
        let wide = rna(task).with("aux-batch-size", 256);
        assert_eq!(wide.name(), "cifar10-lt-rna-aux-batch-size-256");
        assert_eq!(oe(task).imbalance(1000).name(), "cifar10-lt1000-oe");
        let bare = rna(Task::Cifar100Lt).auxiliary(Auxiliary::None);
        assert_eq!(bare.name(), "cifar100-lt-rna-no-aux");
        assert_eq!(pascl_ft(task).name(), "cifar10-lt-pascl-ft-after-pascl");
        assert_eq!(energy_oe(task).name(), "cifar10-lt-energy-oe-after-ce");
    }

    #[test]
    fn at_another_imbalance_so_is_what_a_model_is_begun_with() {
        let second = pascl_ft(Task::Cifar10Lt).imbalance(10);
        let first = second.after.unwrap().0;
        assert_eq!(first.name(), "cifar10-lt10-pascl");
    }
}
