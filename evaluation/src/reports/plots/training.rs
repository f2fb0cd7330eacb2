//! Training curves, from a run's `history.json` (the paper's Fig. 7).

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

use super::Plot;
use super::grid::Grid;
use super::norm_curves::{self, NormCurve};
use super::panel::{Axis, whole_ticks};
use super::style;
use super::svg::{Canvas, Stroke};

/// One epoch of `history.json`, as far as the curves need it; what a method does not have is absent.
#[derive(Clone, Debug, Deserialize)]
pub struct Epoch {
    /// 1, 2, ….
    pub epoch: u32,
    /// Classification loss (the logit-adjusted cross-entropy, in nats).
    #[serde(default)]
    pub classification_loss: Option<f64>,
    /// RNA's loss: minus the mean of log(1 + norm of the projected representation).
    #[serde(default)]
    pub norm_loss: Option<f64>,
    /// Share of training images classified correctly, 0..=1.
    #[serde(default)]
    pub accuracy: Option<f64>,
    /// Mean representation norm of the ID half of the batches.
    #[serde(default)]
    pub id_norm: Option<f64>,
    /// Mean representation norm of the auxiliary half.
    #[serde(default)]
    pub auxiliary_norm: Option<f64>,
    /// Mean representation norm of each monitored set after the epoch, in evaluation mode.
    #[serde(default)]
    pub monitored_norms: BTreeMap<String, f64>,
    /// All other fields, of which the parts of other methods' losses (`outlier_loss`) are drawn.
    #[serde(flatten)]
    pub others: BTreeMap<String, Value>,
}

type Curve = (&'static str, Vec<(f64, f64)>, Stroke);
type Series<'a> = &'a dyn Fn(&Epoch) -> Option<f64>;

/// Losses, accuracy and representation norms over the epochs. If sets were monitored, their norms and those of the
/// training images share a wide panel.
pub fn training_curves(title: &str, history: &[Epoch]) -> Plot {
    let over = |of: Series<'_>, scale: f64| -> Vec<(f64, f64)> {
        history
            .iter()
            .filter_map(|e| Some((f64::from(e.epoch), of(e)? * scale)))
            .filter(|point| point.1.is_finite())
            .collect()
    };
    let classification = over(&|e| e.classification_loss, 1.0);
    let norm_loss = over(&|e| e.norm_loss, 1.0);
    let accuracy = over(&|e| e.accuracy, 100.0);
    let (id, auxiliary) = (over(&|e| e.id_norm, 1.0), over(&|e| e.auxiliary_norm, 1.0));
    let sets: BTreeSet<&String> = history
        .iter()
        .flat_map(|e| e.monitored_norms.keys())
        .collect();
    let mut monitored: Vec<_> = sets
        .into_iter()
        .enumerate()
        .map(|(number, name)| NormCurve {
            name: name.clone(),
            points: over(&|e| e.monitored_norms.get(name).copied(), 1.0),
            stroke: norm_curves::stroke(number),
        })
        .collect();
    let parts: BTreeSet<&String> = history.iter().flat_map(|e| e.others.keys()).collect();
    let parts = parts.into_iter().filter(|name| name.ends_with("_loss"));
    let parts: Vec<_> = parts
        .map(|name| {
            let of = |e: &Epoch| e.others.get(name).and_then(Value::as_f64);
            (spelled(name), over(&of, 1.0))
        })
        .collect();
    let mut panels: Vec<(&str, &str, &str, Vec<Curve>)> = vec![
        (
            "Classification loss",
            "cross-entropy (nats)",
            "",
            vec![("", classification, style::solid(style::GREEN))],
        ),
        (
            "RNA loss",
            "\u{2212}mean log(1 + norm)",
            "",
            vec![("", norm_loss, style::solid(style::PURPLE))],
        ),
        (
            "Accuracy on training images",
            "classified correctly",
            " %",
            vec![("", accuracy, style::solid(style::GREEN))],
        ),
    ];
    let norms = [
        ("ID training images", id, style::solid(style::BLUE)),
        (
            "auxiliary images",
            auxiliary,
            style::solid(style::VERMILION),
        ),
    ];
    if monitored.is_empty() {
        panels.push(("Representation norm", "mean norm", "", norms.into()));
    } else {
        monitored.extend(norms.map(|(name, points, stroke)| NormCurve {
            name: name.to_owned(),
            points,
            stroke,
        }));
        monitored.retain(|curve| !curve.points.is_empty());
    }
    for (name, points) in &parts {
        let curve = ("", points.clone(), style::solid(style::PURPLE));
        panels.insert(1, (name, "before weighting", "", vec![curve]));
    }
    let panels: Vec<_> = panels
        .into_iter()
        .filter(|(.., curves)| curves.iter().any(|(_, points, _)| !points.is_empty()))
        .collect();

    let grid = Grid::new(panels.len(), (250.0, 170.0));
    let (width, height) = grid.size();
    let wide = if monitored.is_empty() {
        0.0
    } else {
        norm_curves::HEIGHT
    };
    let mut canvas = Canvas::new(width, height + wide);
    let last = history.iter().map(|e| e.epoch).max().unwrap_or(1);
    let legend: Vec<_> = panels
        .iter()
        .flat_map(|(.., curves)| curves)
        .filter(|(name, points, _)| !name.is_empty() && !points.is_empty())
        .map(|(name, _, stroke)| (*name, *stroke))
        .collect();
    let note = format!("Means over each of {last} training epochs");
    let note = match monitored.is_empty() {
        true => note,
        false => note + "; monitored sets: after each epoch, in evaluation mode",
    };
    style::heading(&mut canvas, title, &note, &legend);
    let epochs = || Axis {
        min: if last > 1 { 1.0 } else { 0.0 },
        max: f64::from(last),
        label: "epoch",
        unit: "",
    };
    for (index, (name, label, unit, curves)) in panels.iter().enumerate() {
        let panel = grid.place(index, epochs(), value_axis(values(curves), label, unit));
        panel.frame_with(&mut canvas, name, "", &whole_ticks(&panel.x));
        for (_, points, stroke) in curves {
            panel.curve(&mut canvas, points, *stroke);
        }
    }
    if !monitored.is_empty() {
        let points = monitored.iter().flat_map(|curve| &curve.points);
        let norm = value_axis(points.map(|point| point.1), "mean norm", "");
        norm_curves::draw(&mut canvas, (height, width), (epochs(), norm), &monitored);
    }
    Plot {
        svg: canvas.finish(title),
    }
}

