//! `GET /metrics`

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use crate::problem::Problem;
use crate::state::AppState;
use crate::telemetry::METRICS_TYPE;

/// All metric families, for Prometheus.
pub async fn show(State(state): State<Arc<AppState>>) -> Response {
    let serving = state.serving().ok();
    let depth = serving.as_ref().map_or(0, |it| it.engine.queue_depth());
    let model = serving.as_ref().map(|it| it.metrics.as_ref());
    match state.metrics.render(model, depth, &state.connections) {
        Ok(text) => ([(header::CONTENT_TYPE, METRICS_TYPE)], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "the metrics could not be written");
            Problem::internal().into_response()
        }
    }
}
