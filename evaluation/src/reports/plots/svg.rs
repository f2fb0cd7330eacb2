//! A small SVG canvas: just what the plots of a report need, written as text.

use std::fmt::Write;

use crate::reports::table::escape;

/// Where a text's anchor point lies in it.
#[derive(Clone, Copy)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// How a text looks.
#[derive(Clone, Copy)]
pub(super) struct Text {
    pub size: f64,
    pub colour: &'static str,
    pub bold: bool,
    pub anchor: Anchor,
}

/// How a line looks.
#[derive(Clone, Copy)]
pub(super) struct Stroke {
    pub colour: &'static str,
    pub width: f64,
    pub dashed: bool,
}

/// A drawing of `width` × `height` pixels on white, origin at the top left.
pub(super) struct Canvas {
    width: f64,
    height: f64,
    body: String,
}

impl Canvas {
    pub fn new(width: f64, height: f64) -> Self {
        Self {
            width,
            height,
            body: String::new(),
        }
    }

    pub fn line(&mut self, from: (f64, f64), to: (f64, f64), stroke: Stroke) {
        self.polyline(&[from, to], stroke);
    }

    pub fn polyline(&mut self, points: &[(f64, f64)], stroke: Stroke) {
        if points.len() < 2 {
            return;
        }
        let dashes = if stroke.dashed {
            r#" stroke-dasharray="5 3""#
        } else {
            ""
        };
        self.push(format_args!(
            r#"<polyline points="{}" fill="none" stroke="{}" stroke-width="{}" stroke-linejoin="round"{dashes}/>"#,
            coordinates(points),
            stroke.colour,
            stroke.width,
        ));
    }

    pub fn polygon(&mut self, points: &[(f64, f64)], colour: &str, opacity: f64) {
        self.push(format_args!(
            r#"<polygon points="{}" fill="{colour}" fill-opacity="{opacity:.2}"/>"#,
            coordinates(points),
        ));
    }

    pub fn circle(&mut self, (x, y): (f64, f64), radius: f64, colour: &str) {
        self.push(format_args!(
            r#"<circle cx="{x:.1}" cy="{y:.1}" r="{radius}" fill="{colour}"/>"#
        ));
    }

    /// A filled rectangle from its top left corner.
    pub fn bar(&mut self, (x, y): (f64, f64), width: f64, height: f64, colour: &str, opacity: f64) {
        let (right, bottom) = (x + width, y + height);
        self.polygon(
            &[(x, y), (right, y), (right, bottom), (x, bottom)],
            colour,
            opacity,
        );
    }

    pub fn text(&mut self, at: (f64, f64), text: &str, style: Text) {
        self.write_text(at, text, style, "");
    }

    /// Text that reads upwards, for the label of a y axis.
    pub fn upward_text(&mut self, at: (f64, f64), text: &str, style: Text) {
        let turn = format!(r#" transform="rotate(-90 {:.1} {:.1})""#, at.0, at.1);
        self.write_text(at, text, style, &turn);
    }

    fn write_text(&mut self, at: (f64, f64), text: &str, style: Text, turn: &str) {
        let anchor = match style.anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let weight = if style.bold { 600 } else { 400 };
        self.push(format_args!(
            r#"<text x="{:.1}" y="{:.1}" font-size="{}" font-weight="{weight}" fill="{}" text-anchor="{anchor}"{turn}>{}</text>"#,
            at.0,
            at.1,
            style.size,
            style.colour,
            escape(text),
        ));
    }

    fn push(&mut self, element: std::fmt::Arguments<'_>) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.body, "{element}");
    }

    /// The whole SVG document.
    pub fn finish(self) -> String {
        let (width, height) = (self.width, self.height);
        format!(
            concat!(
                r#"<svg xmlns="http://www.w3.org/2000/svg" width="{w}" height="{h}" "#,
                r#"viewBox="0 0 {w} {h}" font-family="Inter, 'Helvetica Neue', Arial, sans-serif">"#,
                "\n<rect width=\"{w}\" height=\"{h}\" fill=\"#ffffff\"/>\n{body}</svg>\n"
            ),
            w = width,
            h = height,
            body = self.body,
        )
    }
}

fn coordinates(points: &[(f64, f64)]) -> String {
    let mut out = String::with_capacity(points.len() * 12);
    for (x, y) in points {
        let _ = write!(out, "{x:.1},{y:.1} ");
    }
    out.truncate(out.trim_end().len());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_named_with_markup_does_not_break_the_drawing() {
        let mut canvas = Canvas::new(10.0, 10.0);
        let style = Text {
            size: 10.0,
            colour: "#000000",
            bold: false,
            anchor: Anchor::Start,
        };
        canvas.text((1.0, 1.0), "a <b> & c", style);
        assert!(canvas.finish().contains(">a &lt;b&gt; &amp; c<"));
    }
}
