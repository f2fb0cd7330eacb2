//! What `GET /model` and `inspect --json` say about a model.

use axum::body::Bytes;
use normgate_core::{Manifest, Model};
use serde_json::{Value, json};

use crate::json_line;

/// The manifest as `GET /model` answers it: with quantiles in place of up to 10,000 calibration scores.
pub fn render(model: &Model) -> Result<Bytes, serde_json::Error> {
    Ok(json_line::to_line(&document(model)?)?.into())
}

/// The manifest with its calibration scores summarised, and what a fitted score was fitted to.
pub fn document(model: &Model) -> Result<Value, serde_json::Error> {
    let manifest: &Manifest = model.manifest();
    let mut document = serde_json::to_value(manifest)?;
    document["digest"] = json!(model.digest());
    if let Some(fitted) = model.fitted() {
        document["fitted"] = json!({"images": fitted.images, "data": fitted.data});
    }
    if let Some(calibration) = &manifest.calibration {
        let at = |q: f64| calibration.score_at(q);
        document["calibration"]["scores"] = json!({
            "kept": calibration.scores.len(),
            "min": at(0.0), "p5": at(0.05), "p25": at(0.25), "median": at(0.5),
            "p75": at(0.75), "p95": at(0.95), "max": at(1.0),
        });
    }
    Ok(document)
}
