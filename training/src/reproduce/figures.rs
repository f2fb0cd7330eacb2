//! The figures that tables show, what they are called, and their means over seeds.

/// A figure of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Figure {
    /// Area under the ROC curve.
    Auroc(Over),
    /// Area under the precision-recall curve, OOD positive.
    Aupr(Over),
    /// Share of ID images flagged at the threshold that flags 95 % of the OOD images.
    Fpr95(Over),
    /// Accuracy on the ID test set.
    Accuracy(Group),
    /// Expected calibration error, 15 bins.
    Ece,
    /// Mean representation norm on test images.
    Norm(Side),
    /// Mean representation norm in the last epoch, on training images in train mode.
    TrainingNorm(Side),
    /// Share of the representation's entries above zero.
    Active(Side),
    /// Share of ID test images that the model flags as it is served.
    FalseFlags(Group),
    /// What the flags are worth on the ID classes from another source.
    OtherSource(Trust),
}

/// Which OOD sets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Over {
    /// The mean of all.
    All,
    /// The mean of the near ones: the other CIFAR and Tiny ImageNet, as in the paper's T11. All pages and documents
    /// divide the sets this way.
    Near,
    /// The mean of the rest.
    Far,
    /// One set.
    Set(&'static str),
    /// The other CIFAR.
    Cifar,
}

/// Which classes, by their numbers of training images.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)]
pub enum Group {
    All,
    Many,
    Medium,
    Few,
}

/// Which images.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Side {
    /// In distribution.
    Id,
    /// Out of distribution: the mean over the test sets, or the auxiliary images.
    Ood,
}

/// What the flags are worth on images of the model's own classes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Trust {
    /// Share flagged.
    Flagged,
    /// Accuracy of all answers.
    Accuracy,
    /// Accuracy of those not flagged.
    Unflagged,
}

impl Figure {
    /// The figure as the head of a column.
    pub fn title(self) -> String {
        let of = |what: &str, over: Over| match over {
            Over::All => what.to_owned(),
            Over::Near => format!("{what}, near"),
            Over::Far => format!("{what}, far"),
            Over::Set(set) => set.to_owned(),
            Over::Cifar => "CIFAR".to_owned(),
        };
        match self {
            Figure::Auroc(over) => of("AUROC", over),
            Figure::Aupr(over) => of("AUPR", over),
            Figure::Fpr95(over) => of("FPR95", over),
            Figure::Accuracy(Group::All) => "Accuracy".into(),
            Figure::FalseFlags(Group::All) => "ID flagged".into(),
            Figure::Accuracy(group) | Figure::FalseFlags(group) => format!("{group:?}"),
            Figure::Ece => "ECE".into(),
            Figure::Norm(Side::Id) => "Norm, ID".into(),
            Figure::Norm(Side::Ood) => "Norm, OOD".into(),
            Figure::TrainingNorm(Side::Id) => "Norm in training, ID".into(),
            Figure::TrainingNorm(Side::Ood) => "Norm in training, auxiliary".into(),
            Figure::Active(Side::Id) => "Active units, ID".into(),
            Figure::Active(Side::Ood) => "Active units, OOD".into(),
            Figure::OtherSource(Trust::Flagged) => "Flagged".into(),
            Figure::OtherSource(Trust::Accuracy) => "Accuracy".into(),
            Figure::OtherSource(Trust::Unflagged) => "If unflagged".into(),
        }
    }
}

impl Over {
    /// Whether a set of this name is among them.
    pub fn covers(self, set: &str) -> bool {
        let near = set.starts_with("cifar") || set == "tinyimagenet";
        match self {
            Over::All => true,
            Over::Near => near,
            Over::Far => !near,
            Over::Set(name) => name == set,
            Over::Cifar => set.starts_with("cifar"),
        }
    }
}

/// A mean and, for two or more values, the sample standard deviation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The mean.
    pub mean: f64,
    /// The standard deviation.
    pub deviation: Option<f64>,
}

impl Estimate {
    /// The estimate from some values; `None` if there are none.
    pub fn of(values: &[f64]) -> Option<Self> {
        let mean = mean(values.iter().copied())?;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let degrees = values.len() - 1;
        Some(Self {
            mean,
            deviation: (degrees > 0).then(|| (squares / degrees as f64).sqrt()),
        })
    }
}

impl std::fmt::Display for Estimate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.deviation {
            Some(deviation) => write!(f, "{:.2} ± {deviation:.2}", self.mean),
            None => write!(f, "{:.2}", self.mean),
        }
    }
}

/// The mean; `None` if there are no values.
pub fn mean(values: impl ExactSizeIterator<Item = f64>) -> Option<f64> {
    let count = values.len();
    (count > 0).then(|| values.sum::<f64>() / count as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_estimate_has_a_deviation_from_two_values_on() {
        assert_eq!(Estimate::of(&[]), None);
        assert_eq!(Estimate::of(&[1.5]).unwrap().to_string(), "1.50");
        // Mean 3, squared deviations 4 + 1 + 9, divided by two degrees of freedom.
        assert_eq!(
            Estimate::of(&[1.0, 2.0, 6.0]).unwrap().to_string(),
            "3.00 ± 2.65"
        );
    }
}
