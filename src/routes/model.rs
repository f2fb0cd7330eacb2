//! `GET /model`

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;

use crate::openapi::Model;
use crate::problem::Problem;
use crate::state::AppState;

/// The manifest and digest of the model in service.
#[utoipa::path(
    get,
    path = "/model",
    operation_id = "model",
    tag = "images",
    summary = "The model in service: labels, preprocessing, score, calibration",
    responses((status = 200, description = "The manifest", body = Model, content_type = "application/json"))
)]
pub async fn show(State(state): State<Arc<AppState>>) -> Result<impl IntoResponse, Problem> {
    let json = state.serving()?.model_json.clone();
    Ok(([(header::CONTENT_TYPE, "application/json")], json))
}
