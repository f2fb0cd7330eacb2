//! Whether the rows of a table can be told apart: a set's name is all that a row says about it.

use crate::datasets::SetSpec;
use crate::error::EvaluationError;

/// A set with a row of its own, or several with one.
struct Row {
    option: &'static str,
    name: String,
    given: String,
}

/// Checks that sets with a row of their own each have different names.
///
/// # Errors
/// [`EvaluationError::SameName`] with the first two that do not, and `option`, which names them.
pub fn told_apart(option: &'static str, specs: &[SetSpec]) -> Result<(), EvaluationError> {
    all_differ(&rows(option, specs))
}

/// As [`told_apart`], for a table in which all sets of the first option are one row.
///
/// # Errors
/// [`EvaluationError::SameName`] with the first two rows that have the same name, and the option of the second.
pub(crate) fn told_apart_in_one_table(
    (option, joined): (&'static str, &[SetSpec]),
    others: &[(&'static str, &[SetSpec])],
) -> Result<(), EvaluationError> {
    let each = |of: &dyn Fn(&SetSpec) -> String| joined.iter().map(of).collect::<Vec<_>>();
    let first = Row {
        option,
        // As joined sets are called.
        name: each(&SetSpec::name).join("+"),
        given: each(&SetSpec::to_string).join(","),
    };
    let others = others
        .iter()
        .flat_map(|(option, specs)| rows(option, specs));
    all_differ(&std::iter::once(first).chain(others).collect::<Vec<_>>())
}

fn rows(option: &'static str, specs: &[SetSpec]) -> Vec<Row> {
    let row = |spec: &SetSpec| Row {
        option,
        name: spec.name(),
        given: spec.to_string(),
    };
    specs.iter().map(row).collect()
}

fn all_differ(rows: &[Row]) -> Result<(), EvaluationError> {
    for (index, row) in rows.iter().enumerate() {
        let mut before = rows[..index].iter();
        if let Some(first) = before.find(|first| first.name == row.name) {
            return Err(EvaluationError::SameName {
                option: row.option,
                name: row.name.clone(),
                first: first.given.clone(),
                second: row.given.clone(),
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn specs(sets: &[&str]) -> Vec<SetSpec> {
        sets.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn checked(sets: &[&str]) -> Result<(), EvaluationError> {
        told_apart("--ood", &specs(sets))
    }

    #[test]
    fn two_sets_of_one_name_are_refused_and_the_way_out_is_named() {
        let error = checked(&["a/test", "c/other", "b/test/"])
            .unwrap_err()
            .to_string();
        assert!(error.contains("a/test and b/test/"), "{error}");
        assert!(error.contains("NAME=PATH"), "{error}");
        assert!(checked(&["a/test", "b=b/test"]).is_ok());
    }

    #[test]
    fn sets_of_one_name_under_two_options_are_refused_if_they_are_in_one_table() {
        let checked = |id: &[&str], shifted: &[&str], ood: &[&str]| {
            let [id, shifted, ood] = [id, shifted, ood].map(specs);
            let others = [("--shifted-id", &*shifted), ("--ood", &*ood)];
            told_apart_in_one_table(("--id", &id), &others).map_err(|error| error.to_string())
        };
        for (id, shifted, ood, expected) in [
            (
                &["a/test"][..],
                "b/test",
                "c",
                "a/test and b/test are both called \"test\": give --shifted-id names",
            ),
            (
                &["a/test"],
                "b",
                "c/test",
                "a/test and c/test are both called \"test\": give --ood names",
            ),
            (
                &["a"],
                "b/test",
                "c/test",
                "b/test and c/test are both called \"test\": give --ood names",
            ),
            (
                &["a", "b"],
                "a+b",
                "c",
                "a,b and a+b are both called \"a+b\"",
            ),
        ] {
            let error = checked(id, &[shifted], &[ood]).unwrap_err();
            assert!(error.starts_with(expected), "{error}");
        }
        // These two have one row, which is called a+b.
        assert_eq!(checked(&["a", "b"], &["x/a"], &["x/b"]), Ok(()));
        assert_eq!(
            checked(&["a/test"], &["more=b/test"], &["other=c/test"]),
            Ok(())
        );
    }
}
