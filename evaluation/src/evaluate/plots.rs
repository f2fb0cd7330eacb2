//! An evaluation's plots: of norms and ROC curves, and of classes, sets and answers.

use std::sync::Arc;

use normgate_core::calibration::Calibration;
use normgate_core::detection;
use normgate_core::manifest::Manifest;
use normgate_core::model::Model;
use normgate_core::scores::{RepresentationNorm, Score, ScoreKind};

use super::figures::{Figures, ScoreFigures, SetFigures};
use super::measure::{Answers, is_long_tailed};
use crate::error::EvaluationError;
use crate::outputs::SetOutputs;
use crate::reports::NamedPlot;
use crate::reports::plots::{
    ClassPoint, NormPanel, RocPanel, SetBars, class_points, norm_histograms, roc_curves, set_bars,
    taken_for,
};

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

/// A plot of the sets; one of the classes, if the manifest knows how many images each was trained on; and one of the
/// answers, if the classes are few enough to be listed.
pub(super) fn of_figures(manifest: &Manifest, figures: &Figures) -> Vec<NamedPlot> {
    let name = manifest.title();
    let bars = |set: &SetFigures, is_id| SetBars {
        name: set.name.clone(),
        is_id,
        active: set.activation_ratio,
        norm: set.mean_norm,
        flagged: set.flagged,
    };
    let mut sets = vec![bars(&figures.id.set, true)];
    sets.extend(figures.shifted.iter().map(|set| bars(&set.set, true)));
    sets.extend(figures.ood.iter().map(|set| bars(&set.set, false)));
    let mut plots = vec![NamedPlot {
        file: "sets",
        caption: "Representations and flags by set",
        plot: set_bars(&format!("Representations of {name}"), &sets),
    }];
    let training = manifest.training.as_ref();
    if let Some(training) = training.filter(|record| is_long_tailed(&record.class_counts)) {
        let groups = detection::class_groups(&training.class_counts);
        let shares = figures
            .id
            .accuracy_per_class
            .iter()
            .zip(&figures.id.false_flags_per_class);
        let points: Vec<_> = manifest
            .labels
            .iter()
            .zip(training.class_counts.iter().zip(groups))
            .zip(shares)
            .map(
                |((name, (&images, group)), (&accuracy, &flagged))| ClassPoint {
                    name,
                    images,
                    group,
                    accuracy,
                    flagged,
                },
            )
            .collect();
        plots.push(NamedPlot {
            file: "classes",
            caption: "Classes by number of training images",
            plot: class_points(&format!("Classes of {name}"), &points),
        });
    }
    if !figures.id.taken_for.is_empty() {
        let shifted: Vec<_> = figures
            .shifted
            .iter()
            .map(|set| (set.set.name.as_str(), set.taken_for.as_slice()))
            .collect();
        let foreign: Vec<_> = figures
            .ood
            .iter()
            .map(|set| (set.set.name.as_str(), set.taken_for.as_slice()))
            .collect();
        plots.push(NamedPlot {
            file: "taken-for",
            caption: "What is mistaken for what",
            plot: taken_for(
                &format!("Answers of {name}"),
                &manifest.labels,
                &figures.id.taken_for,
                &shifted,
                &foreign,
            ),
        });
    }
    plots
}
