//! How the norms of several sets change over training (the paper's Fig. 7c and d): one wide panel, and
//! beside it the sets in the order in which their curves end.

use super::grid::{ABOVE, BELOW, LEFT, RIGHT};
use super::panel::{Axis, Panel, whole_ticks};
use super::style;
use super::svg::{Anchor, Canvas, Stroke, Text};

/// A set's norms.
pub(super) struct NormCurve {
    pub name: String,
    /// Epoch and mean norm.
    pub points: Vec<(f64, f64)>,
    pub stroke: Stroke,
}

/// The height that [`draw`] takes.
pub(super) const HEIGHT: f64 = ABOVE + PANEL + BELOW;
const PANEL: f64 = 230.0;
/// The width that the names take at the right.
const KEY: f64 = 210.0;
const KEY_LINE: f64 = 19.0;
/// A name's part of that width: about 24 letters.
const NAME: f64 = 166.0;

/// How the curve of the set with this number is drawn: no two of the first ten alike.
pub(super) fn stroke(number: usize) -> Stroke {
    const COLOURS: [&str; 5] = [
        style::GREEN,
        style::ORANGE,
        style::SKY,
        style::PURPLE,
        style::INK,
    ];
    let colour = COLOURS[number % COLOURS.len()];
    match number / COLOURS.len() % 2 {
        0 => style::solid(colour),
        _ => style::dashed(colour),
    }
}

/// Draws the curves from `top` down, over the whole `width` of the canvas.
pub(super) fn draw(
    canvas: &mut Canvas,
    (top, width): (f64, f64),
    (x, y): (Axis<'_>, Axis<'_>),
    curves: &[NormCurve],
) {
    let panel = Panel {
        left: LEFT,
        top: top + ABOVE,
        width: width - LEFT - KEY - RIGHT,
        height: PANEL,
        x,
        y,
    };
    panel.frame_with(canvas, "Representation norm", "", &whole_ticks(&panel.x));
    for curve in curves {
        panel.curve(canvas, &curve.points, curve.stroke);
    }
    let last = |curve: &NormCurve| curve.points.last().map_or(0.0, |point| point.1);
    let mut ordered: Vec<_> = curves.iter().collect();
    ordered.sort_by(|a, b| last(b).total_cmp(&last(a)));
    let left = panel.left + panel.width + 22.0;
    for (place, curve) in ordered.into_iter().enumerate() {
        let y = panel.top + 8.0 + place as f64 * KEY_LINE;
        canvas.line((left, y), (left + 24.0, y), curve.stroke);
        let text = Text {
            size: 12.5,
            colour: style::INK,
            bold: false,
            anchor: Anchor::Start,
        };
        canvas.name((left + 31.0, y + 4.5), &curve.name, NAME, text);
    }
}
