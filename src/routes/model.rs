//! `GET /model`

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;

use crate::problem::Problem;
use crate::state::AppState;

/// The manifest and digest of the model in service.
pub async fn show(State(state): State<Arc<AppState>>) -> Result<impl IntoResponse, Problem> {
    let json = state.serving()?.model_json.clone();
    Ok(([(header::CONTENT_TYPE, "application/json")], json))
}