fn values(curves: &[Curve]) -> impl Iterator<Item = f64> + Clone {
    let points = curves.iter().flat_map(|(_, points, _)| points);
    points.map(|point| point.1)
}

/// An axis from 0, if all values are positive, to a little above the highest.
fn value_axis<'a>(
    values: impl Iterator<Item = f64> + Clone,
    label: &'a str,
    unit: &'a str,
) -> Axis<'a> {
    let (low, high) = (
        values.clone().fold(f64::INFINITY, f64::min),
        values.fold(f64::NEG_INFINITY, f64::max),
    );
    let margin = ((high - low) * 0.06).max(1e-9);
    Axis {
        min: if low >= 0.0 { 0.0 } else { low - margin },
        max: if unit == " %" { 100.0 } else { high + margin },
        label,
        unit,
    }
}

/// A field's name as people write it: "Outlier loss" for `outlier_loss`.
fn spelled(name: &str) -> String {
    let words = name.replace('_', " ");
    let mut letters = words.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_any_method_s_loss_are_drawn_and_nothing_else_of_the_history() {
        let history: Vec<Epoch> = serde_json::from_value(serde_json::json!([
            {"epoch": 1, "loss": 3.0, "classification_loss": 2.0, "outlier_loss": 2.3,
             "accuracy": 0.3, "learning_rate": 0.001, "seconds": 5.0},
            {"epoch": 2, "loss": 2.0, "classification_loss": 1.5, "outlier_loss": 2.2,
             "accuracy": 0.5, "learning_rate": 0.0005, "seconds": 5.0},
        ]))
        .unwrap();
        let plot = training_curves("m", &history);
        for name in [
            "Classification loss",
            "Outlier loss",
            "Accuracy on training images",
        ] {
            assert!(plot.svg().contains(name), "{name}");
        }
        assert!(!plot.svg().contains("RNA loss") && !plot.svg().contains("earning rate"));
    }

    #[test]
    fn monitored_sets_share_a_panel_with_the_training_images() {
        let epoch = |epoch: u32, norm: f64| {
            serde_json::json!({"epoch": epoch, "classification_loss": 2.0, "accuracy": 0.3,
                "id_norm": norm, "auxiliary_norm": 1.0,
                "monitored_norms": {"tail": norm / 2.0, "a set with quite a long name": 0.5}})
        };
        let history = [epoch(1, 3.0), epoch(2, 9.0)].map(|e| serde_json::from_value(e).unwrap());
        let plot = training_curves("m", &history);
        let at = |text: &str| plot.svg().find(text).unwrap_or_else(|| panic!("{text}"));
        // In the order in which the curves end.
        assert!(at("ID training images") < at(">tail<"));
        assert!(at(">tail<") < at("auxiliary images"));
        assert!(at("auxiliary images") < at(">a set with quite a long…<"));
        assert_eq!(plot.svg().matches(">Representation norm<").count(), 1);
    }
}
