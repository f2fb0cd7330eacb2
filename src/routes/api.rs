//! `GET /openapi.json` and `GET /docs`: the API, for programs and for people.

use axum::http::header;
use axum::response::{IntoResponse, Response};

use crate::openapi::written;
use crate::page;
use crate::problem::Problem;

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
    summary = "The API reference, as a page",
    responses((status = 200, description = "The page", body = String, content_type = "text/html"))
)]
pub async fn show() -> Result<Response, Problem> {
    Ok(page::reply(&written()?.page))
}
