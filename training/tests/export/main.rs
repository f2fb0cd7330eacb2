//! From a run to a model file: the same answers in ONNX Runtime as in libtorch, and all steps on the command line.
#![forbid(unsafe_code)]

mod command_line;
mod parity;
