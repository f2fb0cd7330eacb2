//! The result of a calibration, in numbers and for the terminal.

use std::fmt;
use std::path::PathBuf;

use normgate_core::calibration::{Calibration, Convention};
use normgate_core::scores::ScoreKind;

/// The result of a calibration; its [`Display`](fmt::Display) is what `calibrate` prints.
#[derive(Clone, Debug)]
pub struct CalibrationReport {
    /// Where the calibrated model was written.
    pub written: PathBuf,
    /// The score calibrated.
    pub score: ScoreKind,
    /// How many training images it was fitted to, if it is fitted.
    pub fitted_to: Option<usize>,
    /// What the model file now holds.
    pub calibration: Calibration,
    /// ID images of each class that were used.
    pub class_counts: Vec<u64>,
    /// How many of the images are copies of others.
    pub repeated: usize,
    /// What the model was trained on that may include some of these images.
    pub trained_on: Option<String>,
    /// Which auxiliary images, which it was trained to treat as OOD, may include some of these images.
    pub treated_as_ood: Option<String>,
    /// What the score was fitted to before that may include some of these images.
    pub fitted_on: Option<String>,
    /// How many of these images the model classifies correctly.
    pub right: u64,
    /// How many images of each class `--balance` took.
    pub balanced_to: Option<u64>,
    /// Name of each class, in order.
    pub labels: Vec<String>,
    /// Share flagged of each true class's calibration images; NaN if there are none.
    pub flagged_per_class: Vec<f64>,
    /// The same images under both conventions, if OOD images were given.
    pub both: Option<BothConventions>,
}

/// The thresholds of both conventions and what they do to each side.
#[derive(Clone, Copy, Debug)]
pub struct BothConventions {
    /// ID-positive: the threshold, share of ID images flagged, share of OOD images caught.
    pub id_positive: (f64, f64, f64),
    /// OOD-positive, likewise.
    pub ood_positive: (f64, f64, f64),
}

/// At most this many classes without images are named.
const NAMED: usize = 5;

/// From fewer images than this, the share that a threshold flags varies by more than 1.5 points.
const FEW: usize = 200;

impl fmt::Display for CalibrationReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let calibration = &self.calibration;
        let images: u64 = calibration.count as u64;
        writeln!(
            f,
            "Calibrated {} on {images} images",
            self.written.display()
        )?;
        if let Some(each) = self.balanced_to {
            writeln!(f, "  {each} of each of the {} classes", self.labels.len())?;
        }
        if self.repeated > 0 {
            writeln!(
                f,
                "  copies     {} of other images, which add no information",
                self.repeated
            )?;
        }
        if let Some(set) = &self.trained_on {
            warn_of_known(f, "model was trained on", set)?;
        }
        if let Some(set) = &self.treated_as_ood {
            writeln!(
                f,
                "  warning    the model was trained to treat a set called {set} as OOD:\n             make sure that \
                 it had none of these images, or next to nothing will be flagged"
            )?;
        }
        if let Some(set) = &self.fitted_on {
            warn_of_known(f, "score was fitted to", set)?;
        }
        self.labelled(f)?;
        match self.fitted_to {
            Some(images) => writeln!(f, "  score      {}, fitted to {images} images", self.score)?,
            None => writeln!(f, "  score      {}", self.score)?,
        }
        match calibration.thresholds_by_class() {
            Some([least, most]) => writeln!(
                f,
                "  threshold  {least:.4} to {most:.4}, by predicted class"
            )?,
            None => writeln!(
                f,
                "  threshold  {:.4} (an image that scores above is flagged)",
                calibration.threshold
            )?,
        }
        writeln!(
            f,
            "  flagged    {:.2} % of the calibration images",
            100.0 * calibration.expected_flag_rate
        )?;
        if let Some(expected) = expected(calibration) {
            writeln!(f, "  expected   {expected}")?;
        }
        if calibration.per_class.is_some() {
            let classes = self.labels.len();
            let own = calibration.have_own_threshold();
            let needed = calibration.images_for_own_threshold();
            match own.iter().filter(|own| !**own).count() {
                0 => writeln!(
                    f,
                    "  per class  each of the {classes} has a threshold of its own"
                )?,
                all if all == classes => writeln!(
                    f,
                    "  per class  all share this threshold: none has the {needed} predicted images for one \
                     of its own"
                )?,
                shared => writeln!(
                    f,
                    "  per class  {} of {classes} have a threshold of their own, from at least {needed} images \
                     predicted as each;\n             the other {shared} share one",
                    classes - shared
                )?,
            }
        }
        if let Some(both) = self.both {
            writeln!(f, "\n  convention    threshold  ID flagged  OOD caught")?;
            let served = |c: Convention| {
                if c == calibration.convention {
                    "  written"
                } else {
                    ""
                }
            };
            for (name, (threshold, id, ood), mark) in [
                (
                    "ID-positive ",
                    both.id_positive,
                    served(Convention::IdPositive),
                ),
                (
                    "OOD-positive",
                    both.ood_positive,
                    served(Convention::OodPositive),
                ),
            ] {
                let (id, ood) = (100.0 * id, 100.0 * ood);
                writeln!(
                    f,
                    "  {name}  {threshold:>9.4}  {id:>8.2} %  {ood:>8.2} %{mark}"
                )?;
            }
        }
        // For a folder of photos without labels, every line would say 0 images and nothing else.
        if self.class_counts.iter().all(|&count| count == 0) && calibration.per_class.is_none() {
            return Ok(());
        }
        let width = self
            .labels
            .iter()
            .map(|l| l.chars().count())
            .max()
            .unwrap_or(0)
            .max(5);
        write!(f, "\n  {:<width$}  images  flagged", "class")?;
        let own = calibration.per_class.as_ref();
        writeln!(
            f,
            "{}",
            if own.is_some() {
                "  threshold  predicted"
            } else {
                ""
            }
        )?;
        let have_own = calibration.have_own_threshold();
        for (class, label) in self.labels.iter().enumerate() {
            let rate = match self.class_counts[class] {
                0 => "–".to_owned(),
                _ => format!("{:.2} %", 100.0 * self.flagged_per_class[class]),
            };
            write!(
                f,
                "  {label:<width$}  {:>6}  {rate:>7}",
                self.class_counts[class]
            )?;
            match own.and_then(|own| own.get(class)) {
                Some(own) => {
                    let shared = match have_own.get(class) {
                        Some(false) => "  shared",
                        _ => "",
                    };
                    writeln!(f, "  {:>9.4}  {:>9}{shared}", own.threshold, own.count)?;
                }
                None => writeln!(f)?,
            }
        }
        Ok(())
    }
}

