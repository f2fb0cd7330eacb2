//! One set of axes: the ranges, their ticks and labels, and where on the canvas a value is.

use super::fit;
use super::style;
use super::svg::{Anchor, Canvas, Stroke, Text};

/// The range of an axis, what is written beside it, and how its ticks read.
pub(super) struct Axis<'a> {
    pub min: f64,
    pub max: f64,
    pub label: &'a str,
    /// Put after each tick's number ("%").
    pub unit: &'a str,
}

/// A rectangle of the canvas with a coordinate system.
pub(super) struct Panel<'a> {
    pub left: f64,
    pub top: f64,
    pub width: f64,
    pub height: f64,
    pub x: Axis<'a>,
    pub y: Axis<'a>,
}

impl Panel<'_> {
    /// The canvas position of a point; values outside the ranges are drawn on the border.
    pub fn at(&self, x: f64, y: f64) -> (f64, f64) {
        let share = |value: f64, axis: &Axis<'_>| {
            ((value - axis.min) / (axis.max - axis.min)).clamp(0.0, 1.0)
        };
        (
            self.left + share(x, &self.x) * self.width,
            self.top + (1.0 - share(y, &self.y)) * self.height,
        )
    }

    pub fn curve(&self, canvas: &mut Canvas, points: &[(f64, f64)], stroke: Stroke) {
        let points: Vec<_> = points.iter().map(|&(x, y)| self.at(x, y)).collect();
        canvas.polyline(&points, stroke);
    }

    /// Axes, ticks, grid, labels; `title` at the left above, `remark` at the right above.
    pub fn frame(&self, canvas: &mut Canvas, title: &str, remark: &str) {
        let named = |tick: f64| (tick, format!("{}{}", number(tick), self.x.unit));
        let ticks: Vec<_> = ticks(self.x.min, self.x.max, 5)
            .into_iter()
            .map(named)
            .collect();
        self.frame_with(canvas, title, remark, &ticks);
    }

    /// As [`frame`](Self::frame), with other names at places on the x axis.
    pub fn frame_with(
        &self,
        canvas: &mut Canvas,
        title: &str,
        remark: &str,
        x_ticks: &[(f64, String)],
    ) {
        let (bottom, right) = (self.top + self.height, self.left + self.width);
        for tick in ticks(self.y.min, self.y.max, 4) {
            let (_, y) = self.at(self.x.min, tick);
            canvas.line((self.left, y), (right, y), style::GRID);
            let text = format!("{}{}", number(tick), self.y.unit);
            canvas.text((self.left - 7.0, y + 4.0), &text, style::tick(Anchor::End));
        }
        for (tick, name) in x_ticks {
            let (x, _) = self.at(*tick, self.y.min);
            canvas.line((x, bottom), (x, bottom + 4.0), style::AXIS);
            canvas.text((x, bottom + 17.0), name, style::tick(Anchor::Middle));
        }
        canvas.line((self.left, bottom), (right, bottom), style::AXIS);
        let middle = (self.left + self.width / 2.0, bottom + 35.0);
        canvas.text(middle, self.x.label, style::label());
        let beside = (self.left - 50.0, self.top + self.height / 2.0);
        canvas.upward_text(beside, self.y.label, style::label());
        let heading = Text {
            anchor: Anchor::Start,
            bold: true,
            size: 13.0,
            colour: style::INK,
        };
        let beside = style::tick(Anchor::End);
        let taken = match remark {
            "" => 0.0,
            _ => fit::width(remark, beside.size) + 8.0,
        };
        let above = self.top - 10.0;
        canvas.name((self.left, above), title, self.width - taken, heading);
        canvas.text((right, above), remark, beside);
    }
}

/// The whole ones among the round numbers of an axis that counts.
pub(super) fn whole_ticks(axis: &Axis<'_>) -> Vec<(f64, String)> {
    let whole = ticks(axis.min, axis.max, 5).into_iter();
    let whole = whole.filter(|tick| tick.fract() == 0.0);
    whole.map(|tick| (tick, number(tick))).collect()
}

/// Round numbers in `min..=max`, with about `about` steps between the ends.
pub(super) fn ticks(min: f64, max: f64, about: usize) -> Vec<f64> {
    let span = max - min;
    if !span.is_finite() || span <= 0.0 {
        return Vec::new();
    }
    let rough = span / about as f64;
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 2.5, 5.0, 10.0]
        .into_iter()
        .map(|factor| factor * power)
        .find(|&step| step >= rough * 0.999)
        .unwrap_or(10.0 * power);
    let (first, last) = ((min / step - 1e-9).ceil(), (max / step + 1e-9).floor());
    (first as i64..=last as i64)
        .map(|k| k as f64 * step)
        .collect()
}

/// A tick's number without a tail of noise: `0.30000000000000004` reads `0.3`.
pub(super) fn number(value: f64) -> String {
    let text = format!("{value:.6}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" {
        return "0".into();
    }
    text.replace('-', "\u{2212}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_inside_the_range() {
        assert_eq!(ticks(0.0, 100.0, 5), [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]);
        let labels: Vec<_> = ticks(0.0, 0.37, 4).into_iter().map(number).collect();
        assert_eq!(labels, ["0", "0.1", "0.2", "0.3"]);
        assert_eq!(ticks(-3.0, 3.0, 4), [-2.0, 0.0, 2.0]);
    }

    #[test]
    fn an_empty_range_has_no_ticks() {
        assert!(ticks(1.0, 1.0, 4).is_empty());
        assert!(ticks(0.0, f64::NAN, 4).is_empty());
    }
}
