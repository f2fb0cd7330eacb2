//! `GET /livez` and `GET /readyz`

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::json_line::JsonLine;
use crate::problem::Problem;
use crate::state::AppState;

/// The process runs and answers.
#[derive(Serialize, ToSchema)]
pub struct Alive {
    /// `alive`
    status: &'static str,
}

/// The server is ready: what it classifies with.
#[derive(Serialize, ToSchema)]
pub struct Ready {
    /// `ready`
    status: &'static str,
    model: ReadyModel,
    /// What ONNX Runtime runs the model on, such as `CPUExecutionProvider`.
    provider: &'static str,
    /// Threads that classify, each with a session of its own.
    workers: usize,
    /// Threads of the session for an image that is alone; 0 if there is none.
    lone_threads: usize,
}

/// The model in service.
#[derive(Serialize, ToSchema)]
struct ReadyModel {
    name: String,
    version: String,
    /// SHA-256 of the model's file in hexadecimal.
    digest: String,
}

/// 200 as long as the process answers and no worker hangs, against which only a new process helps.
#[utoipa::path(
    get,
    path = "/livez",
    operation_id = "livez",
    tag = "operation",
    summary = "Whether the process answers and no worker hangs",
    responses((status = 200, description = "It is alive", body = Alive))
)]
pub async fn alive(State(state): State<Arc<AppState>>) -> Result<JsonLine<Alive>, Problem> {
    match state.hangs() {
        Some(since) => {
            let seconds = since.as_secs();
            // If the process is restarted for it, the reason is gone, except from the log.
            if let Some(line) = state.refusals.line() {
                tracing::error!(
                    seconds,
                    unsaid = line.unsaid,
                    "a worker hangs: it has been at the same batch all the while"
                );
            }
            Err(Problem::worker_hangs(seconds))
        }
        None => Ok(JsonLine(Alive { status: "alive" })),
    }
}

/// 200 while requests should come here; 503 with the reason before the model is warm, and from the moment that the
/// server is told to stop.
#[utoipa::path(
    get,
    path = "/readyz",
    operation_id = "readyz",
    tag = "operation",
    summary = "Whether to send requests here, and what answers them",
    responses((status = 200, description = "It is ready", body = Ready))
)]
pub async fn ready(State(state): State<Arc<AppState>>) -> Result<JsonLine<Ready>, Problem> {
    if state.lifecycle.is_stopping() {
        return Err(Problem::shutting_down());
    }
    let serving = state.serving()?;
    Ok(JsonLine(Ready {
        status: "ready",
        model: ReadyModel {
            name: serving.manifest.name.clone(),
            version: serving.manifest.version.clone(),
            digest: serving.digest.clone(),
        },
        provider: serving.engine.provider(),
        workers: serving.engine.layout().workers,
        lone_threads: serving.engine.lone_threads(),
    }))
}
