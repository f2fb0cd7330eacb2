//! Tensors whose data is beside the model file, as PyTorch's exporter puts it into `model.onnx.data`.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Component, Path};

use normgate_core::model::read_file;
use normgate_core::onnx::proto::ModelProto;
use normgate_core::onnx::{ExternalPart, decode_with_external_data};

use super::AdoptError;
use crate::out::is_same_file;

/// Reads the model with all of its data; `out` must be none of the data's files.
///
/// # Errors
/// [`AdoptError`]. Data that is not in the folder of the model, or of the file that this is a link to, or below it,
/// is not read: a model from anyone could name any file on this machine.
pub fn read(path: &Path, out: &Path) -> Result<ModelProto, AdoptError> {
    let bytes = read_file(path)?;
    decode_with_external_data(&bytes, |part| read_part(path, part, out))
}

fn read_part(model: &Path, part: &ExternalPart, out: &Path) -> Result<Vec<u8>, AdoptError> {
    let location = Path::new(&part.location);
    let inside =
        |component: Component| matches!(component, Component::Normal(_) | Component::CurDir);
    let elsewhere = || AdoptError::Elsewhere {
        tensor: part.tensor.clone(),
        location: part.location.clone(),
    };
    if part.location.is_empty() || !location.components().all(inside) {
        return Err(elsewhere());
    }
    let folder = model.parent().unwrap_or(Path::new(""));
    let path = folder.join(location);
    let failed = |source| AdoptError::Data {
        tensor: part.tensor.clone(),
        path: path.clone(),
        source,
    };
    // A link could lead anywhere.
    let real = |path: &Path| path.canonicalize().map_err(failed);
    let home = match folder.as_os_str().is_empty() {
        true => Path::new("."),
        false => folder,
    };
    // In the cache of Hugging Face, model and data are links to files that lie beside each other elsewhere.
    let model = real(model)?;
    let (data, beside) = (real(&path)?, model.parent());
    if !data.starts_with(real(home)?) && !beside.is_some_and(|beside| data.starts_with(beside)) {
        return Err(elsewhere());
    }
    // Reading from a pipe could wait forever.
    if !path.is_file() {
        return Err(elsewhere());
    }
    if is_same_file(&path, out) {
        return Err(AdoptError::OverwritesModel { path: out.into() });
    }
    let mut file = File::open(&path).map_err(failed)?;
    file.seek(SeekFrom::Start(part.offset)).map_err(failed)?;
    let mut bytes = Vec::new();
    // More may be announced than there is, so memory is taken only for what is read.
    file.take(part.length)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if part.length != bytes.len() as u64 {
        return Err(failed(std::io::ErrorKind::UnexpectedEof.into()));
    }
    Ok(bytes)
}
