//! An image in JSON: `{"image": "<base64>"}`.

use std::borrow::Cow;

use axum::body::Bytes;
use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::Deserialize;
use utoipa::ToSchema;

use super::TOP_STANDS_ELSEWHERE;
use crate::problem::Problem;

/// The standard alphabet, to which the URL-safe one is converted (RFC 4648, 4 and 5). Padding may be left out: it
/// adds nothing, and many encoders omit it.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// In letters: longer than what the parser says of any ordinary document.
const LONGEST_REASON: usize = 100;

/// An image as JSON.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Base64Image<'a> {
    /// The whole file in base64 (standard or URL-safe, with or without padding), or a `data:` URL.
    #[serde(borrow)]
    #[schema(value_type = String, content_encoding = "base64")]
    image: Cow<'a, str>,
}

/// The image file in a JSON document.
pub fn image(body: &[u8]) -> Result<Bytes, Problem> {
    // A byte order mark may be ignored (RFC 8259, 8.1).
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    // A list would be accepted as a struct with its fields in order; only an object says what it means. Of a text, the
    // parser's message would hold all, escaped, and so would the log: the beginning of an image.
    let start = body.iter().find(|byte| !byte.is_ascii_whitespace());
    if start.is_some_and(|byte| *byte != b'{') {
        return Err(Problem::malformed(
            "the JSON body must be an object: {\"image\": \"<base64>\"}",
        ));
    }
    let document: Base64Image<'_> = serde_json::from_slice(body).map_err(|error| {
        let mut error = error.to_string();
        // A key may be an image, too, if a form was made JSON.
        if let Some((end, _)) = error.char_indices().nth(LONGEST_REASON) {
            error.replace_range(end.., "…");
        }
        let hint = match error.starts_with("unknown field `top`") {
            true => TOP_STANDS_ELSEWHERE,
            false => "",
        };
        Problem::malformed(format!(
            "the JSON body is not {{\"image\": \"<base64>\"}}: {error}{hint}"
        ))
    })?;
    let text = payload(&document.image)?;
    let decoded = BASE64.decode(text).or_else(|_| {
        // Encoders that wrap their lines are common, and line breaks mean nothing.
        let letters = text.chars().filter(|c| !c.is_ascii_whitespace());
        let standard = letters.map(|c| match c {
            '-' => '+',
            '_' => '/',
            c => c,
        });
        BASE64.decode(standard.collect::<String>())
    });
    match decoded {
        Ok(bytes) if bytes.is_empty() => Err(Problem::malformed("\"image\" is empty")),
        Ok(bytes) => Ok(bytes.into()),
        Err(error) => {
            let error = error.to_string();
            Err(Problem::malformed(format!(
                "\"image\" is not base64 ({}): send the whole file, as `base64 -w0 photo.jpg` prints it",
                error.trim_end_matches('.')
            )))
        }
    }
}

/// The base64 in a `data:` URL, which is what browsers make of a file; otherwise the whole text.
fn payload(text: &str) -> Result<&str, Problem> {
    let text = text.trim_ascii();
    let Some((scheme, rest)) = text.split_once(':') else {
        return Ok(text);
    };
    match (scheme.to_ascii_lowercase().as_str(), rest.split_once(',')) {
        ("data", Some((head, data))) if is_base64(head) => Ok(data),
        ("data", _) => Err(Problem::malformed(
            "\"image\" is a data: URL that is not in base64",
        )),
        ("http" | "https" | "file" | "s3" | "gs", _) => Err(Problem::malformed(
            "\"image\" is a URL, and URLs are not fetched: send the image itself, in base64",
        )),
        _ => Ok(text),
    }
}

/// Whether a `data:` URL says that it is base64, as browsers read it (WHATWG, *Fetch*, data: URL processor).
fn is_base64(head: &str) -> bool {
    let head = head.trim_ascii().to_ascii_lowercase();
    let media_type = head.strip_suffix("base64");
    media_type.is_some_and(|it| it.trim_end_matches(' ').ends_with(';'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(body: &str) -> String {
        let problem = image(body.as_bytes()).unwrap_err();
        assert_eq!(problem.status().as_u16(), 400);
        problem.detail().to_owned()
    }

    #[test]
    fn base64_is_read_with_and_without_padding_line_ends_or_a_data_url() {
        for text in [
            "/9j/4A==",
            "/9j/4A",
            "/9j/\\n4A==\\n",
            "data:image/jpeg;base64,/9j/4A==",
            " DATA:image/jpeg;BASE64,/9j/4A==",
            "data:image/jpeg; base64,/9j/4A==",
            "data:;  base64 ,/9j/4A==",
            "_9j_4A",
        ] {
            let body = format!(r#"{{"image": "{text}"}}"#);
            assert_eq!(
                image(body.as_bytes()).unwrap(),
                &b"\xff\xd8\xff\xe0"[..],
                "{text}"
            );
        }
    }

    #[test]
    fn a_byte_order_mark_is_ignored() {
        let body = "\u{feff}{\"image\": \"/9j/4A==\"}";
        assert_eq!(image(body.as_bytes()).unwrap(), &b"\xff\xd8\xff\xe0"[..]);
    }

    #[test]
    fn what_is_wrong_is_said() {
        assert!(refused("{").contains("JSON"));
        for other in ["[1]", "7", "\"AAAA\"", "\"AAAA\"\n\"AAAA\"", "image=AAAA"] {
            let said = refused(other);
            assert!(said.contains("must be an object") && !said.contains("AAAA"));
        }
        assert!(refused("{}").contains("missing field `image`"));
        assert!(refused(r#"{"image": 7}"#).contains("image"));
        assert!(refused(r#"{"image": "AAAA", "topk": 1}"#).contains("unknown field `topk`"));
        assert!(refused(r#"{"image": "AAAA", "top": 3}"#).ends_with("?top=3"));
        let key = format!(r#"{{"{}": ""}}"#, "A".repeat(10_000));
        assert!(refused(&key).len() < 200);
        assert!(refused(r#"{"image": "AAAA"} x"#).contains("trailing"));
        assert!(refused(r#"{"image": "%%%"}"#).contains("base64"));
        assert!(refused(r#"{"image": "https://example.org/a.jpg"}"#).contains("not fetched"));
        assert!(refused(r#"{"image": ""}"#).contains("empty"));
        for head in ["image/png", "image/png;x", "base64", "image/png;base64;x"] {
            let body = format!(r#"{{"image": "data:{head},AAAA"}}"#);
            assert!(refused(&body).contains("data: URL"), "{head}");
        }
    }
}
