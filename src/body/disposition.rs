//! What a form's part says about itself (RFC 7578, 4.2).
//!
//! `multer` treats a name that it cannot read as missing, and a file without a name is taken for another field. Here
//! it is enough that a name was meant.

use axum::http::{HeaderMap, header};
use percent_encoding::percent_decode;

/// The names in a part's `Content-Disposition`.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Disposition {
    /// The field's name.
    pub field: Option<String>,
    /// The file's name, which is empty if no file was chosen.
    pub file: Option<String>,
}

impl Disposition {
    /// The names in this part's head. What is not UTF-8 is replaced.
    pub fn of(headers: &HeaderMap) -> Self {
        let header = headers.get(header::CONTENT_DISPOSITION);
        let mut rest = header.map_or(&b""[..], |value| value.as_bytes());
        let mut found = Self::default();
        let mut extended = None;
        while let Some(at) = rest.iter().position(|byte| *byte == b';') {
            let (name, value, after) = parameter(&rest[at + 1..]);
            rest = after;
            let place = match name.to_ascii_lowercase().as_slice() {
                b"name" => &mut found.field,
                b"filename" => &mut found.file,
                b"filename*" => &mut extended,
                _ => continue,
            };
            let value = match name {
                [.., b'*'] => decoded(&value),
                _ => value,
            };
            place.get_or_insert_with(|| String::from_utf8_lossy(&value).into_owned());
        }
        // RFC 7578 forbids `filename*`, but some clients send it, and if both are there, it says more.
        found.file = extended.or(found.file);
        found
    }
}

/// A parameter's name and value, and what follows them.
fn parameter(text: &[u8]) -> (&[u8], Vec<u8>, &[u8]) {
    let end = |text: &[u8], ends: fn(&u8) -> bool| text.iter().position(ends).unwrap_or(text.len());
    let (name, rest) = text.split_at(end(text, |byte| matches!(byte, b'=' | b';')));
    let name = name.trim_ascii();
    match rest.strip_prefix(b"=").map(<[u8]>::trim_ascii_start) {
        Some([b'"', quoted @ ..]) => {
            let (value, rest) = unquoted(quoted);
            (name, value, rest)
        }
        Some(rest) => {
            let (value, rest) = rest.split_at(end(rest, |byte| *byte == b';'));
            (name, value.trim_ascii_end().to_vec(), rest)
        }
        None => (name, Vec::new(), rest),
    }
}

/// What comes before the closing quote, and what follows it. Only quotes and backslashes count as escaped: browsers
/// escape neither, and Windows paths are full of backslashes.
fn unquoted(text: &[u8]) -> (Vec<u8>, &[u8]) {
    let mut value = Vec::new();
    let mut rest = text;
    loop {
        rest = match rest {
            [b'\\', escaped @ (b'"' | b'\\'), rest @ ..] => {
                value.push(*escaped);
                rest
            }
            [b'"', rest @ ..] => return (value, rest),
            [byte, rest @ ..] => {
                value.push(*byte);
                rest
            }
            // No closing quote: the name ends in a backslash, which seemed to escape it.
            [] => return (text.strip_suffix(b"\"").unwrap_or(text).to_vec(), rest),
        };
    }
}

/// Decodes `UTF-8''caf%C3%A9.jpg` (RFC 8187, 3.2); a name in another character set is left as it is.
fn decoded(value: &[u8]) -> Vec<u8> {
    let mut parts = value.splitn(3, |byte| *byte == b'\'');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(charset), Some(_language), Some(text)) if charset.eq_ignore_ascii_case(b"UTF-8") => {
            percent_decode(text).collect()
        }
        _ => value.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_names(header: &[u8], field: Option<&str>, file: Option<&str>) {
        let value = header.try_into().unwrap();
        let headers = HeaderMap::from_iter([(header::CONTENT_DISPOSITION, value)]);
        let expected = Disposition {
            field: field.map(str::to_owned),
            file: file.map(str::to_owned),
        };
        assert_eq!(Disposition::of(&headers), expected);
    }

    #[test]
    fn names_stand_in_quotes_or_without_in_any_order_and_case() {
        for header in [
            r#"form-data; name="a;b"; filename="c d.jpg""#,
            r#"form-data;filename="c d.jpg";name="a;b""#,
            r#"form-data; NAME = "a;b" ; FileName="c d.jpg"; size=3"#,
            r#"form-data; filename=c d.jpg ; name="a;b"; name="x"; filename="y""#,
        ] {
            assert_names(header.as_bytes(), Some("a;b"), Some("c d.jpg"));
        }
        assert_names(b"form-data; name=\"\"", Some(""), None);
        assert_names(b"form-data; name=a; filename=", Some("a"), Some(""));
        assert_names(b"form-data; name=a; filename", Some("a"), Some(""));
        assert_names(b"form-data", None, None);
        assert_eq!(
            Disposition::of(&HeaderMap::new()),
            Disposition::default(),
            "no header"
        );
    }

    #[test]
    fn quotes_and_backslashes_are_read_as_they_were_meant() {
        for (header, file) in [
            (r#"form-data; filename="a\"b\\c""#, r#"a"b\c"#),
            (r#"form-data; filename="C:\x\y.jpg""#, r"C:\x\y.jpg"),
            (r#"form-data; filename="a\""#, r"a\"),
            (r#"form-data; filename="a"#, "a"),
            (r#"form-data; filename=""#, ""),
        ] {
            assert_names(header.as_bytes(), None, Some(file));
        }
    }

    #[test]
    fn names_that_are_no_ascii_are_shown_as_far_as_they_can_be() {
        assert_names("form-data; filename=\"é\"".as_bytes(), None, Some("é"));
        assert_names(
            b"form-data; name=\"\xe9\"; filename=\"caf\xe9.heic\"",
            Some("\u{fffd}"),
            Some("caf\u{fffd}.heic"),
        );
        for (header, file) in [
            ("form-data; filename*=utf-8''caf%C3%A9.heic", "café.heic"),
            (
                "form-data; filename*=UTF-8'fr'caf%C3%A9; filename=cafe",
                "café",
            ),
            (
                "form-data; filename=cafe; Filename*=UTF-8''caf%C3%A9",
                "café",
            ),
            (
                "form-data; filename*=iso-8859-1''caf%E9",
                "iso-8859-1''caf%E9",
            ),
            ("form-data; filename*=x.heic", "x.heic"),
        ] {
            assert_names(header.as_bytes(), None, Some(file));
        }
    }
}
