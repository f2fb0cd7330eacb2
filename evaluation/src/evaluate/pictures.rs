//! The plots that need nothing but the figures: of classes, of sets, and of answers.

use normgate_core::detection;
use normgate_core::manifest::Manifest;

use super::figures::{Figures, SetFigures};
use super::measure::is_long_tailed;
use crate::reports::NamedPlot;
use crate::reports::plots::{ClassPoint, SetBars, class_points, set_bars, taken_for};

/// A plot of the sets; one of the classes, if the manifest knows how many images each was trained on; and one of the
/// answers, if the classes are few enough to be listed.
pub(super) fn of_figures(manifest: &Manifest, figures: &Figures) -> Vec<NamedPlot> {
    let name = format!("{} {}", manifest.name, manifest.version);
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
