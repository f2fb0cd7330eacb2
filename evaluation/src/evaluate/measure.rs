//! From a model's answers to the figures: pure functions, no files.

use std::sync::Arc;

use normgate_core::calibration::{Calibration, Convention};
use normgate_core::classifier::Classifier;
use normgate_core::detection;
use normgate_core::detection::ClassGroup;
use normgate_core::manifest::Manifest;
use normgate_core::model::Model;
use normgate_core::scores::{RepresentationNorm, Score, ScoreKind, softmax};

use super::figures::{
    Figures, IdFigures, MOST_LISTED, OodFigures, ScoreFigures, ScoreThreshold, SetFigures,
    ShiftedFigures, TrustFigures,
};
use crate::error::EvaluationError;
use crate::outputs::SetOutputs;

/// The share that "95" in FPR95 means.
const TPR: f64 = 0.95;
/// Bins of the expected calibration error (Guo et al. 2017, as the paper).
const ECE_BINS: usize = 15;

/// What a model answered on each of the sets of an evaluation.
pub struct Answers {
    /// The ID test set, every image labelled.
    pub id: SetOutputs,
    /// The OOD sets.
    pub ood: Vec<SetOutputs>,
    /// The ID classes from other sources, every image labelled.
    pub shifted: Vec<SetOutputs>,
    /// The calibration set, if the scores that are not served are to have thresholds too.
    pub calibration: Option<SetOutputs>,
}

/// Measures everything, including how well each of `scores` tells the OOD sets from the ID set. Flags are the served
/// ones, decided by [`Classifier`].
///
/// # Errors
/// [`EvaluationError`] if an image of an ID set has no label, or scores give no figure.
pub fn measure(
    model: &Model,
    calibration: &Calibration,
    scores: &[Arc<dyn Score>],
    answers: &Answers,
) -> Result<Figures, EvaluationError> {
    let manifest = model.manifest();
    let classifier = Classifier::new(model)?;
    let id_scores = answers.id.all_scores(scores);
    let id_flags = served_flags(&classifier, &answers.id)?;
    let mut ood = Vec::new();
    for set in &answers.ood {
        let flags = served_flags(&classifier, set)?;
        ood.push(OodFigures {
            set: set_figures(set, &flags),
            taken_for: taken_for(&set.predicted(), set.classes),
            scores: score_figures(scores, (&answers.id.name, &id_scores), set)?,
        });
    }
    let calibrated_on = answers.calibration.as_ref();
    let thresholds = thresholds(manifest.score, calibration, scores, calibrated_on)?;
    let mut shifted_flags = Vec::new();
    let mut shifted = Vec::new();
    for set in &answers.shifted {
        let flags = served_flags(&classifier, set)?;
        shifted.push(ShiftedFigures {
            set: set_figures(set, &flags),
            taken_for: confusion(&set.predicted(), &set.truth()?, set.classes),
        });
        shifted_flags.push(flags);
    }
    let mut trust = Vec::new();
    let own = std::iter::once((&answers.id, &id_flags));
    for (set, flags) in own.chain(answers.shifted.iter().zip(&shifted_flags)) {
        let truth = set.truth()?;
        trust.push(trust_figures(set, &truth, manifest.score, flags));
        if thresholds.is_empty() {
            continue;
        }
        for (own, scores) in thresholds.iter().zip(set.all_scores(scores)) {
            if own.score == manifest.score {
                continue;
            }
            let flags: Vec<_> = scores
                .iter()
                .map(|s| f64::from(*s) > own.threshold)
                .collect();
            trust.push(trust_figures(set, &truth, own.score, &flags));
        }
    }
    Ok(Figures {
        served_score: manifest.score,
        id: id_figures(manifest, &answers.id, &id_flags)?,
        shifted,
        mean: mean(&ood),
        ood,
        thresholds,
        trust,
    })
}

fn served_flags(classifier: &Classifier, set: &SetOutputs) -> Result<Vec<bool>, EvaluationError> {
    set.images()
        .map(|(logits, representation)| Ok(classifier.classify(logits, representation)?.is_ood))
        .collect()
}

fn set_figures(set: &SetOutputs, flags: &[bool]) -> SetFigures {
    let norms = set.scores(&RepresentationNorm).into_iter();
    let active = set.images().map(|(_, r)| detection::activation_ratio(r));
    let count = set.count as f64;
    SetFigures {
        name: set.name.clone(),
        images: set.count,
        mean_norm: norms.map(|score| -f64::from(score)).sum::<f64>() / count,
        activation_ratio: active.sum::<f64>() / count,
        flagged: share(flags),
    }
}

