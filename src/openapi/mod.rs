//! The API as an OpenAPI 3.1 document, generated from the routes and from what they answer with.
//!
//! What is answered when all is well is described beside each route and each type; what all routes have in common,
//! and the problems that each can have, are added here.

mod bodies;
pub mod examples;
mod manifest;
mod page;
mod parameters;
mod problems;
#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use axum::body::Bytes;
use utoipa::openapi::header::{Header, HeaderBuilder};
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::{OpenApi, RefOr};
use utoipa::{Modify, OpenApi as _};

pub use bodies::{Form, ImageFile};
pub use manifest::Model;

use crate::json_line;
use crate::problem::Problem;
use crate::routes::{api, classify, health, metrics, model, page as try_it, problems as texts};

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Normgate",
        description = "Classifies images and flags those it should not classify: `is_ood` is true \
                       when an image looks like nothing that the model was trained on (out of \
                       distribution, OOD). Errors are problem details (RFC 9457), except for a \
                       head that is not understood as HTTP (400) or is too long (431): these get \
                       no body. Paths that are not listed here answer 404, other methods 405."
    ),
    tags(
        (name = "images", description = "Classify images"),
        (name = "operation", description = "Monitor the server"),
        (name = "reading", description = "Pages and documents")
    ),
    paths(
        api::document,
        api::show,
        classify::classify,
        health::alive,
        health::ready,
        metrics::show,
        model::show,
        texts::all,
        texts::one,
        try_it::show,
    ),
    components(schemas(Problem)),
    modifiers(&EveryRoute)
)]
struct Api;

/// Adds what all routes have in common, and their problems.
struct EveryRoute;

impl Modify for EveryRoute {
    fn modify(&self, api: &mut OpenApi) {
        for (path, item) in &mut api.paths.paths {
            for operation in [&mut item.get, &mut item.post].into_iter().flatten() {
                let parameters = operation.parameters.get_or_insert_default();
                parameters.extend(parameters::of(path));
                let responses = &mut operation.responses.responses;
                responses.extend(problems::responses(path));
                for response in responses.values_mut() {
                    if let RefOr::T(response) = response {
                        let id = header("The request's id, which is also in the server's log");
                        response.headers.insert("x-request-id".into(), id);
                    }
                }
            }
        }
    }
}

fn header(description: &str) -> Header {
    HeaderBuilder::new().description(Some(description)).build()
}

static DOCUMENT: LazyLock<OpenApi> = LazyLock::new(Api::openapi);

static WRITTEN: LazyLock<Result<Written, serde_json::Error>> = LazyLock::new(|| {
    Ok(Written {
        json: json_line::to_line(&*DOCUMENT)?.into(),
        page: page::render(&serde_json::to_value(&*DOCUMENT)?),
    })
});

/// The document as it is sent.
pub struct Written {
    /// As `GET /openapi.json` answers it.
    pub json: Bytes,
    /// As `GET /docs` answers it.
    pub page: String,
}

/// The document, written at the first call.
pub fn written() -> Result<&'static Written, Problem> {
    WRITTEN.as_ref().map_err(|error| {
        tracing::error!(%error, "the description of the API could not be written");
        Problem::internal()
    })
}

/// The methods that a route answers, by its path in the router; HEAD, with GET, is not in the document.
pub fn methods(path: &str) -> Vec<&'static str> {
    let item = DOCUMENT.paths.paths.get(path);
    let operations = item.into_iter().flat_map(operations);
    let methods = operations.flat_map(|(method, _)| match method {
        "GET" => &["GET", "HEAD"][..],
        _ => &["POST"],
    });
    methods.copied().collect()
}

fn operations(item: &PathItem) -> impl Iterator<Item = (&'static str, &Operation)> {
    let all = [("GET", &item.get), ("POST", &item.post)];
    all.into_iter()
        .filter_map(|(method, operation)| Some((method, operation.as_ref()?)))
}
