//! What may have gone wrong in sending a file, if it turns out not to be a good image.

use normgate_core::preprocess::sniff;

use super::media::Kind;

/// `curl -d @photo.jpg` removes these bytes from the file, and every image has some of them.
const TAKEN_OUT: [u8; 3] = *b"\r\n\0";

const BY_D: &str = "; if it was sent with curl -d, which removes bytes, use --data-binary instead";

/// `curl -d '{"image": "…"}'` declares a form.
const NOT_DECLARED: &str = "; JSON needs the header Content-Type: application/json (curl --json \
                            sets it)";

const NAME_ALONE: &str = "; if that is a file's name, its content is missing: curl sends it with \
                          --data-binary @photo.jpg";

const OTHER_FORM: &str = "; a form must be sent as multipart/form-data: curl -F image=@photo.jpg, \
                          requests.post(…, files=…), or FormData in a browser";

/// No file system has longer names.
const LONGEST_NAME: usize = 255;

/// The hint for a body that should be an image as it is.
pub fn of(kind: &Kind, body: &[u8]) -> Option<&'static str> {
    let is_form = *kind == Kind::ImageAsForm;
    match body.trim_ascii_start() {
        [b'{', ..] => Some(NOT_DECLARED),
        _ if is_form && has_fields(body) => Some(OTHER_FORM),
        _ if is_name(body) => Some(NAME_ALONE),
        _ if is_form && !body.iter().any(|byte| TAKEN_OUT.contains(byte)) => Some(BY_D),
        _ => None,
    }
}

/// Whether the body is `key=value`, as in a URL or on a command line. The `=` at the end of a base64 text does not
/// make it one.
fn has_fields(body: &[u8]) -> bool {
    let Some(at) = body.iter().position(|byte| *byte == b'=') else {
        return false;
    };
    let is_key = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.%+".contains(byte);
    let has_value = at > 0 && !matches!(body[at..], [b'='] | [b'=', b'=', ..]);
    has_value && body[..at].iter().all(is_key) && is_text(&body[at..])
}

/// Whether the body is one line, not too long, that has a letter and does not begin like an image.
fn is_name(body: &[u8]) -> bool {
    let line = body.trim_ascii();
    let has_letter = || {
        line.iter()
            .any(|byte| byte.is_ascii_alphabetic() || !byte.is_ascii())
    };
    line.len() <= LONGEST_NAME && sniff(line).is_none() && has_letter() && is_text(line)
}

fn is_text(bytes: &[u8]) -> bool {
    str::from_utf8(bytes).is_ok_and(|text| !text.contains(char::is_control))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_hint(body: &[u8], as_form: Option<&str>, as_image: Option<&str>) {
        let text = body.escape_ascii();
        assert_eq!(of(&Kind::ImageAsForm, body), as_form, "{text}");
        assert_eq!(of(&Kind::Image, body), as_image, "{text}");
    }

    #[test]
    fn an_image_without_line_breaks_and_zeros_came_by_d() {
        assert_hint(b"\xff\xd8\xff\xe0\x10JFIF\x01", Some(BY_D), None);
        for whole in [
            &b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01"[..],
            b"\x89PNG\r\n\x1a\n",
            b"\xff\xd8\xff\n\xe1",
            b"\xff\xd8\xff\r\xe1",
        ] {
            assert_hint(whole, None, None);
        }
    }

    #[test]
    fn a_short_line_may_be_the_name_of_a_file() {
        for name in ["photo.jpg", "Über uns/my photo (1).jpg", "photo.jpg\n"] {
            assert_hint(name.as_bytes(), Some(NAME_ALONE), Some(NAME_ALONE));
        }
        for text in [
            "a\nb".to_owned(),
            "a".repeat(256),
            "GIF89a".into(),
            "[1, 2]".into(),
            "  ".into(),
            "=".into(),
        ] {
            assert_eq!(of(&Kind::Image, text.as_bytes()), None);
        }
    }

    #[test]
    fn fields_of_a_form_must_come_as_another_kind_of_form() {
        for fields in [
            "image=%89PNG%0D%0A",
            "image=photo.jpg",
            "a=&image=x",
            "image=my photo.jpg",
            "image=Größe.jpg",
            "top=3&image=%FF%D8",
        ] {
            assert_hint(fields.as_bytes(), Some(OTHER_FORM), Some(NAME_ALONE));
        }
        for base64 in ["aGVsbG8=", "aGVsbA=="] {
            assert_hint(base64.as_bytes(), Some(NAME_ALONE), Some(NAME_ALONE));
        }
    }

    #[test]
    fn json_must_say_what_it_is() {
        assert_hint(
            b" {\"image\": \"x\"}",
            Some(NOT_DECLARED),
            Some(NOT_DECLARED),
        );
    }
}
