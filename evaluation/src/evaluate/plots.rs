use std::sync::Arc;

use normgate_core::calibration::Calibration;
use normgate_core::detection;
use normgate_core::model::Model;
use normgate_core::scores::{RepresentationNorm, Score, ScoreKind};

use super::figures::{Figures, ScoreFigures};
use super::measure::Answers;
use crate::error::EvaluationError;
use crate::outputs::SetOutputs;
use crate::reports::NamedPlot;
use crate::reports::plots::{NormPanel, RocPanel, norm_histograms, roc_curves};

/// A plot with more curves than this cannot be read.
const MOST_CURVES: usize = 4;

/// The scores whose curves are drawn: the first ones, and the served one.
fn drawn(scores: &[Arc<dyn Score>], served: ScoreKind) -> Vec<Arc<dyn Score>> {
    let (own, others): (Vec<_>, Vec<_>) = scores
        .iter()
        .cloned()
        .partition(|score| score.kind() == served);
    let most = MOST_CURVES - own.len().min(1);
    let mut drawn: Vec<_> = others.into_iter().take(most).chain(own).collect();
    drawn.sort_by_key(|score| score.kind() as usize);
    drawn
}

/// The histograms of the norms and the ROC curves; none if there is no OOD set.
pub(super) fn detection_plots(
    model: &Model,
    scores: &[Arc<dyn Score>],
    figures: &Figures,
    answers: &Answers,
) -> Result<Vec<NamedPlot>, EvaluationError> {
    let manifest = model.manifest();
    if answers.ood.is_empty() {
        return Ok(Vec::new());
    }
    let norms = |set: &SetOutputs| -> Vec<f32> {
        let scores = set.scores(&RepresentationNorm);
        scores.into_iter().map(|score| -score).collect()
    };
    // Empty if the score was not asked for.
    let auroc = |set: usize, prefix: &str| {
        let norm = |f: &&ScoreFigures| f.score == ScoreKind::RepresentationNorm;
        let found = figures.ood[set].scores.iter().find(norm);
        found.map_or(String::new(), |f| {
            format!("{prefix}AUROC {:.1} %", 100.0 * f.auroc)
        })
    };
    let ood_norms: Vec<_> = answers.ood.iter().map(norms).collect();
    let sets = answers.ood.iter().enumerate();
    let panels: Vec<_> = sets
        .clone()
        .map(|(index, set)| NormPanel {
            name: &set.name,
            norms: &ood_norms[index],
            remark: auroc(index, ""),
        })
        .collect();
    let served_with_norm = manifest.score == ScoreKind::RepresentationNorm;
    // One line would say nothing about an image whose predicted class has a threshold of its own.
    let decides = |it: &&Calibration| served_with_norm && it.per_class.is_none();
    let threshold = manifest.calibration.as_ref().filter(decides);
    let histograms = norm_histograms(
        &format!("Representation norms of {}", model.title()),
        (&answers.id.name, &norms(&answers.id)),
        &panels,
        threshold.map(|calibration| -calibration.threshold),
    );

    let drawn = drawn(scores, manifest.score);
    let id = answers.id.all_scores(&drawn);
    let curves = |ood: &SetOutputs| {
        let of_ood = ood.all_scores(&drawn);
        let curve = |index: usize| {
            let curve = detection::roc(&id[index], &of_ood[index]);
            curve.map_err(|source| EvaluationError::Detection {
                score: drawn[index].kind().name(),
                id: answers.id.name.clone(),
                ood: ood.name.clone(),
                source,
            })
        };
        let curves = (0..drawn.len()).map(curve);
        curves.collect::<Result<Vec<_>, _>>()
    };
    let mut rocs = Vec::new();
    for (index, set) in sets {
        rocs.push(RocPanel {
            name: &set.name,
            remark: auroc(index, "RN "),
            curves: curves(set)?,
        });
    }
    let names: Vec<&str> = drawn.iter().map(|score| score.kind().title()).collect();
    let title = format!("ROC of {}, ID: {}", model.title(), answers.id.name);
    Ok(vec![
        NamedPlot {
            file: "norms",
            caption: "Representation norms",
            plot: histograms,
        },
        NamedPlot {
            file: "roc",
            caption: "ROC curves",
            plot: roc_curves(&title, &names, scores.len(), &rocs),
        },
    ])
}
