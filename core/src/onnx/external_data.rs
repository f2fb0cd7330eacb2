use super::OnnxError;
use super::looks_like::looks_like;
use super::message::Message;
use super::wire::{Fields, Payload};

/// The deepest that messages may be nested; a graph within a graph takes three levels (node, attribute, graph). Real
/// models nest fewer than five graphs.
const MAX_DEPTH: u32 = 64;

/// Refuses a model that keeps the data of any tensor in another file.
///
/// This looks at initialisers (dense and sparse), at tensors in attributes, and at all of these in nested graphs,
/// functions and training information.
///
/// # Errors
/// [`OnnxError::ExternalData`] with the first such tensor; another [`OnnxError`] if the model cannot be read.
pub fn refuse_external_data(model: &[u8]) -> Result<(), OnnxError> {
    check_outline(model)?;
    walk(model, Message::Model, 0, &tensor)
}

/// Refuses a model whose graphs are nested too deeply to be decoded.
pub(super) fn check_depth(model: &[u8]) -> Result<(), OnnxError> {
    check_outline(model)?;
    walk(model, Message::Model, 0, &|_| Ok(()))
}

fn walk(
    bytes: &[u8],
    message: Message,
    depth: u32,
    tensor: &impl Fn(&[u8]) -> Result<(), OnnxError>,
) -> Result<(), OnnxError> {
    if depth > MAX_DEPTH {
        return Err(OnnxError::TooDeep);
    }
    if matches!(message, Message::Tensor) {
        return tensor(bytes);
    }
    for field in Fields::inside(bytes) {
        let field = field?;
        let child = message.child(field.number);
        let child = child.filter(|child| child.leads_to_tensors());
        if let (Some(child), Some(bytes)) = (child, field.bytes()) {
            walk(bytes, child, depth + 1, tensor)?;
        }
    }
    Ok(())
}

fn tensor(bytes: &[u8]) -> Result<(), OnnxError> {
    /// Field numbers of `TensorProto.name`, `.external_data` and `.data_location`.
    const NAME: u32 = 8;
    const EXTERNAL_DATA: u32 = 13;
    const DATA_LOCATION: u32 = 14;

    let mut name: &[u8] = &[];
    let mut external = false;
    for field in Fields::inside(bytes) {
        let field = field?;
        match (field.number, field.payload) {
            (NAME, Payload::Bytes(text)) => name = text,
            (EXTERNAL_DATA, Payload::Bytes(_)) => external = true,
            // Anything but DEFAULT: a value that a later ONNX adds is not known to be harmless.
            (DATA_LOCATION, Payload::Varint(location)) if location != 0 => external = true,
            _ => {}
        }
    }
    if external {
        return Err(OnnxError::ExternalData {
            tensor: String::from_utf8_lossy(name).into_owned(),
        });
    }
    Ok(())
}

/// Checks that the bytes are a `ModelProto`, as far as its top level shows.
pub(super) fn check_outline(model: &[u8]) -> Result<(), OnnxError> {
    const IR_VERSION: u32 = 1;
    const GRAPH: u32 = 7;

    let (mut has_version, mut has_graph) = (false, false);
    for field in Fields::of(model) {
        match field {
            Ok(field) => match (field.number, field.payload) {
                (IR_VERSION, Payload::Varint(_)) => has_version = true,
                (GRAPH, Payload::Bytes(_)) => has_graph = true,
                _ => {}
            },
            // Only a file that began as a model can be called a damaged one.
            Err(error) if has_version => return Err(error),
            Err(_) => return Err(not_onnx(model)),
        }
    }
    match (has_version, has_graph) {
        (true, true) => Ok(()),
        (true, false) => Err(OnnxError::NoGraph),
        (false, _) => Err(not_onnx(model)),
    }
}

/// Refuses a file by its first bytes, if no model can begin with them.
///
/// # Errors
/// [`OnnxError::NotOnnx`].
pub(crate) fn check_start(bytes: &[u8]) -> Result<(), OnnxError> {
    match Fields::of(bytes).next() {
        // What is cut off here may go on.
        Some(Ok(_) | Err(OnnxError::Truncated { .. })) => Ok(()),
        Some(Err(_)) | None => Err(not_onnx(bytes)),
    }
}

fn not_onnx(bytes: &[u8]) -> OnnxError {
    OnnxError::NotOnnx {
        looks_like: looks_like(bytes),
    }
}
