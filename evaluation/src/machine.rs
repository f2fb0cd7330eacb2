//! What reports say about where and when they were made.

use std::fs;

use time::OffsetDateTime;

/// The date, in UTC, as year-month-day.
pub fn today() -> String {
    OffsetDateTime::now_utc().date().to_string()
}

/// The processor's name, or its architecture if the kernel does not know the name.
pub fn processor() -> String {
    let name = field(&read("/proc/cpuinfo"), "model name");
    name.unwrap_or_else(|| std::env::consts::ARCH.into())
}

/// The memory in GiB, rounded up, if the kernel says it.
pub fn memory_gib() -> Option<u64> {
    let total = field(&read("/proc/meminfo"), "MemTotal")?;
    let kib: u64 = total.split_whitespace().next()?.parse().ok()?;
    Some(kib.div_ceil(1024 * 1024))
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

/// The value of a field in the kernel's tables, such as `/proc/cpuinfo`: `name : value`, a line each.
fn field(text: &str, name: &str) -> Option<String> {
    let mut lines = text.lines().filter_map(|line| line.split_once(':'));
    lines.find_map(|(key, value)| (key.trim() == name).then(|| value.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_of_the_kernel_s_tables_is_found_by_its_name() {
        let text = "processor\t: 0\nmodel name\t: AMD EPYC: 9\nflags\t\t: fpu avx512_vnni\n";
        assert_eq!(field(text, "model name").as_deref(), Some("AMD EPYC: 9"));
        assert_eq!(field(text, "model"), None);
    }

    #[test]
    fn a_machine_has_a_processor_and_memory_and_a_date_three_numbers() {
        assert!(!processor().is_empty());
        assert!(memory_gib().is_some_and(|gib| gib > 0));
        let date = today();
        assert!(date.len() == 10 && date.split('-').count() == 3, "{date}");
    }
}