/// Whether it makes sense to distinguish classes with many images from those with few: if they have about equally
/// many, chance would decide which is which.
pub(super) fn is_long_tailed(counts: &[u64]) -> bool {
    let (fewest, most) = (counts.iter().min(), counts.iter().max());
    fewest.zip(most).is_some_and(|(&few, &most)| most > 2 * few)
}

fn id_figures(
    manifest: &Manifest,
    set: &SetOutputs,
    flags: &[bool],
) -> Result<IdFigures, EvaluationError> {
    let truth = set.truth()?;
    let predicted = set.predicted();
    let counts = manifest
        .training
        .as_ref()
        .map(|record| &record.class_counts);
    let counts = counts.filter(|counts| is_long_tailed(counts));
    let groups = counts.map_or_else(Vec::new, |counts| detection::class_groups(counts));
    let correct: Vec<_> = predicted.iter().zip(&truth).map(|(p, t)| p == t).collect();
    let confidence: Vec<f32> = set
        .images()
        .map(|(logits, _)| softmax(logits).into_iter().fold(0.0, f32::max))
        .collect();
    let per_class = |hits: &[bool]| -> Vec<f64> {
        let of = |class| {
            let own = hits.iter().zip(&truth).filter(|&(_, &t)| t == class);
            share(&own.map(|(&hit, _)| hit).collect::<Vec<_>>())
        };
        (0..set.classes).map(of).collect()
    };
    Ok(IdFigures {
        set: set_figures(set, flags),
        accuracy: detection::group_accuracy(&predicted, &truth, &groups),
        accuracy_per_class: per_class(&correct),
        false_flags: flag_rates(flags, &truth, &groups),
        false_flags_per_class: per_class(flags),
        taken_for: confusion(&predicted, &truth, set.classes),
        ece: detection::ece(&confidence, &correct, ECE_BINS),
    })
}

/// What each true class is taken for, a row for each.
fn confusion(predicted: &[usize], truth: &[usize], classes: usize) -> Vec<Vec<f64>> {
    let row = |class| {
        let own = predicted.iter().zip(truth).filter(|&(_, &t)| t == class);
        taken_for(&own.map(|(&p, _)| p).collect::<Vec<_>>(), classes)
    };
    match classes {
        0..=MOST_LISTED => (0..classes).map(row).collect(),
        _ => Vec::new(),
    }
}

/// The share of each class among the answers.
fn taken_for(predicted: &[usize], classes: usize) -> Vec<f64> {
    let of = |class| share(&predicted.iter().map(|&p| p == class).collect::<Vec<_>>());
    match classes {
        0..=MOST_LISTED => (0..classes).map(of).collect(),
        _ => Vec::new(),
    }
}

/// The share flagged overall and by group: the "accuracy" if flagged images count as correct.
fn flag_rates(flags: &[bool], truth: &[usize], groups: &[ClassGroup]) -> detection::GroupAccuracy {
    let counted: Vec<usize> = flags
        .iter()
        .zip(truth)
        .map(|(&flag, &class)| if flag { class } else { usize::MAX })
        .collect();
    detection::group_accuracy(&counted, truth, groups)
}

fn score_figures(
    scores: &[Arc<dyn Score>],
    (id_name, id_scores): (&str, &[Vec<f32>]),
    ood: &SetOutputs,
) -> Result<Vec<ScoreFigures>, EvaluationError> {
    let figures = |score: ScoreKind, i: &[f32], o: &[f32]| {
        Ok(ScoreFigures {
            score,
            auroc: detection::auroc(i, o)?,
            aupr: detection::aupr(i, o)?,
            fpr95_ood_positive: detection::fpr_at_tpr_ood_positive(i, o, TPR)?,
            fpr95_id_positive: detection::fpr_at_tpr_id_positive(i, o, TPR)?,
        })
    };
    let ood_scores = ood.all_scores(scores);
    let named = |index: usize| {
        let score = scores[index].kind();
        let figures = figures(score, &id_scores[index], &ood_scores[index]);
        figures.map_err(|source| EvaluationError::Detection {
            score: score.name(),
            id: id_name.into(),
            ood: ood.name.clone(),
            source,
        })
    };
    (0..scores.len()).map(named).collect()
}

fn mean(ood: &[OodFigures]) -> Vec<ScoreFigures> {
    let Some(first) = ood.first() else {
        return Vec::new();
    };
    let over = |index: usize, of: fn(&ScoreFigures) -> f64| {
        ood.iter().map(|set| of(&set.scores[index])).sum::<f64>() / ood.len() as f64
    };
    let scores = first.scores.iter().enumerate();
    scores
        .map(|(index, figures)| ScoreFigures {
            score: figures.score,
            auroc: over(index, |f| f.auroc),
            aupr: over(index, |f| f.aupr),
            fpr95_ood_positive: over(index, |f| f.fpr95_ood_positive),
            fpr95_id_positive: over(index, |f| f.fpr95_id_positive),
        })
        .collect()
}

