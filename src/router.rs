//! The routes: a table of contents.

use std::sync::Arc;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::from_fn_with_state;
use axum::response::IntoResponse;
use axum::routing::{MethodRouter, get, post};
use tower::layer::layer_fn;
use tower_http::catch_panic::CatchPanicLayer;

use crate::head::HeadCheck;
use crate::openapi;
use crate::problem::Problem;
use crate::routes::{api, classify, health, metrics, model, page, problems};
use crate::state::AppState;
use crate::telemetry::observe;

/// All paths, as the metrics name them.
pub const ROUTES: [&str; 10] = [
    "/",
    "/classify",
    "/docs",
    "/livez",
    "/metrics",
    "/model",
    "/openapi.json",
    "/problems",
    "/problems/{slug}",
    "/readyz",
];

/// A path, and what answers there.
type Route = (&'static str, MethodRouter<Arc<AppState>>);

/// The routes for orchestrators and for Prometheus.
fn probes() -> [Route; 3] {
    [
        ("/livez", get(health::alive)),
        ("/metrics", get(metrics::show)),
        ("/readyz", get(health::ready)),
    ]
}

/// The routes to which the `type` of every problem leads.
fn problem_texts() -> [Route; 2] {
    [
        ("/problems", get(problems::all)),
        ("/problems/{slug}", get(problems::one)),
    ]
}

/// The routes for those who classify images.
fn for_clients() -> [Route; 5] {
    [
        ("/", get(page::show)),
        ("/classify", post(classify::classify)),
        ("/docs", get(api::show)),
        ("/model", get(model::show)),
        ("/openapi.json", get(api::document)),
    ]
}

/// The whole service, at `--listen`.
pub fn router(state: Arc<AppState>) -> Router {
    let routes = probes().into_iter().chain(problem_texts());
    finished(of(routes.chain(for_clients())).fallback(not_found), state)
}

/// What is answered at `--probe-listen`.
pub fn probe_router(state: Arc<AppState>) -> Router {
    let routes = probes().into_iter().chain(problem_texts());
    finished(of(routes).fallback(not_a_probe), state)
}

fn of(routes: impl Iterator<Item = Route>) -> Router<Arc<AppState>> {
    routes.fold(Router::new(), |router, (path, answer)| {
        router.route(path, answer)
    })
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
        // One layer for both, since each layer takes memory for each request.
        .layer((catch_panics, check_heads))
        .layer(from_fn_with_state(Arc::clone(&state), observe))
        .with_state(state)
}

// A photo sent to the wrong path or with the wrong method is read, so that its client gets to see the answer.

async fn not_found(State(state): State<Arc<AppState>>, request: Request) -> Problem {
    let problem = Problem::not_found(request.uri().path());
    state.intake.refuse(request, problem)
}

async fn not_a_probe(State(state): State<Arc<AppState>>, request: Request) -> Problem {
    let problem = Problem::not_a_probe(request.uri().path());
    state.intake.refuse(request, problem)
}

async fn method_not_allowed(
    State(state): State<Arc<AppState>>,
    route: MatchedPath,
    request: Request,
) -> Problem {
    let answered = openapi::methods(route.as_str()).join(" and ");
    let method = request.method().as_str();
    let problem = Problem::method_not_allowed(method, request.uri().path(), &answered);
    state.intake.refuse(request, problem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_name_the_routes_that_there_are() {
        let routes = probes().into_iter().chain(problem_texts());
        let mut paths: Vec<_> = routes.chain(for_clients()).map(|(path, _)| path).collect();
        paths.sort_unstable();
        assert_eq!(paths, ROUTES);
    }
}