/// Warns that images for a threshold may be known: the model or its score has learnt from a set of their name.
pub(crate) fn warn_of_known(f: &mut fmt::Formatter<'_>, learnt: &str, set: &str) -> fmt::Result {
    writeln!(
        f,
        "  warning    the {learnt} a set called {set}:\n             make sure that it had none of \
         these images, or new ones will be flagged\n             more often than stated here"
    )
}

/// How many new images a threshold will flag, and how certain that is; `None` for an OOD-positive threshold, which
/// promises nothing about ID images.
pub(crate) fn expected(calibration: &Calibration) -> Option<String> {
    let rate = calibration.flag_rate()?;
    let [mean, deviation] = [rate.mean, rate.deviation].map(|share| 100.0 * share);
    let few = match calibration.count < FEW {
        true => "; a few hundred images narrow this",
        false => "",
    };
    Some(format!(
        "{mean:.1} ± {deviation:.1} % of new images like these{few}"
    ))
}

impl CalibrationReport {
    /// What the images' labels show: whether the model is as accurate as it should be, and for which classes nothing
    /// is promised.
    fn labelled(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let labelled: u64 = self.class_counts.iter().sum();
        let unlabelled = (self.calibration.count as u64).saturating_sub(labelled);
        if labelled == 0 {
            return writeln!(f, "  correct    unknown, since the images have no labels");
        }
        let share = self.right as f64 / labelled as f64;
        let chance = 1.0 / self.labels.len() as f64;
        let doubt = match share < 2.0 * chance && share < 0.5 {
            true => {
                "; are labels and preprocessing as in training, and was it trained long enough?"
            }
            false => "",
        };
        writeln!(f, "  correct    {:.2} %{doubt}", 100.0 * share)?;
        if unlabelled > 0 {
            writeln!(
                f,
                "  unlabelled {unlabelled}, assumed to show the model's classes"
            )?;
        }
        let without = self.class_counts.iter().zip(&self.labels);
        let without = without.filter_map(|(count, label)| (*count == 0).then_some(&**label));
        let without: Vec<&str> = without.collect();
        if !without.is_empty() {
            let named = without.iter().take(NAMED).copied().collect::<Vec<_>>();
            let more = match without.len() - named.len() {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            writeln!(
                f,
                "  none of    {}{more}: nothing is promised for these",
                named.join(", ")
            )?;
        }
        Ok(())
    }
}
