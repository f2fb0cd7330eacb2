use thiserror::Error;

use super::SCHEMA_VERSION;

/// Why a manifest was refused. Each message names the field, if there is one.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// The text is not a JSON document.
    #[error("the manifest is not valid JSON: {source}")]
    NotJson {
        /// Where and why the parser stopped.
        source: serde_json::Error,
    },
    /// `schema_version` is greater than the one that this Normgate knows.
    #[error(
        "schema_version: is {found}, made by a newer Normgate; this one reads up to version \
         {SCHEMA_VERSION}. Update Normgate, or export the model again with this one"
    )]
    NewerSchema {
        /// The version found.
        found: u64,
    },
    /// `schema_version` is missing, is not a whole number, or was never used.
    #[error(
        "schema_version: {problem}; this Normgate reads version {SCHEMA_VERSION}. \
         Export the model again"
    )]
    UnknownSchema {
        /// What is wrong with it.
        problem: String,
    },
    /// A field is missing, of the wrong type or outside its range.
    #[error("{field}: {problem}")]
    Field {
        /// Path of the field, such as `preprocessing.std[2]`.
        field: String,
        /// What is wrong with it, and what it must be.
        problem: String,
    },
    /// The manifest could not be turned into JSON.
    #[error("the manifest could not be written as JSON: {source}")]
    Unwritable {
        /// The serialiser's reason.
        source: serde_json::Error,
    },
}

impl ManifestError {
    pub(super) fn invalid(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Field {
            field: field.into(),
            problem: problem.into(),
        }
    }

    pub(super) fn from_serde(error: serde_path_to_error::Error<serde_json::Error>) -> Self {
        let path = error.path().to_string();
        let problem = error.inner().to_string();
        // serde reports a missing field at its parent and names it only in the message.
        let missing = problem
            .strip_prefix("missing field `")
            .and_then(|rest| rest.split('`').next());
        match missing {
            Some(name) if path == "." => Self::invalid(name, "is missing"),
            Some(name) => Self::invalid(format!("{path}.{name}"), "is missing"),
            None if path == "." => Self::invalid("(the whole manifest)", problem),
            None => Self::invalid(path, problem),
        }
    }
}
