//! The routes: a table of contents.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::from_fn_with_state;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use tower::layer::layer_fn;
use tower_http::catch_panic::CatchPanicLayer;

use crate::head::HeadCheck;
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

/// The whole service, at `--listen`.
pub fn router(state: Arc<AppState>) -> Router {
    let routes = probes()
        .merge(problem_texts())
        .route("/", get(page::show))
        .route("/classify", post(classify::classify))
        .route("/model", get(model::show))
        .fallback(not_found);
    finished(routes, state)
}

/// What is there at `--probe-listen`.
pub fn probe_router(state: Arc<AppState>) -> Router {
    let routes = probes().merge(problem_texts()).fallback(not_a_probe);
    finished(routes, state)
}

/// For orchestrators and for Prometheus.
fn probes() -> Router<Arc<AppState>> {
    Router::new()
        .route("/livez", get(health::alive))
        .route("/metrics", get(metrics::show))
        .route("/readyz", get(health::ready))
}

/// Where the `type` of every problem leads.
fn problem_texts() -> Router<Arc<AppState>> {
    Router::new()
        .route("/problems", get(problems::all))
        .route("/problems/{slug}", get(problems::one))
}

fn finished(routes: Router<Arc<AppState>>, state: Arc<AppState>) -> Router {
    let catch_panics = CatchPanicLayer::custom(|_| Problem::internal().into_response());
    let for_heads = Arc::clone(&state);
    let check_heads = layer_fn(move |route| HeadCheck {
        state: Arc::clone(&for_heads),
        route,
    });
    routes
        .method_not_allowed_fallback(method_not_allowed)
        // As one, since each takes memory for each request.
        .layer((catch_panics, check_heads))
        .layer(from_fn_with_state(Arc::clone(&state), observe))
        .with_state(state)
}

// A photo sent to the wrong path or by the wrong method is taken in, so that its client learns so.

async fn not_found(State(state): State<Arc<AppState>>, request: Request) -> Problem {
    let problem = Problem::not_found(request.uri().path());
    state.intake.refuse(request, problem)
}

async fn not_a_probe(State(state): State<Arc<AppState>>, request: Request) -> Problem {
    let problem = Problem::not_a_probe(request.uri().path());
    state.intake.refuse(request, problem)
}

async fn method_not_allowed(State(state): State<Arc<AppState>>, request: Request) -> Problem {
    let problem = Problem::method_not_allowed(request.method().as_str(), request.uri().path());
    state.intake.refuse(request, problem)
}
