//! Bars for each set: how large its representations are, and how many of their entries are above
//! zero (the paper's Fig. 2(b)).

use super::Plot;
use super::fit;
use super::style;
use super::svg::{Anchor, Canvas, Text};

/// A set's bars.
pub struct SetBars {
    /// Its name.
    pub name: String,
    /// Whether it shows the model's own classes.
    pub is_id: bool,
    /// Mean share of the entries above zero, 0..=1.
    pub active: f64,
    /// Mean L2 norm.
    pub norm: f64,
    /// Share flagged as OOD, 0..=1.
    pub flagged: f64,
}

/// What a column shows about a set.
type Value = fn(&SetBars) -> f64;

const ROW: f64 = 30.0;
const BAR: f64 = 18.0;
/// The width of the names, unless they are long.
const NAMES: f64 = 170.0;
const COLUMN: f64 = 250.0;
/// Space to the right of a full bar, for its number.
const NUMBER: f64 = 62.0;

/// Three columns of bars: active entries, mean norm, share flagged.
pub fn set_bars(title: &str, sets: &[SetBars]) -> Plot {
    let columns: [(&str, Value, &str); 3] = [
        ("Active entries", |set| 100.0 * set.active, " %"),
        ("Mean norm", |set| set.norm, ""),
        ("Flagged as OOD", |set| 100.0 * set.flagged, " %"),
    ];
    let top = style::HEADING + 26.0;
    let named = sets.iter().map(|set| set.name.as_str());
    let names = fit::column(named, style::tick(Anchor::End).size, NAMES);
    let width = names + columns.len() as f64 * COLUMN + 20.0;
    let mut canvas = Canvas::new(width, top + sets.len() as f64 * ROW + 16.0);
    let legend = [
        ("in distribution", style::solid(style::BLUE)),
        ("out of distribution", style::solid(style::VERMILION)),
    ];
    let note = "Means over each set's images: entries of the representation above zero, its L2 \
                norm, and the flags as served";
    style::heading(&mut canvas, title, note, &legend);
    for (index, set) in sets.iter().enumerate() {
        let y = top + index as f64 * ROW + BAR * 0.75;
        let tick = style::tick(Anchor::End);
        canvas.name((names - 10.0, y), &set.name, names - 14.0, tick);
    }
    for (column, (name, value, unit)) in columns.into_iter().enumerate() {
        let left = names + column as f64 * COLUMN;
        let heading = Text {
            anchor: Anchor::Start,
            bold: true,
            size: 13.0,
            colour: style::INK,
        };
        canvas.text((left, top - 12.0), name, heading);
        let full = match unit {
            " %" => 100.0,
            _ => sets.iter().map(value).fold(1e-9, f64::max),
        };
        for (index, set) in sets.iter().enumerate() {
            let y = top + index as f64 * ROW;
            let length = (value(set) / full).clamp(0.0, 1.0) * (COLUMN - NUMBER - 14.0);
            let colour = if set.is_id {
                style::BLUE
            } else {
                style::VERMILION
            };
            canvas.bar((left, y), length.max(0.5), BAR, colour, 0.75);
            let text = format!("{:.1}{unit}", value(set));
            canvas.text(
                (left + length + 6.0, y + BAR * 0.75),
                &text,
                style::tick(Anchor::Start),
            );
        }
    }
    Plot {
        svg: canvas.finish(title),
    }
}
