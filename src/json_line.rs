//! JSON that ends with a line break.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// A reply in one line of JSON, including the line break: after `curl`, the prompt is on a line of its own, and
/// answers that are appended to a file are JSON Lines.
pub struct JsonLine<T>(pub T);

/// One line of JSON, with the line break that it ends with.
pub fn to_line(value: &impl Serialize) -> Result<Vec<u8>, serde_json::Error> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    Ok(line)
}

/// A reply of one line, in a body that is made of it.
pub fn response<B: IntoResponse>(
    value: &impl Serialize,
    body: impl FnOnce(Vec<u8>) -> B,
) -> Response {
    match to_line(value) {
        Ok(line) => {
            let json = HeaderValue::from_static("application/json");
            ([(header::CONTENT_TYPE, json)], body(line)).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "a reply cannot be written as JSON");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

impl<T: Serialize> IntoResponse for JsonLine<T> {
    fn into_response(self) -> Response {
        response(&self.0, |line| line)
    }
}
