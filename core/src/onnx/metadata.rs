use super::OnnxError;
use super::external_data::check_outline;
use super::wire::{Field, Fields, push_bytes};

/// Field number of `ModelProto.metadata_props`.
const METADATA_PROPS: u32 = 14;
/// Field numbers of `StringStringEntryProto.key` and `.value`.
const KEY: u32 = 1;
const VALUE: u32 = 2;

/// Reads one value of the model's `metadata_props`; `None` if the key is absent.
///
/// # Errors
/// [`OnnxError`] if the bytes are not an ONNX file, the key occurs twice, or its value is not text.
pub fn read_metadata(model: &[u8], key: &str) -> Result<Option<String>, OnnxError> {
    check_outline(model)?;
    let mut found = None;
    for field in Fields::of(model) {
        let Some(entry) = entry_with_key(&field?, key)? else {
            continue;
        };
        let value = last_bytes(entry, VALUE)?;
        let text =
            std::str::from_utf8(value).map_err(|_| OnnxError::NotText { key: key.into() })?;
        if found.replace(text.to_owned()).is_some() {
            return Err(OnnxError::DuplicateKey { key: key.into() });
        }
    }
    Ok(found)
}

/// A copy of `model` in which the metadata `key` has the given value.
///
/// Every other field, known to this crate or not, is copied byte for byte and in its order.
///
/// # Errors
/// [`OnnxError`] if the bytes are not an ONNX file.
pub fn write_metadata(model: &[u8], key: &str, value: &str) -> Result<Vec<u8>, OnnxError> {
    let mut entry = Vec::with_capacity(key.len() + value.len() + 16);
    push_bytes(&mut entry, KEY, key.as_bytes());
    push_bytes(&mut entry, VALUE, value.as_bytes());
    replace(model, key, Some(&entry))
}

/// A copy of `model` without the metadata `key`; every other field is copied as in [`write_metadata`].
///
/// # Errors
/// As [`write_metadata`].
pub fn remove_metadata(model: &[u8], key: &str) -> Result<Vec<u8>, OnnxError> {
    replace(model, key, None)
}

fn replace(model: &[u8], key: &str, mut entry: Option<&[u8]>) -> Result<Vec<u8>, OnnxError> {
    check_outline(model)?;
    let mut copy = Vec::with_capacity(model.len() + entry.map_or(0, <[u8]>::len) + 16);
    for field in Fields::of(model) {
        let field = field?;
        if entry_with_key(&field, key)?.is_none() {
            copy.extend_from_slice(field.raw);
        } else if let Some(entry) = entry.take() {
            push_bytes(&mut copy, METADATA_PROPS, entry);
        }
    }
    if let Some(entry) = entry {
        push_bytes(&mut copy, METADATA_PROPS, entry);
    }
    Ok(copy)
}

/// The entry's bytes, if `field` is a metadata entry with this key.
fn entry_with_key<'a>(field: &Field<'a>, key: &str) -> Result<Option<&'a [u8]>, OnnxError> {
    match field.bytes() {
        Some(entry) if field.number == METADATA_PROPS => {
            Ok((last_bytes(entry, KEY)? == key.as_bytes()).then_some(entry))
        }
        _ => Ok(None),
    }
}

/// As in protobuf: if a scalar field is repeated the last one counts, if it is absent the default does.
fn last_bytes(entry: &[u8], number: u32) -> Result<&[u8], OnnxError> {
    let mut last: &[u8] = &[];
    for field in Fields::inside(entry) {
        let field = field?;
        if let (true, Some(bytes)) = (field.number == number, field.bytes()) {
            last = bytes;
        }
    }
    Ok(last)
}
