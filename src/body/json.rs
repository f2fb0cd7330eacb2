//! `{"image": "<base64>"}`

use std::borrow::Cow;

use axum::body::Bytes;
use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::Deserialize;

use crate::problem::Problem;

/// The standard alphabet. Padding may be left off: it adds nothing, and many encoders do.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document<'a> {
    #[serde(borrow)]
    image: Cow<'a, str>,
}

/// The image file in a JSON document.
pub fn image(body: &[u8]) -> Result<Bytes, Problem> {
    // A list would pass for a struct with its fields in order; only an object says what it means.
    let start = body.iter().find(|byte| !byte.is_ascii_whitespace());
    if start.is_some_and(|byte| *byte != b'{')
        && serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok()
    {
        return Err(Problem::malformed(
            "the JSON body must be an object: {\"image\": \"<base64>\"}",
        ));
    }
    let document: Document<'_> = serde_json::from_slice(body).map_err(|error| {
        Problem::malformed(format!(
            "the JSON body is not {{\"image\": \"<base64>\"}}: {error}"
        ))
    })?;
    let text = payload(&document.image)?;
    let decoded = if text.contains(|c: char| c.is_ascii_whitespace()) {
        // Encoders that wrap their lines are common, and the line ends carry nothing.
        BASE64.decode(text.split_ascii_whitespace().collect::<String>())
    } else {
        BASE64.decode(text)
    };
    match decoded {
        Ok(bytes) if bytes.is_empty() => Err(Problem::malformed("\"image\" is empty")),
        Ok(bytes) => Ok(bytes.into()),
        Err(error) => Err(Problem::malformed(format!(
            "\"image\" is not base64: {error}"
        ))),
    }
}

/// The base64 of a `data:` URL, which is what browsers make of a file; else the whole text.
fn payload(text: &str) -> Result<&str, Problem> {
    let Some(url) = text.strip_prefix("data:") else {
        return Ok(text);
    };
    match url.split_once(',') {
        Some((head, data)) if head.ends_with(";base64") => Ok(data),
        _ => Err(Problem::malformed(
            "\"image\" is a data: URL, but not one in base64",
        )),
    }
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
    fn what_is_wrong_is_said() {
        assert!(refused("{").contains("JSON"));
        assert!(refused("[1]").contains("JSON"));
        assert!(refused("7").contains("JSON"));
        assert!(refused("{}").contains("missing field `image`"));
        assert!(refused(r#"{"image": 7}"#).contains("image"));
        assert!(refused(r#"{"image": "AAAA", "topk": 1}"#).contains("unknown field `topk`"));
        assert!(refused(r#"{"image": "AAAA"} x"#).contains("trailing"));
        assert!(refused(r#"{"image": "%%%"}"#).contains("base64"));
        assert!(refused(r#"{"image": ""}"#).contains("empty"));
        assert!(refused(r#"{"image": "data:image/png,AAAA"}"#).contains("data: URL"));
    }
}
