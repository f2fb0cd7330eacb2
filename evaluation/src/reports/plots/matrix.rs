//! A matrix of shares, the larger the darker: training method against score (the paper's T4).

use super::Plot;
use super::style;
use super::svg::{Anchor, Canvas, Text};

const NAMES: f64 = 110.0;
const CELL: (f64, f64) = (112.0, 38.0);
/// More names than this, side by side, are too small to read where the plot is shown.
const COLUMNS: usize = 8;

/// A plot of `values`, which has a row for each of `rows`, with a value in percent for each of `columns`, or `None`
/// if it is unknown. A matrix with many columns and fewer rows is turned: its columns are then one below the other.
pub fn matrix(
    title: &str,
    note: &str,
    rows: &[String],
    columns: &[String],
    values: &[Vec<Option<f64>>],
) -> Plot {
    if columns.len() > COLUMNS.max(rows.len()) {
        let column = |index: usize| values.iter().map(move |row| *row.get(index)?);
        let turned: Vec<Vec<_>> = (0..columns.len()).map(|i| column(i).collect()).collect();
        return matrix(title, note, columns, rows, &turned);
    }
    // Without a legend, the names of the columns take its place.
    let top = style::HEADING;
    let width = (NAMES + columns.len() as f64 * CELL.0 + 30.0).max(700.0);
    let mut canvas = Canvas::new(width, top + rows.len() as f64 * CELL.1 + 20.0);
    style::heading(&mut canvas, title, note, &[]);
    let known = || values.iter().flatten().flatten().copied();
    let (low, high) = (
        known().fold(f64::INFINITY, f64::min),
        known().fold(f64::NEG_INFINITY, f64::max),
    );
    let text = |anchor, bold| Text {
        size: 13.0,
        colour: style::INK,
        bold,
        anchor,
    };
    for (column, name) in columns.iter().enumerate() {
        let x = NAMES + 20.0 + (column as f64 + 0.5) * CELL.0;
        canvas.text((x, top - 12.0), name, text(Anchor::Middle, true));
    }
    for (row, (name, values)) in rows.iter().zip(values).enumerate() {
        let y = top + row as f64 * CELL.1;
        let middle = y + CELL.1 / 2.0 + 4.5;
        canvas.text((NAMES + 8.0, middle), name, text(Anchor::End, false));
        for (column, value) in values.iter().enumerate() {
            let x = NAMES + 20.0 + column as f64 * CELL.0;
            let shown = match value {
                Some(value) => {
                    let share = (value - low) / (high - low).max(1e-9);
                    let size = (CELL.0 - 3.0, CELL.1 - 3.0);
                    canvas.bar((x, y), size.0, size.1, style::BLUE, 0.06 + 0.6 * share);
                    format!("{value:.2}")
                }
                None => "–".into(),
            };
            canvas.text(
                (x + CELL.0 / 2.0, middle),
                &shown,
                text(Anchor::Middle, false),
            );
        }
    }
    Plot {
        svg: canvas.finish(title),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_is_the_darkest_and_what_is_unknown_has_no_cell() {
        let names = ["a".to_owned(), "b".to_owned()];
        let values = [vec![Some(50.0), Some(90.0)], vec![None, Some(70.0)]];
        let plot = matrix("m", "", &names, &names, &values);
        assert_eq!(plot.svg().matches("<polygon").count(), 3);
        assert!(plot.svg().contains(r#"fill-opacity="0.66""#));
        assert!(plot.svg().contains(">–<") && plot.svg().contains(">90.00<"));
    }

    #[test]
    fn many_columns_stand_one_below_another() {
        let names = |count: usize| -> Vec<String> { (0..count).map(|i| format!("n{i}")).collect() };
        let (rows, columns) = (names(2), names(9));
        let row = |of: f64| (0..9).map(|i| Some(of + f64::from(i))).collect();
        let plot = matrix("m", "", &rows, &columns, &[row(10.0), row(50.0)]);
        let turned = (0..9).map(|i| [10.0, 50.0].map(|of| Some(of + f64::from(i))).to_vec());
        let turned: Vec<_> = turned.collect();
        assert_eq!(plot.svg(), matrix("m", "", &columns, &rows, &turned).svg());
    }
}
