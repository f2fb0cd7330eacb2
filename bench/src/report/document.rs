use std::fs;
use std::path::Path;

use normgate_evaluation::reports::table::Table;

use super::{Report, tables};
use crate::error::BenchError;

const END: &str = "<!-- end -->";

/// Updates the tables of a document: what is between `<!-- table: NAME -->` and `<!-- end -->`.
///
/// A report with peers updates `peers-machine`, `peers` and `peers-all`, any other `machine`, `raw`, `servers`,
/// `starts` and `targets`; the rest of the document stays as it is.
///
/// # Errors
/// [`BenchError`] if the document cannot be read or written, or a marker has no end.
pub fn write_tables(report: &Report, path: &Path) -> Result<(), BenchError> {
    let document = fs::read_to_string(path).map_err(BenchError::file(path))?;
    let renewed = renew(&document, &parts(report))
        .map_err(|reason| BenchError::Options(format!("{}: {reason}", path.display())))?;
    fs::write(path, renewed).map_err(BenchError::file(path))
}

fn parts(report: &Report) -> Vec<(&'static str, String)> {
    let machine = tables::machine(report).replace('\n', "  \n");
    let machine = match machine.rsplit_once('\n') {
        Some((facts, command)) => format!("{facts}\n`{command}`\n"),
        None => machine,
    };
    let markdown = |table: Table| table.markdown();
    if tables::has_peers(report) {
        return vec![
            ("peers-machine", machine),
            ("peers", markdown(tables::peers(report))),
            ("peers-all", markdown(tables::servers(report))),
        ];
    }
    vec![
        ("machine", machine),
        ("raw", markdown(tables::raw(report))),
        ("servers", markdown(tables::servers(report))),
        ("starts", markdown(tables::starts(report))),
        ("targets", markdown(tables::targets_table(report))),
    ]
}

/// The document with new tables, or why they cannot be put in.
fn renew(document: &str, parts: &[(&'static str, String)]) -> Result<String, String> {
    let mut document = document.to_owned();
    let marker = |name: &str| format!("<!-- table: {name} -->");
    if !parts
        .iter()
        .any(|(name, _)| document.contains(&marker(name)))
    {
        let markers: Vec<_> = parts.iter().map(|(name, _)| marker(name)).collect();
        return Err(format!(
            "it has no place for a table: add any of the lines {}, each of which begins a table, and \
             {END} after it",
            markers.join(", ")
        ));
    }
    for (name, part) in parts {
        let begin = marker(name);
        let Some(at) = document.find(&begin) else {
            continue;
        };
        let from = at + begin.len();
        let length = document[from..].find(END);
        let length = length.ok_or_else(|| format!("the table `{name}` has no {END}"))?;
        document.replace_range(from..from + length, &format!("\n\n{part}\n"));
    }
    Ok(document)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_between_the_markers_is_renewed_and_nothing_else() {
        let document = "a\n<!-- table: raw -->\nold\n<!-- end -->\nb\n<!-- table: x -->\nkept\n\
            <!-- end -->\n";
        let once = renew(
            document,
            &[("raw", "| new |\n".into()), ("servers", "s".into())],
        );
        let once = once.unwrap();
        let expected = "a\n<!-- table: raw -->\n\n| new |\n\n<!-- end -->\nb\n<!-- table: x -->\n\
            kept\n<!-- end -->\n";
        assert_eq!(once, expected);
        assert_eq!(renew(&once, &[("raw", "| new |\n".into())]).unwrap(), once);
    }

    #[test]
    fn a_marker_without_an_end_is_an_error_that_names_it() {
        let error = renew("<!-- table: raw -->", &[("raw", String::new())]).unwrap_err();
        assert_eq!(error, "the table `raw` has no <!-- end -->");
    }

    #[test]
    fn a_document_without_a_place_for_tables_is_left_alone_and_told_of_the_markers() {
        let error = renew("# Title", &[("raw", String::new())]).unwrap_err();
        assert!(error.contains("<!-- table: raw -->"), "{error}");
    }
}
