//! What a request's body is, as its headers say.

use axum::http::{HeaderMap, header};

use crate::problem::{ACCEPT_POST, Problem};

const NO_BOUNDARY: &str = "the Content-Type multipart/form-data names no boundary";

/// Many clients write a boundary without quotes, which works if it is a token (RFC 9110, 5.6.6).
const IN_QUOTES: &str = "one with characters such as = or : must be in quotes";

/// How the images are packed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The body is one image file.
    Image,
    /// The same, declared as a form, as `curl` does unless told otherwise; if sent with `-d`, it is damaged.
    ImageAsForm,
    /// The body is `{"image": "<base64>"}`.
    Json,
    /// The body is a form with files.
    Multipart { boundary: String },
}

impl Kind {
    /// The kind that the request's `Content-Type` declares.
    ///
    /// The image format is told by the bytes: names and types lie. `curl --data-binary` declares
    /// `application/x-www-form-urlencoded` unless told otherwise, so that says nothing.
    pub fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        if let Some(coding) = headers.get(header::CONTENT_ENCODING)
            && !coding.is_empty()
            && !coding.as_bytes().eq_ignore_ascii_case(b"identity")
        {
            return Err(Problem::compressed());
        }
        let Some(declared) = headers.get(header::CONTENT_TYPE) else {
            return Ok(Self::Image);
        };
        let Ok(declared) = declared.to_str() else {
            return Err(Problem::malformed("the Content-Type header is not ASCII"));
        };
        let essence = declared
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase();
        match essence.as_str() {
            // The last is what object stores say about a file of which they know nothing.
            "" | "application/octet-stream" | "binary/octet-stream" => Ok(Self::Image),
            "application/x-www-form-urlencoded" => Ok(Self::ImageAsForm),
            "application/json" | "text/json" => Ok(Self::Json),
            // A media type that is based on JSON (RFC 6839, 3.1).
            json if json.starts_with("application/") && json.ends_with("+json") => Ok(Self::Json),
            "multipart/form-data" => {
                let boundary = multer::parse_boundary(declared).map_err(|error| {
                    Problem::malformed(match error {
                        multer::Error::NoBoundary => NO_BOUNDARY.to_owned(),
                        _ => format!("{NO_BOUNDARY} that can be read: {IN_QUOTES}"),
                    })
                })?;
                Ok(Self::Multipart { boundary })
            }
            image if image.starts_with("image/") => Ok(Self::Image),
            other => Err(Problem::unsupported(format!(
                "the Content-Type {other:?} is not accepted; use one of: {ACCEPT_POST}"
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: header::HeaderName, value: &str) -> Result<Kind, u16> {
        let headers = HeaderMap::from_iter([(name, value.parse().unwrap())]);
        Kind::of(&headers).map_err(|problem| problem.status().as_u16())
    }

    #[test]
    fn images_and_types_that_say_nothing_are_taken_for_an_image() {
        assert_eq!(Kind::of(&HeaderMap::new()).unwrap(), Kind::Image);
        for declared in [
            "image/png",
            "IMAGE/JPEG",
            "application/octet-stream",
            "binary/octet-stream",
        ] {
            assert_eq!(
                of(header::CONTENT_TYPE, declared),
                Ok(Kind::Image),
                "{declared}"
            );
        }
        let form = "application/x-www-form-urlencoded";
        assert_eq!(of(header::CONTENT_TYPE, form), Ok(Kind::ImageAsForm));
    }

    #[test]
    fn parameters_do_not_matter_except_the_boundary() {
        assert_eq!(
            of(header::CONTENT_TYPE, "application/json; charset=utf-8"),
            Ok(Kind::Json)
        );
        for declared in ["text/json", "application/vnd.api+json"] {
            assert_eq!(
                of(header::CONTENT_TYPE, declared),
                Ok(Kind::Json),
                "{declared}"
            );
        }
        let boundary = "x y".to_owned();
        let declared = "multipart/form-data; boundary=\"x y\"";
        assert_eq!(
            of(header::CONTENT_TYPE, declared),
            Ok(Kind::Multipart { boundary })
        );
        assert_eq!(of(header::CONTENT_TYPE, "multipart/form-data"), Err(400));
    }

    #[test]
    fn a_boundary_that_cannot_be_read_is_told_from_one_that_is_missing() {
        for (parameter, says) in [
            ("", "names no boundary"),
            ("; boundary===x==", "must be in quotes"),
            ("; boundary=a:b", "must be in quotes"),
        ] {
            let declared = format!("multipart/form-data{parameter}").parse().unwrap();
            let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, declared)]);
            let problem = Kind::of(&headers).unwrap_err();
            assert!(problem.detail().ends_with(says), "{}", problem.detail());
        }
        let declared = "multipart/form-data; boundary=\"==x==\"";
        assert!(of(header::CONTENT_TYPE, declared).is_ok());
    }

    #[test]
    fn other_types_and_compressed_bodies_are_unsupported() {
        for declared in ["text/html", "application/pdf", "video/mp4", "imagepng"] {
            assert_eq!(of(header::CONTENT_TYPE, declared), Err(415), "{declared}");
        }
        assert_eq!(of(header::CONTENT_ENCODING, "gzip"), Err(415));
        for nothing in ["identity", "Identity", ""] {
            assert_eq!(of(header::CONTENT_ENCODING, nothing), Ok(Kind::Image));
        }
    }
}
