//! What happens around every request: its id, its duration, its line in the log.

use std::sync::Arc;
use std::time::Instant;

use axum::body::HttpBody;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument;

use super::refusals::{Line, Said};
use super::request_id;
use crate::problem::{Problem, short};
use crate::state::AppState;
use normgate_core::printable::printable;

/// Wraps every route.
///
/// Success is logged at debug, since the metrics count it, and a line for each request would be most of the server's
/// work; refusals at info, so that outsiders cannot raise an alarm, and as many as [`Refusals`] allows. Only what is
/// ours to mend is a warning or an error.
///
/// [`Refusals`]: super::Refusals
pub async fn observe(State(state): State<Arc<AppState>>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = request_id::of(&request);
    let id_text = id.to_str().unwrap_or_default();
    let method = request.method().clone();
    let uri = request.uri().clone();
    let route = route_of(&request);
    let span = tracing::error_span!("request", id = id_text);
    let has_needless_body = method.is_safe() && !request.body().is_end_stream();
    let (request, goes_on) = match has_needless_body {
        true => state.intake.without_body(request),
        false => (request, true),
    };
    let mut response = next.run(request).instrument(span.clone()).await;
    let took = started.elapsed();
    state
        .metrics
        .request(route, response.status().as_u16(), took);

    let _entered = span.enter();
    let status = response.status().as_u16();
    let milliseconds = took.as_micros() as f64 / 1000.0;
    let method = short(method.as_str());
    let problem = response.extensions().get::<Problem>();
    let detail = problem.map(Problem::detail).unwrap_or_default();
    let by_request = problem.is_some_and(Problem::is_by_request);
    let path = || printable(uri.path());
    // The client's words are a field, which is quoted; in a message they would appear as they are.
    match (status >= 400).then(|| state.refusals.said(status, by_request, detail)) {
        None => tracing::debug!(method, path = path(), status, milliseconds, "answered"),
        Some(Said::Fault) => {
            tracing::error!(method, path = path(), status, milliseconds, "failed");
        }
        Some(Said::Late(Line { unsaid })) => {
            let path = path();
            tracing::warn!(
                method,
                path,
                status,
                milliseconds,
                detail,
                unsaid,
                "too late"
            );
        }
        Some(Said::Refused(Line { unsaid })) => {
            let path = path();
            tracing::info!(
                method,
                path,
                status,
                milliseconds,
                detail,
                unsaid,
                "refused"
            );
        }
        Some(Said::Quietly) => {
            tracing::debug!(
                method,
                path = path(),
                status,
                milliseconds,
                detail,
                "refused"
            );
        }
    }

    let headers = response.headers_mut();
    headers.insert(request_id::HEADER, id);
    // What is true now may not be true a second later: another model, another state.
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    if state.lifecycle.is_stopping() || !goes_on {
        // A client that reuses its connection would find it closed a moment later.
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// The route as a label for metrics: one of few, whatever paths clients make up.
fn route_of(request: &Request) -> &'static str {
    let matched = request
        .extensions()
        .get::<MatchedPath>()
        .map(MatchedPath::as_str);
    let known = crate::router::ROUTES
        .iter()
        .find(|route| Some(**route) == matched);
    known.copied().unwrap_or("other")
}
