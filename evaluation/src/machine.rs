//! What reports say of where and when they were made.

use std::process::Command;

/// The date, in UTC, as year-month-day.
pub fn today() -> String {
    let date = Command::new("date").args(["-u", "+%Y-%m-%d"]).output();
    let date = date.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    date.unwrap_or_else(|_| "no date".into())
}

/// The value of a field in the kernel's tables, such as `/proc/cpuinfo`: `name : value`, a line each.
pub fn field(text: &str, name: &str) -> Option<String> {
    let mut lines = text.lines().filter_map(|line| line.split_once(':'));
    lines.find_map(|(key, value)| (key.trim() == name).then(|| value.trim().to_owned()))
}
