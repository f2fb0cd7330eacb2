//! The tables of a report, from its figures: the same ones for the terminal and for Markdown.

use normgate_core::calibration::Convention;
use normgate_core::detection::GroupAccuracy;
use normgate_core::manifest::TrainingRecord;

use super::notes;
use super::table::{self, Table, decimals, header, percent};
use super::{ModelRecord, Report};
use crate::evaluate::figures::{Figures, ScoreFigures};

/// A few lines that say which model this is and how it decides.
pub(super) fn introduction(report: &Report) -> Vec<String> {
    let ModelRecord { calibration, .. } = &report.model;
    let counted = match calibration.convention {
        Convention::IdPositive => "of ID images pass",
        Convention::OodPositive => "of OOD images are caught",
    };
    let mut lines = vec![format!(
        "Model {} {} (sha256 {}…), {:.1} MB, ONNX Runtime {}",
        report.model.name,
        report.model.version,
        report.model.sha256.get(..12).unwrap_or_default(),
        report.model.bytes as f64 / 1e6,
        report.onnxruntime,
    )];
    let flagged = format!("Flagged as OOD: {} above", report.model.score.title());
    let kept = format!(
        "{} % {counted} ({} calibration images)",
        decimals(100.0 * calibration.target_tpr).trim_end_matches(".00"),
        calibration.count,
    );
    match calibration.per_class_thresholds {
        None => lines.push(format!(
            "{flagged} {:.4}, so that {kept}",
            calibration.threshold
        )),
        Some([least, most]) => lines.extend([
            format!("{flagged} {least:.4} to {most:.4}, by predicted class"),
            format!("With these thresholds {kept}"),
        ]),
    }
    lines.extend(
        calibration
            .data
            .iter()
            .map(|sets| format!("Calibrated on {sets}")),
    );
    if let Some(training) = &report.model.training {
        let classes = training.class_counts.iter();
        lines.push(format!(
            "Trained with {} for {}, seed {}, on {} images of {} classes ({} to {} a class)",
            training.method,
            table::counted(training.epochs as usize, "epoch"),
            training.seed,
            classes.clone().sum::<u64>(),
            classes.len(),
            classes.clone().max().unwrap_or(&0),
            classes.min().unwrap_or(&0),
        ));
        lines.extend(sets_of(training));
    }
    lines.extend(notes::of(report));
    lines
}

/// What was trained on, if the record says so.
fn sets_of(training: &TrainingRecord) -> Option<String> {
    let sets = training.data.join(" + ");
    let auxiliary = match training.auxiliary.is_empty() {
        true => String::new(),
        false => format!("; auxiliary images: {}", training.auxiliary.join(" + ")),
    };
    (!sets.is_empty()).then(|| format!("Training images: {sets}{auxiliary}"))
}

/// Every table, in the order in which they are read.
pub(super) fn all(figures: &Figures) -> Vec<Table> {
    let mut tables = vec![classification(figures), sets(figures)];
    if !figures.ood.is_empty() {
        tables.push(detection(figures));
    }
    tables.push(trust(figures));
    tables
}

fn classification(figures: &Figures) -> Table {
    let id = &figures.id;
    // Without groups there is nothing to show or to explain.
    let of_groups = [id.accuracy.many, id.accuracy.medium, id.accuracy.few];
    let is_grouped = of_groups.iter().any(|share| share.is_finite());
    let row = |what: &str, groups: &GroupAccuracy| {
        let mut shares = vec![groups.overall];
        if is_grouped {
            shares.extend([groups.many, groups.medium, groups.few]);
        }
        let cells = shares.into_iter().map(percent);
        std::iter::once(what.to_owned()).chain(cells).collect()
    };
    let (explained, heads) = match is_grouped {
        true => (
            " Many, Medium, Few: thirds of the classes by number of training images, and among equal\nnumbers by \
             their order (for 100 and 1,000 classes, the papers' groups).",
            &["", "All", "Many", "Medium", "Few"][..],
        ),
        false => ("", &["", "All"][..]),
    };
    Table {
        title: format!(
            "Classification of {}, {} images",
            id.set.name, id.set.images
        ),
        note: format!("In %.{explained} ECE {}.", percent(id.ece)),
        header: header(heads),
        text_columns: 1,
        rows: vec![
            row("Accuracy", &id.accuracy),
            row("Wrongly flagged as OOD", &id.false_flags),
        ],
    }
}

