//! Where a model file or a report will be written: checked before the work, not after it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::EvaluationError;
use crate::reports;

/// Whether both paths lead to the same file, which exists.
pub(crate) fn is_same_file(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().ok();
    real(one).is_some_and(|one| Some(one) == real(other))
}

/// Checks that the file's folder exists.
///
/// # Errors
/// [`EvaluationError::NoFolder`].
pub fn has_folder(out: &Path) -> Result<(), EvaluationError> {
    let folder = out.parent().unwrap_or(Path::new(""));
    match folder.as_os_str().is_empty() || folder.is_dir() {
        true => Ok(()),
        false => Err(EvaluationError::NoFolder {
            out: out.into(),
            folder: PathBuf::from(folder),
        }),
    }
}

/// Checks that a report may be written into a folder: no file is in its place, and nothing from elsewhere is where the
/// report's files will be.
///
/// # Errors
/// [`EvaluationError::OutIsFile`], [`EvaluationError::OutHasOther`].
pub(crate) fn may_hold_report(out: &Path) -> Result<(), EvaluationError> {
    can_be_folder(out)?;
    let mut files = reports::files().map(|file| out.join(file));
    let others = files.find(|file| !holds_report(out) && file.exists());
    match others {
        Some(file) => Err(EvaluationError::OutHasOther {
            out: out.into(),
            file,
        }),
        None => Ok(()),
    }
}

/// Whether a folder has a report of ours, or one whose writing was interrupted: its figures are written last.
pub(crate) fn holds_report(folder: &Path) -> bool {
    let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap_or_default();
    let figures: Option<serde_json::Value> = serde_json::from_str(&read("report.json")).ok();
    let is_whole =
        figures.is_some_and(|it| it["normgate"].is_string() && it["figures"].is_object());
    is_whole || read("report.md").contains(reports::MADE_BY)
}

/// Checks that there is a folder, or that one can be made: no file is in its place.
///
/// # Errors
/// [`EvaluationError::OutIsFile`].
fn can_be_folder(out: &Path) -> Result<(), EvaluationError> {
    let there = out.ancestors().find(|part| part.exists());
    match there.filter(|part| !part.is_dir()) {
        None => Ok(()),
        Some(file) => Err(EvaluationError::OutIsFile {
            out: out.into(),
            file: file.into(),
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

    #[test]
    fn a_text_from_elsewhere_is_not_overwritten_by_a_report() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("report.md");
        assert!(may_hold_report(folder.path()).is_ok());
        let interrupted = format!("# Evaluation of m 1\n{} 1.2.3 on", reports::MADE_BY);
        std::fs::write(&file, interrupted).unwrap();
        assert!(may_hold_report(folder.path()).is_ok());
        std::fs::write(&file, "# Evaluation of our cameras\n").unwrap();
        let said = |part: &str| {
            let said = may_hold_report(folder.path()).unwrap_err().to_string();
            assert!(said.contains(part), "{said}");
        };
        said("report.md is no part of a report of Normgate");
        std::fs::rename(&file, folder.path().join("report.json")).unwrap();
        said("report.json is no part");
        let whole = r#"{"normgate": "0.1.0", "figures": {}}"#;
        std::fs::write(folder.path().join("report.json"), whole).unwrap();
        assert!(may_hold_report(folder.path()).is_ok());
        std::fs::rename(
            folder.path().join("report.json"),
            folder.path().join("roc.svg"),
        )
        .unwrap();
        said("roc.svg is no part");
    }

    #[test]
    fn a_file_where_a_report_is_to_be_is_named_before_anything_is_done() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("report");
        assert!(can_be_folder(&file).is_ok());
        assert!(can_be_folder(folder.path()).is_ok());
        assert!(can_be_folder(Path::new("new/report")).is_ok());
        std::fs::write(&file, "").unwrap();
        for out in [file.clone(), file.join("again")] {
            let said = can_be_folder(&out).unwrap_err().to_string();
            let expected = format!("--out {}: {} is a file", out.display(), file.display());
            assert!(said.starts_with(&expected), "{said}");
        }
    }
}
