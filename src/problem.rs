//! What the server answers when it cannot classify: problem details (RFC 9457).
//!
//! There is one constructor for each error. `docs/errors.md` documents them, and is served under the `type` URI, so
//! that an error leads to its explanation without leaving the server. Clients may rely on `type` and `status`;
//! `detail` is for people and may change.

use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use normgate_core::preprocess::DecodeError;

use crate::config::show_bytes;
use crate::engine::EngineError;
use crate::json_line::JsonLine;
use normgate_core::printable::printable;

/// In letters.
const LONGEST_METHOD: usize = 20;

/// The longest that a refused client is asked to stay away. By then, what was measured before the refusal says
/// nothing any more.
const LONGEST_RETRY: Duration = Duration::from_secs(60);

/// What the metrics call it if a deadline passes because a client set it that early.
const CLIENT_DEADLINE: &str = "client-deadline-exceeded";

/// What the metrics call it if bodies fill the memory for them: replicas help, but so does more memory.
const BODY_MEMORY: &str = "body-memory-full";

/// The media types that `POST /classify` accepts (W3C Linked Data Platform, 7.1).
pub const ACCEPT_POST: &str = "image/jpeg, image/png, image/webp, image/gif, image/bmp, \
                               application/octet-stream, multipart/form-data, application/json";

/// Why a request, or one file of several, was refused (RFC 9457). Rely on `type` and `status`: `title` and
/// `detail` are for people, and may change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Problem {
    /// Which problem it is: a path on the server, which explains it.
    #[serde(rename = "type", serialize_with = "as_uri")]
    #[schema(value_type = String, format = "uri-reference")]
    slug: &'static str,
    /// The problem's name.
    title: &'static str,
    /// The HTTP status: of the reply, or the one that the file would have got alone.
    #[serde(serialize_with = "as_number")]
    #[schema(value_type = u16)]
    status: StatusCode,
    /// What was wrong, and what to do.
    detail: String,
    /// What the metrics call it, if that says more than the slug.
    #[serde(skip)]
    reason: &'static str,
    /// Seconds after which to try again, as in `Retry-After`; one file of several has no header.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = u64, required = false)]
    retry_after: Option<u64>,
    /// What a 415 says would be accepted.
    #[serde(skip)]
    accepts: Accepts,
    /// Whether the connection ends with it.
    #[serde(skip)]
    closes: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Accepts {
    MediaTypes,
    Coding,
}