fn sets(figures: &Figures) -> Table {
    let shifted = figures.shifted.iter().map(|set| (&set.set, "ID, shifted"));
    let ood = figures.ood.iter().map(|set| (&set.set, "OOD"));
    let rows = std::iter::once((&figures.id.set, "ID"));
    let rows = rows.chain(shifted).chain(ood);
    Table {
        title: "Representations and flags".into(),
        note: "Flagged: as the model is served.".into(),
        header: header(&["Set", "", "Images", "Mean norm", "Active %", "Flagged %"]),
        text_columns: 2,
        rows: rows
            .map(|(set, side)| {
                vec![
                    set.name.clone(),
                    side.into(),
                    set.images.to_string(),
                    decimals(set.mean_norm),
                    percent(set.activation_ratio),
                    percent(set.flagged),
                ]
            })
            .collect(),
    }
}

fn detection(figures: &Figures) -> Table {
    let mut rows = Vec::new();
    let mut block = |name: &str, scores: &[ScoreFigures]| {
        for (index, score) in scores.iter().enumerate() {
            rows.push(vec![
                if index == 0 {
                    name.to_owned()
                } else {
                    String::new()
                },
                score.score.title().into(),
                percent(score.auroc),
                percent(score.aupr),
                percent(score.fpr95_ood_positive),
                percent(score.fpr95_id_positive),
            ]);
        }
    };
    for set in &figures.ood {
        block(&set.set.name, &set.scores);
    }
    if figures.ood.len() > 1 {
        block(&format!("mean of {}", figures.ood.len()), &figures.mean);
    }
    Table {
        title: format!("Telling OOD images from {}", figures.id.set.name),
        note: "In %; OOD is the positive class. FPR95 OOD+: ID images flagged when 95 % of OOD images \
               are (as\nin the paper). FPR95 ID+: OOD images that pass when 95 % of ID images do."
            .into(),
        header: header(&[
            "OOD set",
            "Score",
            "AUROC",
            "AUPR",
            "FPR95 OOD+",
            "FPR95 ID+",
        ]),
        text_columns: 2,
        rows,
    }
}

fn trust(figures: &Figures) -> Table {
    let mut last = "";
    let mut rows = Vec::new();
    for row in &figures.trust {
        let first = last != row.name;
        last = &row.name;
        rows.push(vec![
            if first {
                row.name.clone()
            } else {
                String::new()
            },
            row.score.title().into(),
            percent(row.flagged),
            percent(row.accuracy),
            percent(row.accuracy_unflagged),
            match 100.0 * (row.accuracy_unflagged - row.accuracy) {
                gain if gain.is_finite() => format!("{gain:+.2}"),
                _ => "–".into(),
            },
        ]);
    }
    let note = match figures.thresholds.is_empty() {
        true => "In %, on images of the model's own classes, with flags as the model is served.",
        false => {
            "In %, on images of the model's own classes. The served score flags as served, the others \
             above\nthresholds of their own, which let the same share of the calibration images pass \
             (95 % if the\nserved one is OOD-positive)."
        }
    };
    Table {
        title: "What unflagged answers are worth".into(),
        note: note.into(),
        header: header(&[
            "Set",
            "Score",
            "Flagged",
            "Accuracy",
            "If unflagged",
            "Gain",
        ]),
        text_columns: 2,
        rows,
    }
}
