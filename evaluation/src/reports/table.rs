//! A table that reads the same in a terminal and in Markdown.

use std::fmt::Write;

/// A table with columns of text at the left and columns of numbers at the right.
pub struct Table {
    /// Above the table; may be empty in Markdown.
    pub title: String,
    /// A line below the title that says what the numbers mean; may be empty.
    pub note: String,
    /// The columns' names.
    pub header: Vec<String>,
    /// How many columns at the left hold text.
    pub text_columns: usize,
    /// A cell for each column.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// The table with its columns aligned by spaces, at most 100 columns wide as long as names are short.
    pub fn terminal(&self) -> String {
        let widths: Vec<usize> = (0..self.header.len())
            .map(|column| {
                let cells = self.rows.iter().filter_map(|row| row.get(column));
                let all = cells.chain(self.header.get(column));
                all.map(|cell| cell.chars().count()).max().unwrap_or(0)
            })
            .collect();
        let line = |cells: &[String]| {
            let aligned = cells.iter().zip(&widths).enumerate();
            let cells: Vec<String> = aligned
                .map(
                    |(column, (cell, &width))| match column < self.text_columns {
                        true => format!("{cell:<width$}"),
                        false => format!("{cell:>width$}"),
                    },
                )
                .collect();
            cells.join("  ").trim_end().to_owned()
        };
        let mut out = format!("{}\n", self.title);
        if !self.note.is_empty() {
            let _ = writeln!(out, "{}", self.note);
        }
        let rule = widths.iter().sum::<usize>() + 2 * widths.len().saturating_sub(1);
        let _ = writeln!(out, "\n  {}\n  {}", line(&self.header), "─".repeat(rule));
        for row in &self.rows {
            let _ = writeln!(out, "  {}", line(row));
        }
        out
    }

    /// The table in Markdown: a heading of the second level unless the title is empty, the note, and a pipe table.
    pub fn markdown(&self) -> String {
        let line = |cells: &[String]| {
            let cells: Vec<_> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
            format!("| {} |\n", cells.join(" | "))
        };
        let mut out = match self.title.is_empty() {
            true => String::new(),
            false => format!("## {}\n\n", self.title),
        };
        if !self.note.is_empty() {
            let _ = writeln!(out, "{}\n", self.note);
        }
        out += &line(&self.header);
        for column in 0..self.header.len() {
            out += if column < self.text_columns {
                "|---"
            } else {
                "|---:"
            };
        }
        out += "|\n";
        for row in &self.rows {
            out += &line(row);
        }
        out
    }

    /// As [`markdown`](Self::markdown), in HTML.
    pub fn html(&self) -> String {
        let line = |cells: &[String], tag: &str| {
            let cell = |(column, cell): (usize, &String)| {
                let class = if column < self.text_columns {
                    ""
                } else {
                    " class=\"n\""
                };
                // An empty cell is no heading.
                let tag = if cell.is_empty() { "td" } else { tag };
                format!("<{tag}{class}>{}</{tag}>", escape(cell))
            };
            let cells: String = cells.iter().enumerate().map(cell).collect();
            format!("<tr>{cells}</tr>\n")
        };
        let mut out = match self.title.is_empty() {
            true => String::new(),
            false => format!("<h2>{}</h2>\n", escape(&self.title)),
        };
        if !self.note.is_empty() {
            let _ = writeln!(out, "<p>{}</p>", escape(&self.note));
        }
        out += "<div class=\"wide\"><table>\n<thead>\n";
        out += &line(&self.header, "th");
        out += "</thead>\n<tbody>\n";
        for row in &self.rows {
            out += &line(row, "td");
        }
        out + "</tbody>\n</table></div>\n"
    }
}

/// The columns' names of a [`Table`].
pub(crate) fn header(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.into()).collect()
}

/// Text that may be put between the tags of HTML and SVG.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// A share as percent with two decimals, as in the paper's tables; "–" if it is not finite.
pub fn percent(share: f64) -> String {
    decimals(100.0 * share)
}

/// Two decimals; "–" if the value is not finite.
pub fn decimals(value: f64) -> String {
    match value.is_finite() {
        true => format!("{value:.2}"),
        false => "–".into(),
    }
}

/// A number of things: `1 epoch`, `2 epochs`.
pub fn counted(count: usize, thing: &str) -> String {
    match count {
        1 => format!("1 {thing}"),
        _ => format!("{count} {thing}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        Table {
            title: "T".into(),
            note: "what".into(),
            header: vec!["set".into(), "n".into()],
            text_columns: 1,
            rows: vec![
                vec!["a|b".into(), "100".into()],
                vec!["c".into(), "7".into()],
            ],
        }
    }

    #[test]
    fn numbers_are_aligned_at_the_right_in_the_terminal() {
        let expected = "T\nwhat\n\n  set    n\n  ────────\n  a|b  100\n  c      7\n";
        assert_eq!(table().terminal(), expected);
    }

    #[test]
    fn a_bar_in_a_name_does_not_split_the_markdown_cell() {
        assert!(table().markdown().contains("|---|---:|\n| a\\|b | 100 |\n"));
    }

    #[test]
    fn a_name_with_markup_does_not_break_the_page() {
        let mut table = table();
        table.rows[0][0] = "<b> & c".into();
        let html = table.html();
        assert!(html.contains("<tr><td>&lt;b&gt; &amp; c</td><td class=\"n\">100</td></tr>"));
    }

    #[test]
    fn a_column_without_a_name_has_no_empty_heading() {
        let mut table = table();
        table.header[0] = String::new();
        assert!(
            table
                .html()
                .contains("<tr><td></td><th class=\"n\">n</th></tr>")
        );
    }

    #[test]
    fn what_cannot_be_said_is_a_dash() {
        assert_eq!(
            (percent(0.9290), percent(f64::NAN)),
            ("92.90".into(), "–".into())
        );
    }
}
