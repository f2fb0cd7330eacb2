//! The ONNX file format, as far as Normgate needs it: metadata, external data, building graphs.
//!
//! A model file may come from anyone. Reading therefore walks the bytes in place (`wire`), with
//! bounded depth and without allocating what a length field merely claims. Writing metadata copies
//! every other field's bytes, so that nothing this crate does not know is lost. To change a graph, it is decoded whole
//! ([`decode`]), which refuses a file of which anything would be lost.

mod access;
mod builder;
mod constants;
mod error;
mod external_data;
mod heads;
mod inline_data;
mod last_layer;
mod looks_like;
mod metadata;
pub mod proto;
mod whole;
mod wire;

#[cfg(test)]
mod tests;

pub use builder::{Conv, Dim, GraphBuilder, GraphError, TensorData, Value};
pub use error::OnnxError;
pub(crate) use external_data::refuse_external_data;
pub use heads::{Heads, NoHeads, before_softmax, heads, made_by};
pub use inline_data::{ExternalPart, decode_with_external_data};
pub use last_layer::{LastLayer, LastLayerError, last_layer};
pub use metadata::{read_metadata, remove_metadata, write_metadata};
pub use whole::{decode, encode};