fn thresholds(
    served: ScoreKind,
    calibration: &Calibration,
    scores: &[Arc<dyn Score>],
    set: Option<&SetOutputs>,
) -> Result<Vec<ScoreThreshold>, EvaluationError> {
    let Some(set) = set else {
        return Ok(Vec::new());
    };
    let share = passing_share(calibration);
    let threshold = |(score, on_set): (&Arc<dyn Score>, Vec<f32>)| {
        let score = score.kind();
        let threshold = if score == served {
            calibration.threshold
        } else {
            Calibration::id_positive(&on_set, share)?.threshold
        };
        Ok(ScoreThreshold { score, threshold })
    };
    let pairs = scores.iter().zip(set.all_scores(scores));
    pairs.map(threshold).collect()
}

/// The share of ID images that a score's threshold lets pass, so that its flags compare with the served ones. An
/// OOD-positive target says nothing about ID images: then it is the usual 95 %.
fn passing_share(calibration: &Calibration) -> f64 {
    match calibration.convention {
        Convention::IdPositive => calibration.target_tpr,
        Convention::OodPositive => TPR,
    }
}

fn trust_figures(
    set: &SetOutputs,
    truth: &[usize],
    score: ScoreKind,
    flags: &[bool],
) -> TrustFigures {
    let right: Vec<bool> = set
        .predicted()
        .iter()
        .zip(truth)
        .map(|(p, t)| p == t)
        .collect();
    let unflagged = right.iter().zip(flags).filter(|&(_, &flag)| !flag);
    TrustFigures {
        name: set.name.clone(),
        images: set.count,
        score,
        flagged: share(flags),
        accuracy: share(&right),
        accuracy_unflagged: share(&unflagged.map(|(&right, _)| right).collect::<Vec<_>>()),
    }
}

/// The share of hits; NaN if there are no elements.
pub(crate) fn share(hits: &[bool]) -> f64 {
    hits.iter().filter(|&&hit| hit).count() as f64 / hits.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_of_about_equally_many_images_are_in_no_groups() {
        assert!(is_long_tailed(&[5000, 500, 50]) && is_long_tailed(&[41, 20]));
        assert!(!is_long_tailed(&[50, 50, 40]) && !is_long_tailed(&[40, 20]));
        assert!(!is_long_tailed(&[]));
    }

    #[test]
    fn what_is_taken_for_what_sums_up_to_each_class_and_is_left_out_of_many() {
        let (predicted, truth) = ([0, 0, 1, 2, 0], [0, 0, 0, 1, 1]);
        let found = confusion(&predicted, &truth, 3);
        assert_eq!(found[..2], [[2.0 / 3.0, 1.0 / 3.0, 0.0], [0.5, 0.0, 0.5]]);
        assert!(found[2].iter().all(|share| share.is_nan()));
        assert_eq!(taken_for(&predicted, 3), [0.6, 0.2, 0.2]);
        let many = MOST_LISTED + 1;
        assert!(confusion(&predicted, &truth, many).is_empty());
        assert!(taken_for(&predicted, many).is_empty());
    }

    #[test]
    fn other_scores_get_their_threshold_at_the_share_of_the_served_one() {
        let rows: Vec<f32> = (0..200).map(|i| i as f32 / 100.0).collect();
        let set = SetOutputs {
            name: "set".into(),
            logits: rows.iter().flat_map(|&row| [row, -row]).collect(),
            count: rows.len(),
            classes: 2,
            size: 1,
            labels: vec![None; rows.len()],
            representation: rows,
        };
        let served = ScoreKind::RepresentationNorm;
        let kinds = ScoreKind::ALL.into_iter();
        let all: Vec<_> = kinds.filter_map(ScoreKind::unfitted).collect();
        let of =
            |calibration: &Calibration| thresholds(served, calibration, &all, Some(&set)).unwrap();
        let scores = set.scores(&RepresentationNorm);
        for share in [0.8, 0.9] {
            let calibration = Calibration::id_positive(&scores, share).unwrap();
            for own in of(&calibration) {
                let own_scores = set.scores(&*own.score.unfitted().unwrap());
                let expected = Calibration::id_positive(&own_scores, share).unwrap();
                assert_eq!(own.threshold, expected.threshold, "{:?} {share}", own.score);
            }
        }
        let caught = Calibration::ood_positive(&scores, &scores, 0.5).unwrap();
        assert_eq!(passing_share(&caught), TPR);
    }
}
