//! ROC curves: every score, one panel for each OOD set.

use normgate_core::scores::ScoreKind;

use super::Plot;
use super::grid::Grid;
use super::panel::Axis;
use super::style;
use super::svg::{Canvas, Stroke};

/// One OOD set's panel.
pub struct RocPanel<'a> {
    /// The set's name.
    pub name: &'a str,
    /// Text at the right above the panel.
    pub remark: String,
    /// For each score, in the order of the names given to [`roc_curves`]: points (share of ID
    /// images flagged, share of OOD images flagged), each in 0..=1.
    pub curves: Vec<Vec<(f64, f64)>>,
}

/// Points in a curve, no more than a reader can see: an OOD set of 10,000 would make the SVG huge.
const POINTS: usize = 400;
const CHANCE: Stroke = Stroke {
    colour: "#b4bcc5",
    ..style::GRID
};

/// One panel for each OOD set, with the curve of each of `scores`, which are all or some of the `in_all` scores; OOD
/// is the positive class.
pub fn roc_curves(title: &str, scores: &[&str], in_all: usize, sets: &[RocPanel<'_>]) -> Plot {
    let grid = Grid::new(sets.len(), (230.0, 230.0));
    let (width, height) = grid.size();
    let mut canvas = Canvas::new(width, height);
    let mut strokes =
        [style::BLUE, style::VERMILION, style::GREEN, style::PURPLE].map(style::solid);
    // Energy and max-logit mostly coincide: between the dashes, the curve beneath shows.
    for (stroke, score) in strokes.iter_mut().zip(scores) {
        stroke.dashed = *score == ScoreKind::Energy.title();
    }
    let mut legend: Vec<_> = scores.iter().copied().zip(strokes).collect();
    legend.push(("95 % of OOD flagged", style::dashed(style::GREY)));
    legend.push(("chance", CHANCE));
    let mut note = "OOD images flagged (up) at the price of ID images flagged (right)".to_owned();
    if scores.len() < in_all {
        let drawn = scores.len();
        note += &format!("; {drawn} of the {in_all} scores, all are in the table");
    }
    style::heading(&mut canvas, title, &note, &legend);

    for (index, set) in sets.iter().enumerate() {
        let (x, y) = (percent("ID images flagged"), percent("OOD images flagged"));
        let panel = grid.place(index, x, y);
        panel.frame(&mut canvas, set.name, &set.remark);
        panel.curve(&mut canvas, &[(0.0, 0.0), (100.0, 100.0)], CHANCE);
        let level = [(0.0, 95.0), (100.0, 95.0)];
        panel.curve(&mut canvas, &level, style::dashed(style::GREY));
        // The first score is drawn last, so it is on top.
        for (curve, stroke) in set.curves.iter().zip(strokes).rev() {
            let points: Vec<_> = thin(curve)
                .into_iter()
                .map(|(x, y)| (100.0 * x, 100.0 * y))
                .collect();
            panel.curve(&mut canvas, &points, stroke);
        }
    }
    Plot {
        svg: canvas.finish(title),
    }
}

fn percent(label: &str) -> Axis<'_> {
    Axis {
        min: 0.0,
        max: 100.0,
        label,
        unit: " %",
    }
}

/// At most about [`POINTS`] points, evenly spaced along the curve, both ends among them.
fn thin(curve: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let step = 2.0 / POINTS as f64;
    let mut kept: Vec<(f64, f64)> = Vec::new();
    for (index, &point) in curve.iter().enumerate() {
        let far = kept
            .last()
            .is_none_or(|last| (point.0 - last.0) + (point.1 - last.1) >= step);
        if far || index + 1 == curve.len() {
            kept.push(point);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_without_a_curve_are_counted_in_the_note() {
        let note = |in_all| {
            let plot = roc_curves("m", &["RN", "MSP"], in_all, &[]);
            plot.svg()
                .contains("2 of the 5 scores, all are in the table")
        };
        assert!(note(5) && !note(2));
    }

    #[test]
    fn a_long_curve_is_thinned_and_keeps_its_ends() {
        let curve: Vec<_> = (0..=10_000)
            .map(|i| f64::from(i) / 1e4)
            .map(|x| (x, x))
            .collect();
        let thinned = thin(&curve);
        assert!(thinned.len() <= POINTS + 2, "{}", thinned.len());
        assert_eq!(
            (thinned[0], thinned[thinned.len() - 1]),
            ((0.0, 0.0), (1.0, 1.0))
        );
    }
}
