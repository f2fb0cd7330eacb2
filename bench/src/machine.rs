//! The machine that a benchmark ran on, with the versions of its kernel and of ONNX Runtime.

use std::fs;
use std::thread::available_parallelism;

use normgate_core::runtime::has_int8_instructions;
use normgate_evaluation::machine::{memory_gib, processor};
use serde::{Deserialize, Serialize};

/// The machine that figures were measured on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// The processor's name.
    pub processor: String,
    /// How many processors this process may use.
    pub cores: usize,
    /// Whether the processor multiplies 8-bit integers in one instruction (AVX-512 VNNI, AVX-VNNI, or on aarch64 the
    /// dot product): if not, int8 models gain little.
    pub int8_instructions: bool,
    /// Memory in GiB.
    pub memory_gib: u64,
    /// The kernel's version.
    pub kernel: String,
    /// ONNX Runtime's version.
    pub onnxruntime: String,
}

impl Machine {
    /// This machine.
    pub fn this(onnxruntime: &str) -> Self {
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        Self {
            processor: processor(),
            cores: cores(),
            int8_instructions: has_int8_instructions(),
            memory_gib: memory_gib().unwrap_or(0),
            kernel: kernel.trim().into(),
            onnxruntime: onnxruntime.into(),
        }
    }
}

/// How many processors this process may use; a container's limit counts.
pub fn cores() -> usize {
    available_parallelism().map_or(1, Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_cores_and_memory() {
        let machine = Machine::this("1.32");
        assert!(machine.cores > 0 && machine.memory_gib > 0, "{machine:?}");
        assert!(!machine.processor.is_empty() && !machine.kernel.is_empty());
    }
}