impl Problem {
    fn new(status: u16, slug: &'static str, title: &'static str, detail: impl AsRef<str>) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self {
            slug,
            reason: slug,
            title,
            status,
            // Much of it is what the client sent: names of fields, a path, a media type.
            detail: printable(detail.as_ref()),
            retry_after: None,
            accepts: Accepts::MediaTypes,
            closes: false,
        }
    }

    /// Tells the client to send nothing more on this connection, whose request is not read to its end.
    pub fn closing(mut self) -> Self {
        self.closes = true;
        self
    }

    /// Tells a client that may try again when what waits now will be done. Other clients are told nothing.
    pub fn after(mut self, wait: Duration) -> Self {
        if self.retry_after.is_some() {
            let wait = wait.min(LONGEST_RETRY);
            let started = u64::from(wait.subsec_nanos() > 0);
            self.retry_after = Some((wait.as_secs() + started).max(1));
        }
        self
    }

    /// Adds what may have gone wrong in sending an image, if the problem is with the image.
    pub fn with_hint(mut self, hint: Option<&str>) -> Self {
        if let (415 | 422, Some(hint)) = (self.status.as_u16(), hint) {
            self.detail += hint;
        }
        self
    }

    fn temporary(mut self) -> Self {
        self.retry_after = Some(1);
        self
    }

    /// 400: the request itself makes no sense.
    pub fn malformed(detail: impl AsRef<str>) -> Self {
        Self::new(400, "malformed-request", "The request is malformed", detail)
    }

    /// 400: a request without an image.
    pub fn no_body() -> Self {
        Self::malformed("the request has no body: send an image")
    }

    /// 404: no such route.
    pub fn not_found(path: &str) -> Self {
        let what = or_none(path);
        let detail = format!("there is nothing at {what}; images are classified by POST /classify");
        Self::new(404, "not-found", "Not found", detail)
    }

    /// 404 at the address for probes: most clients will have used the wrong port.
    pub fn not_a_probe(path: &str) -> Self {
        let detail = format!(
            "{} is not answered at --probe-listen, which has /livez, /readyz, /metrics and /problems",
            or_none(path)
        );
        Self::new(404, "not-found", "Not found", detail)
    }

    /// 405: the route exists, the method does not.
    pub fn method_not_allowed(method: &str, path: &str, answered: &str) -> Self {
        let method = short(method);
        let detail = format!("{path} does not answer {method}; it answers {answered}");
        Self::new(405, "method-not-allowed", "Method not allowed", detail)
    }

    /// 408: the body did not arrive in time (RFC 9110, 15.5.9).
    pub fn slow_request(seconds: f64) -> Self {
        let detail =
            format!("the request's body did not arrive within {seconds} s (--body-timeout)");
        Self::new(
            408,
            "slow-request",
            "The request arrived too slowly",
            detail,
        )
        .closing()
    }

    /// 413: too many bytes.
    pub fn body_too_large(limit: usize) -> Self {
        let detail = format!(
            "the request's body is larger than {limit} bytes ({}), the limit of this server \
             (--max-body-bytes)",
            show_bytes(limit)
        );
        Self::new(413, "body-too-large", "The request is too large", detail)
    }

    /// 413: too many files in one request.
    pub fn too_many_files(limit: usize) -> Self {
        let detail =
            format!("more than {limit} files in one request (--max-files): send several requests");
        Self::new(413, "too-many-files", "Too many files", detail)
    }

    /// 413: too many pixels.
    pub fn image_too_large(width: u32, height: u32, limit: u64) -> Self {
        Self::too_many_pixels(format!(
            "the image has {width} × {height} pixels, more than the {limit} allowed in all \
             (--max-pixels): scale it down"
        ))
    }

    fn too_many_pixels(detail: String) -> Self {
        Self::new(
            413,
            "image-too-large",
            "The image has too many pixels",
            detail,
        )
    }

    /// 415: neither an image that can be read, nor a way to send one.
    pub fn unsupported(detail: impl AsRef<str>) -> Self {
        Self::new(
            415,
            "unsupported-media-type",
            "Unsupported media type",
            detail,
        )
    }

    /// 415: an image that was compressed for transfer (RFC 9110, 12.5.3 and 15.5.16).
    pub fn compressed() -> Self {
        Self {
            accepts: Accepts::Coding,
            ..Self::unsupported(
                "compressed request bodies are not accepted: send the image file as it is",
            )
        }
    }

    /// 422: an image of a known format that is damaged.
    pub fn undecodable(detail: impl AsRef<str>) -> Self {
        Self::new(
            422,
            "undecodable-image",
            "The image cannot be decoded",
            detail,
        )
    }

    /// 429: more work than can be done soon.
    pub fn overloaded(detail: impl AsRef<str>) -> Self {
        Self::new(429, "overloaded", "The server is overloaded", detail).temporary()
    }

    /// 429: more than can be done in the time that this client allows, which says nothing about the server.
    pub fn client_overloaded(detail: impl AsRef<str>) -> Self {
        Self {
            reason: CLIENT_DEADLINE,
            ..Self::overloaded(detail)
        }
    }

    /// 429: bodies and answers fill the memory for them.
    pub fn body_memory_full() -> Self {
        Self {
            reason: BODY_MEMORY,
            ..Self::overloaded(
                "the request bodies that are being read or wait, and large answers that are being made or sent, fill \
                 the memory for them (--body-memory); try again later",
            )
        }
    }

    /// 500: our fault. What happened is in the log under the request's id, not here.
    pub fn internal() -> Self {
        Self::internal_because(
            "something went wrong inside the server; its log has more, under this reply's x-request-id",
        )
    }

    /// The same with a reason, for those who run the program: if there is no log, and from `/livez`.
    pub fn internal_because(detail: impl AsRef<str>) -> Self {
        Self::new(500, "internal-error", "Internal error", detail)
    }

    /// 500 for `/livez`: only a new process helps.
    pub fn worker_hangs(seconds: u64) -> Self {
        Self::internal_because(format!(
            "a worker has been at the same batch for {seconds} s"
        ))
    }

    /// 501: a body that cannot be unpacked, since its coding is not known (RFC 9112, 6.1).
    pub fn unknown_transfer_coding(coding: &str) -> Self {
        let detail = format!("the Transfer-Encoding {coding:?} is not supported; only chunked is");
        Self::new(
            501,
            "unknown-transfer-coding",
            "Unknown transfer coding",
            detail,
        )
    }

    /// 503: the model is not in service yet.
    pub fn not_ready() -> Self {
        let detail = "the model is being loaded and warmed up";
        Self::new(503, "not-ready", "The server is not ready", detail).temporary()
    }

    /// 503: the server is stopping.
    pub fn shutting_down() -> Self {
        Self::new(
            503,
            "shutting-down",
            "The server is shutting down",
            "the server is shutting down",
        )
        .temporary()
    }

    /// 504: the work took too long.
    pub fn deadline_exceeded(seconds: f64, set_by: &str) -> Self {
        let detail = format!("the image was not classified within {seconds} s ({set_by})");
        Self::new(504, "deadline-exceeded", "The deadline passed", detail)
    }

    /// 504: longer than this client would wait, which says nothing about the server.
    pub fn client_deadline_exceeded(seconds: f64, set_by: &str) -> Self {
        Self {
            reason: CLIENT_DEADLINE,
            ..Self::deadline_exceeded(seconds, set_by)
        }
    }

    /// Whether it follows from the deadline that the client itself set.
    pub fn is_by_request(&self) -> bool {
        self.reason == CLIENT_DEADLINE
    }

    /// A label for metrics: the last part of the `type` URI, or more.
    pub fn reason(&self) -> &'static str {
        self.reason
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The problem's name.
    pub fn title(&self) -> &'static str {
        self.title
    }

    /// What it tells a person.
    pub fn detail(&self) -> &str {
        &self.detail
    }
}

