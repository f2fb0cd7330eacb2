//! `GET /metrics`

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use crate::engine::Engine;
use crate::problem::Problem;
use crate::state::AppState;
use crate::telemetry::METRICS_TYPE;

/// All metric families, for Prometheus.
pub async fn show(State(state): State<Arc<AppState>>) -> Response {
    let depth = state.engine.get().map_or(0, Engine::queue_depth);
    match state.metrics.render(depth) {
        Ok(text) => ([(header::CONTENT_TYPE, METRICS_TYPE)], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "the metrics could not be written");
            Problem::internal().into_response()
        }
    }
}
