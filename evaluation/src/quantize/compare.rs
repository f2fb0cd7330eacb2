use normgate_core::calibration::Calibration;
use normgate_core::detection;
use normgate_core::scores::Score;

use crate::error::EvaluationError;
use crate::evaluate::measure::share;
use crate::outputs::SetOutputs;

/// What is needed to compare the answers of both models.
pub struct Changes<'a> {
    /// The score that each is served with, fp32 first: the same score, fitted to each model if it is a fitted one.
    pub scores: [&'a dyn Score; 2],
    /// The fp32 model's threshold.
    pub old: &'a Calibration,
    /// The int8 model's.
    pub new: &'a Calibration,
    /// The fp32 model's answers to the calibration images: the standard deviation of their scores
    /// is what changes of scores are measured in.
    pub spread_of: &'a SetOutputs,
}

/// One set under both models; shares are 0..=1, fp32 first.
#[derive(Clone, Debug)]
pub struct Row {
    /// The set's name.
    pub name: String,
    /// Its images.
    pub images: usize,
    /// Share of correct answers, for an ID set with labels.
    pub accuracy: Option<[f64; 2]>,
    /// AUROC of an OOD set against the test set.
    pub auroc: Option<[f64; 2]>,
    /// Share flagged, each model by its own threshold.
    pub flagged: [f64; 2],
    /// Share with another label.
    pub labels_differ: f64,
    /// Share flagged by one model only.
    pub flags_differ: f64,
    /// Share with another label or flag.
    pub decisions_differ: f64,
    /// Mean and largest change of the score, in standard deviations of the calibration scores.
    pub score_change: [f64; 2],
}

/// Compares the answers (fp32, int8) to one set; `id` are those to the test set, if this is an OOD set.
pub fn compare(
    changes: &Changes<'_>,
    (fp32, int8): &(SetOutputs, SetOutputs),
    id: Option<&(SetOutputs, SetOutputs)>,
) -> Result<Row, EvaluationError> {
    let [old_score, new_score] = changes.scores;
    let (old_scores, new_scores) = (fp32.scores(old_score), int8.scores(new_score));
    let (old_labels, new_labels) = (fp32.predicted(), int8.predicted());
    let flags = |calibration: &Calibration, scores: &[f32], labels: &[usize]| -> Vec<bool> {
        let pairs = scores.iter().zip(labels);
        pairs
            .map(|(score, label)| calibration.is_ood(*score, *label))
            .collect()
    };
    let old_flags = flags(changes.old, &old_scores, &old_labels);
    let new_flags = flags(changes.new, &new_scores, &new_labels);
    let other_label: Vec<bool> = differ(&old_labels, &new_labels);
    let other_flag: Vec<bool> = differ(&old_flags, &new_flags);
    let either = other_label
        .iter()
        .zip(&other_flag)
        .map(|(label, flag)| label | flag);

    let spread = deviation(&changes.spread_of.scores(old_score));
    let moved = old_scores.iter().zip(&new_scores);
    let moved: Vec<f64> = moved
        .map(|(old, new)| (f64::from(*new) - f64::from(*old)).abs() / spread)
        .collect();
    let accuracy = |answers: &SetOutputs, labels: &[usize]| {
        let truth = answers.truth().ok()?;
        Some(detection::accuracy(labels, &truth))
    };
    let auroc = |id: &SetOutputs, score: &dyn Score, scores: &[f32]| {
        detection::auroc(&id.scores(score), scores).map_err(|source| EvaluationError::Detection {
            score: score.kind().name(),
            id: id.name.clone(),
            ood: fp32.name.clone(),
            source,
        })
    };
    let accuracies = accuracy(fp32, &old_labels).zip(accuracy(int8, &new_labels));
    Ok(Row {
        name: fp32.name.clone(),
        images: fp32.count,
        accuracy: accuracies.map(<[f64; 2]>::from),
        auroc: match id {
            Some((old, new)) => Some([
                auroc(old, old_score, &old_scores)?,
                auroc(new, new_score, &new_scores)?,
            ]),
            None => None,
        },
        flagged: [share(&old_flags), share(&new_flags)],
        labels_differ: share(&other_label),
        flags_differ: share(&other_flag),
        decisions_differ: share(&either.collect::<Vec<_>>()),
        score_change: [
            moved.iter().sum::<f64>() / moved.len() as f64,
            moved.iter().copied().fold(0.0, f64::max),
        ],
    })
}

fn differ<T: PartialEq>(old: &[T], new: &[T]) -> Vec<bool> {
    old.iter().zip(new).map(|(old, new)| old != new).collect()
}

fn deviation(scores: &[f32]) -> f64 {
    let count = scores.len() as f64;
    let mean = scores.iter().copied().map(f64::from).sum::<f64>() / count;
    let squares = scores
        .iter()
        .map(|score| (f64::from(*score) - mean).powi(2));
    (squares.sum::<f64>() / count).sqrt()
}
