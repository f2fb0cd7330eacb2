//! The problems that each route can have, as the server answers them.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::http::HeaderName;
use axum::response::IntoResponse;
use normgate_core::preprocess::DecodeError;
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};

use super::header;
use crate::engine::EngineError;
use crate::problem::Problem;

/// A name for the example, and the problem.
type Named = (&'static str, Problem);

/// The headers that tell a client what to do next.
const HEADERS: [(&str, &str); 3] = [
    ("retry-after", "Seconds after which to try again"),
    ("accept-post", "The media types that are accepted"),
    ("accept-encoding", "The content codings that are accepted"),
];

/// What a route answers when something is wrong, by status.
pub fn responses(path: &str) -> BTreeMap<String, RefOr<Response>> {
    let mut by_status: BTreeMap<_, Vec<Named>> = BTreeMap::new();
    for named in of(path) {
        let status = named.1.status().as_u16();
        by_status.entry(status).or_default().push(named);
    }
    let responses = by_status.into_iter();
    responses
        .map(|(status, problems)| (status.to_string(), response(&problems).into()))
        .collect()
}

/// The response for problems that all have the same status.
fn response(problems: &[Named]) -> Response {
    let mut content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem")));
    let mut response = ResponseBuilder::new();
    let mut titles: Vec<&str> = Vec::new();
    for (name, problem) in problems {
        let example = ExampleBuilder::new()
            .summary(problem.title())
            .value(serde_json::to_value(problem).ok());
        content = content.examples_from_iter([(*name, example.build())]);
        let reply = problem.clone().into_response();
        for (name, description) in HEADERS {
            if reply.headers().contains_key(HeaderName::from_static(name)) {
                response = response.header(name, header(description));
            }
        }
        if !titles.contains(&problem.title()) {
            titles.push(problem.title());
        }
    }
    response
        .description(titles.join(", or: "))
        .content("application/problem+json", content.build())
        .build()
}

/// All problems that a route can have.
fn of(path: &str) -> Vec<Named> {
    let own = match path {
        "/classify" => of_classify(),
        "/livez" => vec![("a-worker-hangs", Problem::worker_hangs(75))],
        "/model" => vec![("loading", Problem::not_ready())],
        "/readyz" => vec![
            ("loading", Problem::not_ready()),
            ("stopping", Problem::shutting_down()),
        ],
        "/problems/{slug}" => vec![("no-such-problem", Problem::not_found("/problems/nothing"))],
        _ => Vec::new(),
    };
    [own, of_every_route()].concat()
}

fn of_every_route() -> Vec<Named> {
    vec![
        (
            "forbidden-head",
            Problem::malformed("the request has more than one Host header"),
        ),
        ("fault-of-the-server", Problem::internal()),
        (
            "unknown-transfer-coding",
            Problem::unknown_transfer_coding("gzip"),
        ),
    ]
}

/// The problems of `/classify`, with the default limits of a server.
fn of_classify() -> Vec<Named> {
    let of_another_format = DecodeError::UnsupportedFormat {
        looks_like: Some("PDF"),
    };
    vec![
        ("no-body", Problem::no_body()),
        ("slow-body", Problem::slow_request(30.0)),
        ("too-many-bytes", Problem::body_too_large(32 << 20)),
        ("too-many-files", Problem::too_many_files(64)),
        (
            "too-many-pixels",
            Problem::image_too_large(12_000, 9_000, 50_000_000),
        ),
        ("no-image", of_another_format.into()),
        ("compressed-body", Problem::compressed()),
        (
            "damaged-image",
            Problem::undecodable("the JPEG image is damaged: the file ends too early (truncated)"),
        ),
        ("full-queue", EngineError::Full(Duration::ZERO).into()),
        ("loading", Problem::not_ready()),
        ("stopping", Problem::shutting_down()),
        ("too-late", Problem::deadline_exceeded(10.0, "--deadline")),
    ]
}
