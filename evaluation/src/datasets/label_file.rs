//! The names of classes from a file, as tools write them.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value};

use super::labels::composed;
use super::{DatasetError, files};

/// What a JSON file may hold, in words.
const FORMS: &str = "it has no class names: JSON may be a list of names, {\"0\": name, …}, \
                     {name: 0, …}, or one of these under id2label, as in Hugging Face's config.json";

/// Reads the names, in the order of the classes. A text file has one name a line, like `batches.meta.txt` and
/// `fine_label_names.txt` (blank lines are passed over); a file called `….json` has what Hugging Face
/// (`config.json`), timm (`label_names`), Keras (`imagenet_class_index.json`) or torchvision (`class_to_idx`) writes.
/// Two classes may have the same name, like ImageNet's two cranes.
pub(crate) fn read(path: &Path) -> Result<Vec<String>, DatasetError> {
    let text = fs::read_to_string(path).map_err(|source| files::io(path, source))?;
    let text = text.trim_start_matches('\u{feff}');
    let is_json = path
        .extension()
        .is_some_and(|name| name.eq_ignore_ascii_case("json"));
    let names = match is_json {
        true => of_json(text),
        false => Ok(of_lines(text)),
    };
    let broken = |reason| DatasetError::BrokenFile {
        path: path.into(),
        reason,
    };
    match names {
        Ok(names) if names.is_empty() => {
            Err(broken("it has no class names: write one a line".into()))
        }
        Ok(names) => Ok(names.iter().map(|name| composed(name)).collect()),
        Err(reason) => Err(broken(reason)),
    }
}

fn of_lines(text: &str) -> Vec<String> {
    let lines = text.lines().map(str::trim);
    lines
        .filter(|line| !line.is_empty())
        .map(String::from)
        .collect()
}

fn of_json(text: &str) -> Result<Vec<String>, String> {
    let value = serde_json::from_str(text).map_err(|error| format!("it is not JSON: {error}"))?;
    of_value(&value)
}

fn of_value(value: &Value) -> Result<Vec<String>, String> {
    let names = match value {
        Value::Array(names) => names
            .iter()
            .map(|name| name.as_str().map(String::from))
            .collect::<Option<Vec<_>>>(),
        Value::Object(map) => {
            // timm's `pretrained_cfg` has them if the model was saved without names of its own.
            let inner = ["id2label", "label_names", "pretrained_cfg"];
            if let Some(inner) = inner.iter().find_map(|key| map.get(*key)) {
                return of_value(inner);
            }
            return in_order(numbered(map).ok_or(FORMS)?);
        }
        _ => None,
    };
    names.ok_or_else(|| FORMS.to_owned())
}

/// Each class's number and name, whichever of the two is the key. Keras has an identifier before the name.
fn numbered(map: &Map<String, Value>) -> Option<Vec<(u64, String)>> {
    map.iter()
        .map(|(key, value)| match value {
            Value::Number(number) => Some((number.as_u64()?, key.clone())),
            Value::String(name) => Some((key.parse().ok()?, name.clone())),
            Value::Array(names) => {
                let name = names.last()?.as_str()?;
                Some((key.parse().ok()?, name.to_owned()))
            }
            _ => None,
        })
        .collect()
}

fn in_order(mut classes: Vec<(u64, String)>) -> Result<Vec<String>, String> {
    classes.sort_unstable();
    let wrong = (0..)
        .zip(&classes)
        .find(|(expected, (number, _))| expected != number);
    match wrong {
        Some((expected, (number, name))) => Err(format!(
            "classes must be numbered from 0 without a gap: \"{name}\" has number {number} instead of \
             {expected}"
        )),
        None => Ok(classes.into_iter().map(|(_, name)| name).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_as(name: &str, text: &str) -> Result<Vec<String>, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        read(&path).map_err(|error| error.to_string())
    }

    #[test]
    fn names_are_read_line_by_line_whatever_editor_wrote_them() {
        let names = read_as("labels.txt", "\u{feff}crack\r\n\r\n a dent \r\n{good}").unwrap();
        assert_eq!(names, ["crack", "a dent", "{good}"]);
    }

    #[test]
    fn names_are_read_from_what_other_tools_write() {
        for text in [
            r#"["crack", "dent", "good"]"#,
            r#"{"2": "good", "0": "crack", "1": "dent"}"#,
            r#"{"good": 2, "crack": 0, "dent": 1}"#,
            r#"{"0": ["n01", "crack"], "1": ["n02", "dent"], "2": ["n03", "good"]}"#,
            "\u{feff}{\"id2label\": {\"0\": \"crack\", \"1\": \"dent\", \"2\": \"good\"}, \"hidden_size\": 768}",
            r#"{"architecture": "resnet18", "label_names": ["crack", "dent", "good"]}"#,
            r#"{"architecture": "resnet18", "pretrained_cfg": {"label_names": ["crack", "dent", "good"]}}"#,
        ] {
            assert_eq!(
                read_as("a.json", text).unwrap(),
                ["crack", "dent", "good"],
                "{text}"
            );
        }
    }

    #[test]
    fn more_than_ten_numbered_names_come_in_the_order_of_numbers_not_of_text() {
        let classes: Map<String, Value> = (0..12)
            .map(|n| (n.to_string(), format!("class {n}").into()))
            .collect();
        let names = read_as("a.JSON", &Value::Object(classes).to_string()).unwrap();
        assert_eq!(names[2], "class 2");
        assert_eq!(names[11], "class 11");
    }

    #[test]
    fn what_gives_no_name_to_each_class_is_refused_and_said_why() {
        for (name, text, said) in [
            ("a.txt", " \n", "write one a line"),
            ("a.json", "[\"cat\", \"dog\"", "it is not JSON"),
            ("a.json", "\"cat\"", "may be a list of names"),
            (
                "a.json",
                "{\"hidden_size\": 768, \"model_type\": \"vit\"}",
                "id2label",
            ),
            ("a.json", "[\"cat\", 1]", "may be a list of names"),
            (
                "a.json",
                "{\"1\": \"cat\", \"2\": \"dog\"}",
                "\"cat\" has number 1 instead of 0",
            ),
            (
                "a.json",
                "{\"cat\": 0, \"dog\": 0}",
                "\"dog\" has number 0 instead of 1",
            ),
        ] {
            let error = read_as(name, text).unwrap_err();
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}
