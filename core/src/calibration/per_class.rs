//! A threshold for each predicted class (Mondrian conformal prediction, Vovk et al. 2005, Sec. 4.5),
//! shrunk to the global one where a class has too few calibration images.
//!
//! One threshold for all flags the tail classes of a long-tailed model more often than the head.
//! Of class c with n_c calibration images predicted as it, own conformal threshold t_c, and global
//! threshold t, the threshold is `t + w·(t_c - t)` with
//!
//! ```text
//! w = (n_c - (m - 1)) / (10·m - (m - 1)), held within 0..1,     m = ⌈tpr / (1 - tpr)⌉
//! ```
//!
//! m is the fewest images that give a class a threshold at all (19 at 0.95): below it w is 0. From
//! 10·m (190) on w is 1, and the guarantee holds within the class; by then the share that the
//! class's own threshold really lets pass strays from its target by 1.6 points (its standard
//! deviation), small beside what classes differ by. Between them w grows evenly.

use serde::{Deserialize, Serialize};

use super::rank::samples_needed;
use super::{Calibration, CalibrationError, Convention, conformal_threshold, sorted, thinning};

/// With this many times the fewest possible images a class stands on its own.
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
    /// Adds a threshold for each predicted class, shrunk to the global one where a class has few
    /// images, so that tail classes are not flagged more often than head classes.
    ///
    /// `scores` are the ID scores calibrated on, in any order; `predicted` holds the class that the
    /// model gave each. Below `m = ⌈tpr/(1-tpr)⌉` images (19 at 0.95) a class has the global
    /// threshold, from 10·m on its own conformal one, between them a blend of the two whose weight
    /// grows evenly with the count.
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
        let thresholds = by_class
            .iter()
            .map(|own| self.class_threshold(own))
            .collect::<Result<_, _>>()?;
        self.per_class = Some(thresholds);
        let pairs = scores.iter().zip(predicted);
        let flagged = pairs
            .filter(|&(&score, &class)| self.is_ood(score, class))
            .count();
        self.expected_flag_rate = flagged as f64 / self.count as f64;
        Ok(self)
    }

    fn class_threshold(&self, own: &[f32]) -> Result<ClassThreshold, CalibrationError> {
        let weight = weight(own.len(), samples_needed(self.target_tpr));
        let threshold = if weight > 0.0 {
            let own = conformal_threshold(&sorted(own, "in-distribution")?, self.target_tpr)?;
            // As a sum of two terms, so that a weight of 1 gives the own threshold bit for bit.
            (1.0 - weight) * self.threshold + weight * own
        } else {
            self.threshold
        };
        Ok(ClassThreshold {
            count: own.len(),
            threshold,
        })
    }
}

/// How much the own threshold of a class with `count` images counts, 0 to 1.
pub(super) fn weight(count: usize, needed: usize) -> f64 {
    let global_up_to = needed.saturating_sub(1);
    let ramp = OWN_FROM
        .saturating_mul(needed)
        .saturating_sub(global_up_to)
        .max(1);
    (count.saturating_sub(global_up_to) as f64 / ramp as f64).min(1.0)
}
