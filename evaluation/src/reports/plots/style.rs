//! What all plots share: the colours (Okabe and Ito's palette, told apart by colour-blind readers
//! too), the sizes of text, the title and the legend.

use super::svg::{Anchor, Canvas, Stroke, Text};

pub(super) const INK: &str = "#1f2328";
pub(super) const GREY: &str = "#59636e";
pub(super) const BLUE: &str = "#0072b2";
pub(super) const VERMILION: &str = "#d55e00";
pub(super) const GREEN: &str = "#009e73";
pub(super) const PURPLE: &str = "#cc79a7";
pub(super) const ORANGE: &str = "#e69f00";
pub(super) const SKY: &str = "#56b4e9";

pub(super) const GRID: Stroke = Stroke {
    colour: "#e4e8ec",
    width: 1.0,
    dashed: false,
};
pub(super) const AXIS: Stroke = Stroke {
    colour: GREY,
    width: 1.0,
    dashed: false,
};

pub(super) fn solid(colour: &'static str) -> Stroke {
    Stroke {
        colour,
        width: 2.0,
        dashed: false,
    }
}

pub(super) fn dashed(colour: &'static str) -> Stroke {
    Stroke {
        colour,
        width: 1.5,
        dashed: true,
    }
}

pub(super) fn tick(anchor: Anchor) -> Text {
    Text {
        size: 12.0,
        colour: GREY,
        bold: false,
        anchor,
    }
}

pub(super) fn label() -> Text {
    Text {
        size: 12.0,
        colour: INK,
        bold: false,
        anchor: Anchor::Middle,
    }
}

/// The name, cut where it has more than `most` letters.
pub(super) fn shortened(name: &str, most: usize) -> String {
    match name.chars().count() <= most {
        true => name.to_owned(),
        false => name.chars().take(most - 1).chain(['…']).collect(),
    }
}

/// The space that [`heading`] takes at the top.
pub(super) const HEADING: f64 = 92.0;

/// The picture's title, a line of explanation, and the legend below them.
pub(super) fn heading(canvas: &mut Canvas, title: &str, note: &str, legend: &[(&str, Stroke)]) {
    let large = Text {
        size: 18.0,
        colour: INK,
        bold: true,
        anchor: Anchor::Start,
    };
    canvas.text((20.0, 30.0), title, large);
    canvas.text((20.0, 50.0), note, tick(Anchor::Start));
    let mut x = 20.0;
    for (name, stroke) in legend {
        canvas.line((x, 71.0), (x + 24.0, 71.0), *stroke);
        let style = Text {
            size: 12.5,
            colour: INK,
            bold: false,
            anchor: Anchor::Start,
        };
        canvas.text((x + 31.0, 75.5), name, style);
        // No text is measured here: 7 pixels a character is a little more than the font needs.
        x += 31.0 + name.chars().count() as f64 * 7.0 + 20.0;
    }
}
