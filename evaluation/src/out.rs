//! Where a model file is to be written: looked at before the work, not after it.

use std::path::{Path, PathBuf};

use crate::error::EvaluationError;

/// Whether both paths lead to one file, which is there.
pub(crate) fn is_same_file(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().ok();
    real(one).is_some_and(|one| Some(one) == real(other))
}

/// That the file's folder is there.
///
/// # Errors
/// [`EvaluationError::NoFolder`].
pub(crate) fn has_folder(out: &Path) -> Result<(), EvaluationError> {
    let folder = out.parent().unwrap_or(Path::new(""));
    match folder.as_os_str().is_empty() || folder.is_dir() {
        true => Ok(()),
        false => Err(EvaluationError::NoFolder {
            out: out.into(),
            folder: PathBuf::from(folder),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_missing_is_named_before_anything_is_done() {
        assert!(has_folder(Path::new("model.onnx")).is_ok());
        let folder = tempfile::tempdir().unwrap();
        assert!(has_folder(&folder.path().join("model.onnx")).is_ok());
        let error = has_folder(&folder.path().join("none/model.onnx")).unwrap_err();
        let said = error.to_string();
        assert!(
            said.contains("none/model.onnx: there is no folder"),
            "{said}"
        );
    }
}
