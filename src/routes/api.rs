//! `GET /openapi.json` and `GET /docs`: the API, for programs and for people.

use std::sync::LazyLock;

use axum::http::header;
use axum::response::{Html, IntoResponse};

use super::page::hash;
use crate::openapi::{STYLE, written};
use crate::problem::Problem;

/// It has no script, and loads nothing.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    format!(
        "default-src 'none'; style-src 'sha256-{}'; img-src data:; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'",
        hash(STYLE)
    )
});

/// The document.
#[utoipa::path(
    get,
    path = "/openapi.json",
    operation_id = "openapi",
    tag = "reading",
    summary = "This document",
    responses((
        status = 200,
        description = "OpenAPI 3.1",
        body = HashMap<String, Value>,
        content_type = "application/json"
    ))
)]
pub async fn document() -> Result<impl IntoResponse, Problem> {
    let json = written()?.json.clone();
    Ok(([(header::CONTENT_TYPE, "application/json")], json))
}

/// The page.
#[utoipa::path(
    get,
    path = "/docs",
    operation_id = "docs",
    tag = "reading",
    summary = "The API as a page to read",
    responses((status = 200, description = "The page", body = String, content_type = "text/html"))
)]
pub async fn page() -> Result<impl IntoResponse, Problem> {
    let headers = [
        (header::CONTENT_SECURITY_POLICY, POLICY.as_str()),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    Ok((headers, Html(written()?.page.as_str())))
}
