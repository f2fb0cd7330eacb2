//! What all plots share: the colours (Okabe and Ito's palette, which colour-blind readers can tell apart too), the
//! sizes of text, the title and the legend.

use super::fit;
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

/// The size of what [`tick`] describes.
pub(super) const TICK: f64 = 12.0;

pub(super) fn tick(anchor: Anchor) -> Text {
    Text {
        size: TICK,
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

/// The space that [`heading`] takes at the top.
pub(super) const HEADING: f64 = 92.0;

const LEFT: f64 = 20.0;
const LEGEND_LINE: f64 = 19.0;
const LEGEND_SIZE: f64 = 12.5;
/// The width of a legend's stroke and of what is between it and its text.
const KEY: f64 = 31.0;

/// The plot's title, a line of explanation, and the legend below them, on as many lines as it needs.
pub(super) fn heading(canvas: &mut Canvas, title: &str, note: &str, legend: &[(&str, Stroke)]) {
    let right = canvas.width - 10.0;
    let (mut x, mut below) = (LEFT, 0.0);
    let mut places = Vec::new();
    for (name, _) in legend {
        let width = KEY + fit::width(name, LEGEND_SIZE);
        if x > LEFT && x + width > right {
            (x, below) = (LEFT, below + LEGEND_LINE);
        }
        places.push((x, below));
        x += width + 20.0;
    }
    // What is below the heading need not know how many lines the legend has.
    canvas.make_room_above(below);
    let top = -below;
    let large = Text {
        size: 18.0,
        colour: INK,
        bold: true,
        anchor: Anchor::Start,
    };
    canvas.name((LEFT, top + 30.0), title, right - LEFT, large);
    canvas.text((LEFT, top + 50.0), note, tick(Anchor::Start));
    for ((name, stroke), (x, below)) in legend.iter().zip(places) {
        let y = top + below + 71.0;
        canvas.line((x, y), (x + 24.0, y), *stroke);
        let style = Text {
            size: LEGEND_SIZE,
            colour: INK,
            bold: false,
            anchor: Anchor::Start,
        };
        canvas.name((x + KEY, y + 4.5), name, right - x - KEY, style);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_legend_that_would_leave_the_canvas_goes_on_in_a_line_of_its_own() {
        let long = "n".repeat(45);
        let drawn = |names: &[&str]| {
            let mut canvas = Canvas::new(400.0, 100.0);
            let legend: Vec<_> = names.iter().map(|&name| (name, solid(BLUE))).collect();
            heading(&mut canvas, "t", "", &legend);
            canvas.finish("t")
        };
        assert!(drawn(&["a", "b"]).contains(r#"viewBox="0 0 400 100""#));
        let two = drawn(&["a", &long]);
        assert!(
            two.contains(r#"height="119" viewBox="0 -19 400 119""#),
            "{two}"
        );
        assert!(
            two.contains(r#"<text x="51.0" y="56.5""#)
                && two.contains(r#"<text x="51.0" y="75.5""#)
        );
    }
}
