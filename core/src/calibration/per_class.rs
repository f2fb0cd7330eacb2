//! A threshold for each predicted class (Mondrian conformal prediction, Vovk et al. 2005, Sec. 4.5); classes with too
//! few calibration images share one.
//!
//! A single threshold flags the tail classes of a long-tailed model more often than the head classes. So predicted
//! classes are put into categories, each with the conformal threshold of its own images: a class with 10·m of them or
//! more is a category by itself, and all others are one together, with
//!
//! ```text
//! m = ⌈tpr / (1 - tpr)⌉,
//! ```
//!
//! the fewest images that give a threshold at all (19 at 0.95). From 10·m (190) on, the share that a threshold really
//! lets pass strays from its target by 1.6 points (its standard deviation), which is small beside the differences
//! between classes. If the classes that share a threshold have fewer than 10·m images in all, the next smallest class
//! joins them.
//!
//! If the categories are fixed beforehand, an exchangeable ID image is flagged with a probability of at most
//! `1 - tpr` within each, and so overall. Ours are chosen by the counts of the calibration images, never by their
//! scores, which costs next to nothing of that promise. Within the shared category, single classes can be flagged
//! more often than others. And the promise is about images predicted as a class, not about images of that class:
//! those that are mistaken for another class are flagged more often. A blend of a class's own threshold and the
//! global one keeps no such promise: if rare classes score higher, it flags 8 % and more overall.

use serde::{Deserialize, Serialize};

use super::rank::samples_needed;
use super::{Calibration, CalibrationError, Convention, conformal_threshold, sorted, thinning};

/// A category with this many times the fewest possible images stands on its own.
const OWN_FROM: usize = 10;

/// The threshold of one predicted class.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassThreshold {
    /// Calibration images that the model predicted as this class.
    pub count: usize,
    /// The threshold that applies to an image predicted as this class.
    pub threshold: f64,
}

impl Calibration {
    /// Adds a threshold for each predicted class, so that images predicted as a tail class are flagged no more often
    /// than those predicted as a head class.
    ///
    /// `scores` are the ID scores calibrated on, in any order; `predicted` has the class that the model predicted for
    /// each. A class with `10·⌈tpr/(1-tpr)⌉` images (190 at 0.95) or more has a conformal threshold of its own; the
    /// others share one, with as many of the next smallest classes as it takes to have that many images.
    ///
    /// # Errors
    /// [`PerClassNeedsIdPositive`](CalibrationError::PerClassNeedsIdPositive),
    /// [`NotTheSameImages`](CalibrationError::NotTheSameImages),
    /// [`NotFinite`](CalibrationError::NotFinite), and
    /// [`NoSuchClass`](CalibrationError::NoSuchClass) for a prediction outside `0..classes`.
    pub fn with_per_class(
        mut self,
        scores: &[f32],
        predicted: &[usize],
        classes: usize,
    ) -> Result<Self, CalibrationError> {
        if self.convention != Convention::IdPositive {
            return Err(CalibrationError::PerClassNeedsIdPositive);
        }
        let same = thinning::thin(&sorted(scores, "in-distribution")?) == self.scores;
        if !same || scores.len() != self.count || predicted.len() != self.count {
            return Err(CalibrationError::NotTheSameImages {
                expected: self.count,
                scores: scores.len(),
                predicted: predicted.len(),
            });
        }
        let mut by_class = vec![Vec::new(); classes];
        for (index, (&score, &class)) in scores.iter().zip(predicted).enumerate() {
            by_class
                .get_mut(class)
                .ok_or(CalibrationError::NoSuchClass {
                    index,
                    class,
                    classes,
                })?
                .push(score);
        }
        let counts: Vec<usize> = by_class.iter().map(Vec::len).collect();
        let needed = self.images_for_own_threshold();
        let shares = sharing(&counts, needed);
        let mut shared = Vec::new();
        for (own, _) in by_class.iter().zip(&shares).filter(|&(_, &shares)| shares) {
            shared.extend_from_slice(own);
        }
        let conformal = |scores: &[f32]| {
            conformal_threshold(&sorted(scores, "in-distribution")?, self.target_tpr)
        };
        let shared = match shared.is_empty() {
            // No image was predicted as any of these.
            true => self.threshold,
            false => conformal(&shared)?,
        };
        let class = |(own, &shares): (&Vec<f32>, &bool)| {
            Ok(ClassThreshold {
                count: own.len(),
                threshold: if shares { shared } else { conformal(own)? },
            })
        };
        let thresholds = by_class.iter().zip(&shares).map(class);
        let thresholds = thresholds.collect::<Result<_, CalibrationError>>()?;
        self.per_class = Some(thresholds);
        let pairs = scores.iter().zip(predicted);
        let flagged = pairs
            .filter(|&(&score, &class)| self.is_ood(score, class))
            .count();
        self.expected_flag_rate = flagged as f64 / self.count as f64;
        Ok(self)
    }

    /// How many calibration images a predicted class needs to have a threshold of its own: 190 at 0.95.
    pub fn images_for_own_threshold(&self) -> usize {
        OWN_FROM.saturating_mul(samples_needed(self.target_tpr))
    }

    /// The number of calibration images that each threshold comes from.
    pub(super) fn images_of_thresholds(&self) -> Vec<usize> {
        let Some(classes) = &self.per_class else {
            return vec![self.count];
        };
        let counts: Vec<usize> = classes.iter().map(|class| class.count).collect();
        let shares = sharing(&counts, self.images_for_own_threshold());
        let of = |shared: bool| {
            let pairs = counts.iter().zip(&shares);
            pairs
                .filter(move |(_, shares)| **shares == shared)
                .map(|(count, _)| *count)
        };
        of(false).chain([of(true).sum()]).collect()
    }

    /// For each predicted class, whether it has a threshold of its own; empty without per-class thresholds.
    pub fn have_own_threshold(&self) -> Vec<bool> {
        let classes = self.per_class.iter().flatten();
        let counts: Vec<usize> = classes.map(|class| class.count).collect();
        let shares = sharing(&counts, self.images_for_own_threshold());
        shares.into_iter().map(|shares| !shares).collect()
    }
}

/// Which classes share a threshold: those with fewer than `needed` images, and the smallest of the others until
/// together they have that many. No other class joins if those with fewer have no images at all.
fn sharing(counts: &[usize], needed: usize) -> Vec<bool> {
    let mut ascending: Vec<usize> = (0..counts.len()).collect();
    ascending.sort_by_key(|&class| counts[class]);
    let mut shares = vec![false; counts.len()];
    let mut images = 0;
    for class in ascending {
        let is_enough = images == 0 || images >= needed;
        if counts[class] >= needed && is_enough {
            break;
        }
        shares[class] = true;
        images += counts[class];
    }
    shares
}
