//! What is taken for what: a row for each class of the ID test set, for each class of a set from another source, and
//! for each OOD set, and a column for each answer. It shows which classes are confused, and what OOD images are
//! called.

use super::Plot;
use super::fit;
use super::style;
use super::svg::{Anchor, Canvas, Text};

/// The width of the names, unless they are long.
const NAMES: f64 = 150.0;
const CELL: (f64, f64) = (64.0, 26.0);
/// Space between the model's own classes and the sets below them.
const GAP: f64 = 16.0;
/// If a name does not fit above its column, all are turned by this angle.
const DEGREES: f64 = 40.0;
/// The length of a turned name, at most: about 20 letters.
const HEAD: f64 = 140.0;

/// A plot of what is taken for what. `classes` has a row for each of `labels`, with the share (0..=1) taken for each
/// label. So has each set of `shifted`, with its name above; each of the `foreign` (OOD) sets has a name and one such
/// row. Rows of NaN, for which there are no images, stay empty; in `shifted` they are left out.
pub fn taken_for(
    title: &str,
    labels: &[String],
    classes: &[Vec<f64>],
    shifted: &[(&str, &[Vec<f64>])],
    foreign: &[(&str, &[f64])],
) -> Plot {
    let head = Text {
        bold: true,
        ..style::label()
    };
    let widest = labels.iter().map(|label| fit::width(label, head.size));
    let widest = widest.fold(0.0, f64::max).min(HEAD);
    let is_turned = widest > CELL.0 - 4.0;
    // The space that turned names need above the cells and, for the last name, beside them.
    let (sine, cosine) = DEGREES.to_radians().sin_cos();
    let above = if is_turned { widest * sine } else { 0.0 };
    let beside = (widest * cosine - CELL.0 / 2.0).max(30.0);
    let tick = style::tick(Anchor::End);
    let named = labels.iter().map(String::as_str);
    let named = named.chain(shifted.iter().map(|&(name, _)| name));
    let named = named.chain(foreign.iter().map(|&(name, _)| name));
    let names = fit::column(named, tick.size, NAMES);
    let top = style::HEADING + 26.0 + above.ceil();
    let (rows, height) = rows(labels, classes, shifted, foreign);
    let width = (names + labels.len() as f64 * CELL.0 + beside.ceil()).max(700.0);
    let mut canvas = Canvas::new(width, top + height + 20.0);
    let legend = [
        ("correct", style::solid(style::BLUE)),
        ("wrong, or an OOD image", style::solid(style::VERMILION)),
    ];
    let note = "% of a row's images that get a column's answer, flagged or not";
    style::heading(&mut canvas, title, note, &legend);
    for (column, label) in labels.iter().enumerate() {
        let at = (names + (column as f64 + 0.5) * CELL.0, top - 10.0);
        if is_turned {
            let head = Text {
                anchor: Anchor::Start,
                ..head
            };
            canvas.slanted_name(at, label, (HEAD, DEGREES), head);
        } else {
            canvas.text(at, label, head);
        }
    }
    for row in rows {
        let y = top + row.y;
        let middle = y + CELL.1 / 2.0 + 4.0;
        let bold = row.shares.is_empty();
        let name = Text { bold, ..tick };
        canvas.name((names - 10.0, middle), row.name, names - 14.0, name);
        for (column, &share) in row.shares.iter().enumerate() {
            // Hundreds of zeros would hide what matters.
            if share.is_nan() || share <= 0.005 {
                continue;
            }
            let x = names + column as f64 * CELL.0;
            let colour = match row.right == Some(column) {
                true => style::BLUE,
                false => style::VERMILION,
            };
            let size = (CELL.0 - 3.0, CELL.1 - 3.0);
            canvas.bar(
                (x + 1.5, y + 1.5),
                size.0,
                size.1,
                colour,
                0.06 + 0.6 * share,
            );
            let number = format!("{:.0}", 100.0 * share);
            canvas.text((x + CELL.0 / 2.0, middle), &number, style::label());
        }
    }
    Plot {
        svg: canvas.finish(title),
    }
}

/// A row, or, without shares, the name of the set that the rows below it belong to.
struct Row<'a> {
    name: &'a str,
    shares: &'a [f64],
    /// The column of the correct answer.
    right: Option<usize>,
    y: f64,
}

/// All rows, and how high they are together.
fn rows<'a>(
    labels: &'a [String],
    classes: &'a [Vec<f64>],
    shifted: &[(&'a str, &'a [Vec<f64>])],
    foreign: &[(&'a str, &'a [f64])],
) -> (Vec<Row<'a>>, f64) {
    let (mut rows, mut y) = (Vec::new(), 0.0);
    let mut add = |name, shares, right, gap| {
        y += gap;
        rows.push(Row {
            name,
            shares,
            right,
            y,
        });
        y += CELL.1;
    };
    for (class, (label, shares)) in labels.iter().zip(classes).enumerate() {
        add(label.as_str(), shares.as_slice(), Some(class), 0.0);
    }
    for &(name, classes) in shifted {
        add(name, &[], None, GAP);
        for (class, (label, shares)) in labels.iter().zip(classes).enumerate() {
            if shares.iter().all(|share| !share.is_nan()) {
                add(label, shares, Some(class), 0.0);
            }
        }
    }
    for (index, &(name, shares)) in foreign.iter().enumerate() {
        add(name, shares, None, if index == 0 { GAP } else { 0.0 });
    }
    (rows, y)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn right_answers_and_wrong_ones_have_colours_of_their_own_and_what_never_happens_none() {
        let labels = ["cat".to_owned(), "dog".to_owned()];
        let classes = [vec![0.8, 0.2], vec![f64::NAN; 2]];
        let plot = taken_for("m", &labels, &classes, &[], &[("noise", &[0.0, 1.0])]);
        let cells = |colour| {
            plot.svg()
                .matches(&format!(r#"fill="{colour}" fill-op"#))
                .count()
        };
        assert_eq!((cells(style::BLUE), cells(style::VERMILION)), (1, 2));
        assert!(plot.svg().contains(">80<") && !plot.svg().contains("NaN"));
        assert!(!plot.svg().contains("rotate"));
    }

    #[test]
    fn classes_from_another_source_stand_below_its_name_as_far_as_there_are_images() {
        let labels = ["cat".to_owned(), "dog".to_owned()];
        let classes = [vec![0.8, 0.2], vec![0.3, 0.7]];
        let shifted = [vec![f64::NAN; 2], vec![0.6, 0.4]];
        let plot = taken_for("m", &labels, &classes, &[("phones", &shifted)], &[]);
        let shown = |text: &str| plot.svg().matches(&format!(">{text}<")).count();
        assert_eq!((shown("phones"), shown("40"), shown("60")), (1, 1, 1));
        // Each name once above its column; "dog" has a row in both sets.
        assert_eq!((shown("cat"), shown("dog")), (2, 3));
    }

    #[test]
    fn where_a_name_is_wider_than_its_column_all_are_turned_and_a_very_long_one_is_cut() {
        let labels = ["cat", "automobile", "great white shark, man-eater"].map(String::from);
        let plot = taken_for("m", &labels, &[], &[], &[]);
        assert_eq!(plot.svg().matches("rotate(-40 ").count(), 3);
        assert!(plot.svg().contains(">automobile<"));
        assert!(
            plot.svg()
                .contains("<title>great white shark, man-eater</title>great white shark, m…<")
        );
    }
}
