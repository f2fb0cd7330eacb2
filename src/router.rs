//! The routes: a table of contents.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::middleware::from_fn_with_state;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use tower_http::catch_panic::CatchPanicLayer;

use crate::problem::Problem;
use crate::routes::{classify, health, metrics, model, page, problems};
use crate::state::AppState;
use crate::telemetry::observe;

/// All paths, as metrics name them.
pub const ROUTES: [&str; 8] = [
    "/",
    "/classify",
    "/livez",
    "/metrics",
    "/model",
    "/problems",
    "/problems/{slug}",
    "/readyz",
];

/// The whole service.
pub fn router(state: Arc<AppState>) -> Router {
    Router::new()
        .route("/", get(page::show))
        .route("/classify", post(classify::classify))
        .route("/livez", get(health::alive))
        .route("/metrics", get(metrics::show))
        .route("/model", get(model::show))
        .route("/problems", get(problems::all))
        .route("/problems/{slug}", get(problems::one))
        .route("/readyz", get(health::ready))
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(CatchPanicLayer::custom(|_| {
            Problem::internal().into_response()
        }))
        .layer(from_fn_with_state(Arc::clone(&state), observe))
        .with_state(state)
}

async fn not_found(request: Request) -> Problem {
    Problem::not_found(request.uri().path())
}

async fn method_not_allowed(request: Request) -> Problem {
    Problem::method_not_allowed(request.method().as_str(), request.uri().path())
}
