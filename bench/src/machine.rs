//! What a figure has to stand beside: the machine, the date, the versions.

use std::fs;
use std::thread::available_parallelism;

use normgate_evaluation::machine::field;
use serde::{Deserialize, Serialize};

/// The machine that was measured on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// The processor's name.
    pub processor: String,
    /// Processors that this process may use.
    pub cores: usize,
    /// Whether the processor multiplies 8-bit integers in one instruction (AVX-512 VNNI, AVX-VNNI,
    /// or on aarch64 the dot product): int8 models gain little without.
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
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let cpu = read("/proc/cpuinfo");
        let kib = field(&read("/proc/meminfo"), "MemTotal").and_then(|text| {
            let number = text.split_whitespace().next()?;
            number.parse::<u64>().ok()
        });
        let flags = field(&cpu, "flags").or_else(|| field(&cpu, "Features"));
        let flags = flags.unwrap_or_default();
        let has = |flag: &&str| ["avx512_vnni", "avx_vnni", "asimddp"].contains(flag);
        Self {
            processor: field(&cpu, "model name").unwrap_or_else(|| std::env::consts::ARCH.into()),
            cores: cores(),
            int8_instructions: flags.split_whitespace().any(|flag| has(&flag)),
            memory_gib: kib.unwrap_or(0).div_ceil(1024 * 1024),
            kernel: read("/proc/sys/kernel/osrelease").trim().into(),
            onnxruntime: onnxruntime.into(),
        }
    }
}

/// Processors that this process may use; a container's limit counts.
pub fn cores() -> usize {
    available_parallelism().map_or(1, Into::into)
}

#[cfg(test)]
mod tests {
    use normgate_evaluation::machine::today;

    use super::*;

    #[test]
    fn a_field_of_the_kernel_s_tables_is_found_by_its_name() {
        let text = "processor\t: 0\nmodel name\t: AMD EPYC: 9\nflags\t\t: fpu avx512_vnni\n";
        assert_eq!(field(text, "model name").as_deref(), Some("AMD EPYC: 9"));
        assert_eq!(field(text, "model"), None);
    }

    #[test]
    fn this_machine_has_cores_and_memory() {
        let machine = Machine::this("1.32");
        assert!(machine.cores > 0 && machine.memory_gib > 0, "{machine:?}");
        assert!(!machine.processor.is_empty() && !machine.kernel.is_empty());
        assert_eq!(today().len(), 10);
    }
}
