//! The machine, which has to be named beside a figure.

use std::collections::BTreeSet;
use std::process::Command;
use std::thread::available_parallelism;

use normgate_core::runtime::Device;
use normgate_evaluation::machine::{memory_gib, processor};

/// The processor, its number of cores, the memory, and the GPU if it trained.
pub fn describe(device: Device) -> String {
    let cores = available_parallelism().map_or(1, usize::from);
    let mut text = format!("{}, {cores} cores", processor());
    if let Some(gib) = memory_gib() {
        text += &format!(", {gib} GiB");
    }
    match device {
        Device::Cpu => text,
        Device::Cuda(_) => text + ", " + &gpus(),
    }
}

/// The kinds of all GPUs: CUDA numbers them differently than nvidia-smi does.
fn gpus() -> String {
    let output = Command::new("nvidia-smi")
        .args(["--query-gpu=name", "--format=csv,noheader"])
        .output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let text = text.unwrap_or_default();
    let names: BTreeSet<&str> = text.lines().map(str::trim).collect();
    match names.is_empty() {
        true => "a CUDA device".into(),
        false => names.into_iter().collect::<Vec<_>>().join(" or "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_is_told_by_its_processor() {
        assert!(describe(Device::Cpu).contains(" cores"));
    }
}
