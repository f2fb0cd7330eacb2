//! What a figure has to stand beside: the machine and the date.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;
use std::thread::available_parallelism;

use normgate_evaluation::machine::field;

use crate::device::DeviceChoice;

/// The processor and how much of it there is, the memory, and the GPU where that is what trained.
pub fn describe(device: DeviceChoice) -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let processor = field(&read("/proc/cpuinfo"), "model name");
    let processor = processor.unwrap_or_else(|| std::env::consts::ARCH.into());
    let cores = available_parallelism().map_or(1, usize::from);
    let kib = field(&read("/proc/meminfo"), "MemTotal")
        .and_then(|text| text.split_whitespace().next()?.parse::<u64>().ok());
    let mut text = format!("{processor}, {cores} cores");
    if let Some(kib) = kib {
        text += &format!(", {} GiB", kib.div_ceil(1024 * 1024));
    }
    match device {
        DeviceChoice::Cpu => text,
        DeviceChoice::Cuda(_) => text + ", " + &gpus(),
    }
}

/// The kinds of GPUs that there are: CUDA numbers them otherwise than the driver's tool.
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
    use normgate_evaluation::machine::today;

    use super::*;

    #[test]
    fn a_machine_is_told_by_its_processor_and_a_date_by_three_numbers() {
        assert!(describe(DeviceChoice::Cpu).contains(" cores"));
        let date = today();
        assert!(date.len() == 10 && date.split('-').count() == 3, "{date}");
    }
}
