//! Reading a model file whole, whatever the path leads to.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use super::ModelError;
use crate::onnx;

/// Nothing shorter can hold a graph and a manifest.
const MIN_BYTES: u64 = 64;

/// Read first, to see whether the rest may be a model.
const START: u64 = 4096;

/// Reads an ONNX file's bytes; a path that leads to something else waits for nothing and fills no memory.
///
/// # Errors
/// [`ModelError`] if the path leads to no file, to one whose size or start no model's is, or to one that cannot be
/// read.
pub fn read_file(path: &Path) -> Result<Vec<u8>, ModelError> {
    let unreadable = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => ModelError::Missing { path: path.into() },
        _ => ModelError::Unreadable {
            path: path.into(),
            source,
        },
    };
    let metadata = fs::metadata(path).map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(ModelError::NotAFile { path: path.into() });
    }
    let origin = || path.display().to_string();
    check_size(metadata.len(), origin)?;
    let mut file = File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    let start = (&mut file).take(START).read_to_end(&mut bytes);
    start.map_err(unreadable)?;
    onnx::check_start(&bytes).map_err(|source| ModelError::Onnx {
        origin: origin(),
        source,
    })?;
    bytes.reserve_exact(metadata.len() as usize);
    file.read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(bytes)
}

/// Checks that a model can have so many bytes.
pub(super) fn check_size(bytes: u64, origin: impl Fn() -> String) -> Result<(), ModelError> {
    match bytes {
        ..MIN_BYTES => Err(ModelError::TooSmall {
            origin: origin(),
            bytes,
        }),
        MIN_BYTES..=onnx::MAX_BYTES => Ok(()),
        _ => Err(ModelError::TooLarge {
            origin: origin(),
            bytes,
        }),
    }
}
