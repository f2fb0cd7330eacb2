//! The model file that `serve` and `classify` read.

use std::path::Path;

use normgate_core::Model;
use normgate_core::model::ModelError;

use super::failure::Failure;
use crate::config::DEFAULT_MODEL;

/// Reads the model file. If nobody named one and the default is not there, its path tells the user nothing, but how
/// to name another does.
pub fn open(path: &Path) -> Result<Model, Failure> {
    Model::open(path).map_err(|error| match error {
        ModelError::Missing { path } if path == Path::new(DEFAULT_MODEL) => Failure::Usage(format!(
            "there is no model file {DEFAULT_MODEL}, which is the default: name yours with --model \
             FILE or NORMGATE_MODEL"
        )),
        error => error.into(),
    })
}