impl From<EngineError> for Problem {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Decode(error) => error.into(),
            EngineError::Full(wait) => {
                Self::overloaded("the queue is full (--queue-capacity); try again later")
                    .after(wait)
            }
            EngineError::TooSlow(wait, deadline) => deadline.too_soon(wait).after(wait),
            EngineError::Late(deadline) => deadline.problem(),
            EngineError::Closed => Self::shutting_down(),
            EngineError::Failed(_) => Self::internal(),
        }
    }
}

impl From<DecodeError> for Problem {
    fn from(error: DecodeError) -> Self {
        match error {
            DecodeError::Empty => Self::malformed("the image is empty (0 bytes)"),
            DecodeError::UnsupportedFormat { .. } => Self::unsupported(error.to_string()),
            DecodeError::TooLarge {
                width,
                height,
                limit,
            } => Self::image_too_large(width, height, limit),
            DecodeError::TooLong { .. } => Self::too_many_pixels(error.to_string()),
            error => Self::undecodable(error.to_string()),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.status;
        let mut response = (status, JsonLine(&self)).into_response();
        let headers = response.headers_mut();
        let json = HeaderValue::from_static("application/problem+json");
        headers.insert(header::CONTENT_TYPE, json);
        if status == StatusCode::UNSUPPORTED_MEDIA_TYPE {
            let (name, value) = match self.accepts {
                Accepts::MediaTypes => (HeaderName::from_static("accept-post"), ACCEPT_POST),
                Accepts::Coding => (header::ACCEPT_ENCODING, "identity"),
            };
            headers.insert(name, HeaderValue::from_static(value));
        }
        if self.closes {
            let close = HeaderValue::from_static("close");
            headers.insert(header::CONNECTION, close);
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// The path, or words for a missing one: `CONNECT host:80`, and other methods with a host in its place, have none.
fn or_none(path: &str) -> &str {
    match path {
        "" => "an empty path",
        path => path,
    }
}

/// A method, which a client can make as long as a head.
pub fn short(method: &str) -> &str {
    method.get(..LONGEST_METHOD).unwrap_or(method)
}

fn as_uri<S: Serializer>(slug: &&'static str, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("/problems/{slug}"))
}

fn as_number<S: Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}
