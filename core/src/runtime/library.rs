use std::env;
use std::path::{Path, PathBuf};

use super::RuntimeError;

const FOLDER: &str = ".runtime";

/// A build puts executables at most this deep: `<repository>/target/debug/deps/…`. Looking at all folders up to the
/// root, or at the working directory, would run the code of anyone who can write there: a folder of other people's
/// photos, for example.
const FOLDERS_ABOVE: usize = 4;

/// Finds the library in the order that [`super::Runtime::load`] documents. The result is absolute.
pub(super) fn find(asked: Option<&Path>) -> Result<PathBuf, RuntimeError> {
    if let Some(path) = asked {
        return existing(path, "--onnxruntime or NORMGATE_ONNXRUNTIME");
    }
    if let Some(path) = env::var_os("ORT_DYLIB_PATH").filter(|path| !path.is_empty()) {
        return existing(Path::new(&path), "ORT_DYLIB_PATH");
    }
    let looked_at = candidates(env::current_exe().ok().as_deref());
    match looked_at.iter().find_map(|path| absolute(path)) {
        Some(path) => Ok(path),
        None => Err(RuntimeError::NotFound { looked_at }),
    }
}

fn existing(path: &Path, asked_by: &'static str) -> Result<PathBuf, RuntimeError> {
    absolute(path).ok_or_else(|| RuntimeError::Missing {
        path: path.into(),
        asked_by,
    })
}

/// The absolute path of a file, since a relative path would be looked up beside the executable. Symbolic links are
/// kept, since providers are beside the name that was given.
fn absolute(path: &Path) -> Option<PathBuf> {
    path.is_file().then(|| std::path::absolute(path).ok())?
}

/// Whether two paths lead to the same file.
pub(super) fn same(one: &Path, other: &Path) -> bool {
    match (one.canonicalize(), other.canonicalize()) {
        (Ok(one), Ok(other)) => one == other,
        _ => one == other,
    }
}

fn candidates(executable: Option<&Path>) -> Vec<PathBuf> {
    let name = format!(
        "{}onnxruntime{}",
        env::consts::DLL_PREFIX,
        env::consts::DLL_SUFFIX
    );
    let above = || {
        executable
            .into_iter()
            .flat_map(|path| path.ancestors().skip(1))
    };
    let mut found: Vec<PathBuf> = above().take(1).map(|folder| folder.join(&name)).collect();
    let in_runtime = above().take(FOLDERS_ABOVE);
    found.extend(in_runtime.map(|folder| folder.join(FOLDER).join(&name)));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beside_the_executable_comes_before_runtime_folders_and_the_root_is_never_reached() {
        let executable = Path::new("/home/u/normgate/target/debug/deps/tests-1");
        let found = candidates(Some(executable));
        let name = format!(
            "{}onnxruntime{}",
            env::consts::DLL_PREFIX,
            env::consts::DLL_SUFFIX
        );
        let expected = [
            "/home/u/normgate/target/debug/deps",
            "/home/u/normgate/target/debug/deps/.runtime",
            "/home/u/normgate/target/debug/.runtime",
            "/home/u/normgate/target/.runtime",
            "/home/u/normgate/.runtime",
        ]
        .map(|folder| Path::new(folder).join(&name));
        assert_eq!(found, expected);
    }

    #[test]
    fn a_library_that_was_asked_for_and_is_missing_is_not_looked_for_elsewhere() {
        let error = find(Some(Path::new("no/such/library.so")))
            .unwrap_err()
            .to_string();
        assert!(error.contains("no/such/library.so"), "{error}");
        assert!(error.contains("make runtime"), "{error}");
        assert!(error.contains("--onnxruntime"), "{error}");
    }
}
