//! `GET /metrics`

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};

use crate::accept::prefers;
use crate::problem::Problem;
use crate::state::AppState;
use crate::telemetry::{
    Levels, OPENMETRICS_TYPE, PLAIN_METRICS_TYPE, from_openmetrics, openmetrics_of_scores,
    plain_of_scores,
};

/// All metric families, for Prometheus, which says in `Accept` what it reads.
#[utoipa::path(
    get,
    path = "/metrics",
    operation_id = "metrics",
    tag = "operation",
    summary = "Metrics for Prometheus",
    description = "OpenMetrics if `Accept` asks for it.",
    responses((status = 200, description = "All metrics", content(
        (String = "text/plain"), (String = "application/openmetrics-text")
    )))
)]
pub async fn show(State(state): State<Arc<AppState>>, headers: HeaderMap) -> Response {
    let serving = state.serving().ok();
    let levels = Levels {
        queue_depth: serving.as_ref().map_or(0, |it| it.engine.queue_depth()),
        body_memory: state.intake.held(),
        connections: &state.connections,
    };
    let model = serving.as_ref().map(|it| it.metrics.as_ref());
    match state.metrics.render(model, &levels) {
        Ok(text) => {
            let openmetrics = prefers(&headers, "application/openmetrics-text", "text/plain");
            let (media_type, text) = match openmetrics {
                true => (OPENMETRICS_TYPE, openmetrics_of_scores(&text)),
                false => (
                    PLAIN_METRICS_TYPE,
                    from_openmetrics(&plain_of_scores(&text)),
                ),
            };
            let headers = [
                (header::CONTENT_TYPE, HeaderValue::from_static(media_type)),
                (header::VARY, HeaderValue::from_static("accept")),
            ];
            (headers, text).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "the metrics could not be written");
            Problem::internal().into_response()
        }
    }
}
