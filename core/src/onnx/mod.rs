//! The ONNX file format, as far as Normgate needs it: metadata, external data, and graphs to read, build and change.
//!
//! A model file may come from anyone. So reading walks the bytes in place (`wire`), with bounded depth, and never
//! allocates by what a length field claims. Writing metadata copies the bytes of every other field, so nothing that
//! this crate does not know is lost. A graph that is to be changed is decoded completely ([`decode`]), and refused if
//! anything would be lost.

mod access;
mod builder;
mod constants;
mod error;
mod external_data;
mod heads;
mod initialisers;
mod inline_data;
mod last_layer;
mod looks_like;
mod message;
mod metadata;
pub mod proto;
mod whole;
mod wire;

#[cfg(test)]
mod tests;

pub use builder::{Dim, GraphBuilder, GraphError, TensorData, Value, Window};
pub use error::OnnxError;
pub(crate) use external_data::{check_start, refuse_external_data};
pub use heads::{Heads, NoHeads, before_softmax, heads, made_by};
pub(crate) use initialisers::initialisers_elsewhere;
pub use inline_data::{ExternalPart, decode_with_external_data};
pub use last_layer::{LastLayer, LastLayerError, last_layer};
pub use metadata::{read_metadata, remove_metadata, write_metadata};
pub(crate) use whole::decode_without_external_data;
pub use whole::{decode, encode};

/// Protobuf's limit for one message, in bytes, and so for one model file.
pub(crate) const MAX_BYTES: u64 = i32::MAX as u64;
