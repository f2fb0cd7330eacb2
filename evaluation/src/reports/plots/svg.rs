//! A small SVG canvas: just what the plots of a report need, written as text.

use std::fmt::Write;

use super::fit;
use crate::reports::table::escape;

/// Where a text's anchor point is in it.
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
    pub width: f64,
    height: f64,
    /// Height that was added above the origin.
    above: f64,
    body: String,
}

impl Canvas {
    pub fn new(width: f64, height: f64) -> Self {
        Self {
            width,
            height,
            above: 0.0,
            body: String::new(),
        }
    }

    /// Makes the drawing higher; its origin stays where it is.
    pub fn make_room_above(&mut self, height: f64) {
        self.above += height;
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
        self.write_text(at, &escape(text), 0.0, style);
    }

    /// A name, cut if it is wider than `room`: it is then shown whole when the mouse rests on it.
    pub fn name(&mut self, at: (f64, f64), name: &str, room: f64, style: Text) {
        self.write_text(at, &cut(name, room, style), 0.0, style);
    }

    /// As [`name`](Self::name), rising to the right.
    pub fn slanted_name(
        &mut self,
        at: (f64, f64),
        name: &str,
        (room, degrees): (f64, f64),
        style: Text,
    ) {
        self.write_text(at, &cut(name, room, style), -degrees, style);
    }

    /// Text that reads upwards, for the label of a y axis.
    pub fn upward_text(&mut self, at: (f64, f64), text: &str, style: Text) {
        self.write_text(at, &escape(text), -90.0, style);
    }

    fn write_text(&mut self, at: (f64, f64), escaped: &str, degrees: f64, style: Text) {
        let turn = match degrees {
            0.0 => String::new(),
            _ => format!(r#" transform="rotate({degrees} {:.1} {:.1})""#, at.0, at.1),
        };
        let anchor = match style.anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let weight = if style.bold { 600 } else { 400 };
        self.push(format_args!(
            r#"<text x="{:.1}" y="{:.1}" font-size="{}" font-weight="{weight}" fill="{}" text-anchor="{anchor}"{turn}>{escaped}</text>"#,
            at.0,
            at.1,
            style.size,
            style.colour,
        ));
    }

    fn push(&mut self, element: std::fmt::Arguments<'_>) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.body, "{element}");
    }

    /// The whole SVG document; a screen reader says its title.
    pub fn finish(self, title: &str) -> String {
        format!(
            concat!(
                r#"<svg xmlns="http://www.w3.org/2000/svg" width="{w}" height="{h}" "#,
                r#"viewBox="0 {y} {w} {h}" font-family="Inter, 'Helvetica Neue', Arial, sans-serif" "#,
                r#"role="img" aria-label="{title}">"#,
                "\n<rect y=\"{y}\" width=\"{w}\" height=\"{h}\" fill=\"#ffffff\"/>\n{body}</svg>\n"
            ),
            y = 0.0 - self.above,
            w = self.width,
            h = self.height + self.above,
            title = escape(title).replace('"', "&quot;"),
            body = self.body,
        )
    }
}

fn cut(name: &str, room: f64, style: Text) -> String {
    match fit::cut(name, style.size, room) {
        None => escape(name),
        Some(cut) => format!("<title>{}</title>{}", escape(name), escape(&cut)),
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

    const STYLE: Text = Text {
        size: 10.0,
        colour: "#000000",
        bold: false,
        anchor: Anchor::Start,
    };

    #[test]
    fn a_set_named_with_markup_does_not_break_the_drawing() {
        let mut canvas = Canvas::new(10.0, 10.0);
        canvas.text((1.0, 1.0), "a <b> & c", STYLE);
        let svg = canvas.finish("of \"<b>\"");
        assert!(svg.contains(">a &lt;b&gt; &amp; c<"));
        assert!(svg.contains(r#"aria-label="of &quot;&lt;b&gt;&quot;""#));
    }

    #[test]
    fn a_name_that_does_not_fit_is_cut_and_says_the_rest_where_the_mouse_rests_on_it() {
        let mut canvas = Canvas::new(10.0, 10.0);
        canvas.name((1.0, 1.0), "cats & dogs", 50.0, STYLE);
        canvas.name((1.0, 1.0), "cat", 40.0, STYLE);
        let svg = canvas.finish("");
        assert!(
            svg.contains("><title>cats &amp; dogs</title>cats &amp;…</text>"),
            "{svg}"
        );
        assert!(svg.contains(">cat</text>"));
    }
}
