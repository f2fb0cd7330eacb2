//! Processor time and memory of a server: of all processes in its process group.

use std::fs;
use std::path::Path;
use std::time::Duration;

/// Memory of all processes of a group, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// Resident memory now: of one process its resident set, of several the sum of their proportional sets, in which
    /// shared memory counts once.
    pub resident: u64,
    /// The sum of each process's largest resident set.
    pub peak: u64,
}

/// Processor time, user and system, of the living processes of a group and of their children that have ended; `None`
/// if the group has no processes.
pub fn cpu_time(group: u32) -> Option<Duration> {
    let processes = processes(group);
    let ticks: u64 = processes.iter().map(|process| process.ticks).sum();
    let per_second = rustix::param::clock_ticks_per_second() as f64;
    (!processes.is_empty()).then(|| Duration::from_secs_f64(ticks as f64 / per_second))
}

/// Memory of the group's processes; `None` if it has none.
pub fn memory(group: u32) -> Option<Memory> {
    let processes = processes(group);
    let several = processes.len() > 1;
    let mut sum = Memory::default();
    for process in &processes {
        let folder = Path::new("/proc").join(process.id.to_string());
        let status = fs::read_to_string(folder.join("status")).unwrap_or_default();
        let resident = kib(&status, "VmRSS:").unwrap_or(0);
        sum.peak += 1024 * kib(&status, "VmHWM:").unwrap_or(0);
        let shared = || {
            let rollup = fs::read_to_string(folder.join("smaps_rollup")).ok()?;
            kib(&rollup, "Pss:")
        };
        let proportional = several.then(shared).flatten();
        sum.resident += 1024 * proportional.unwrap_or(resident);
    }
    (!processes.is_empty()).then_some(sum)
}

struct Process {
    id: u32,
    ticks: u64,
}

fn processes(group: u32) -> Vec<Process> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    ids.filter_map(|id: u32| {
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        let (of, ticks) = group_and_ticks(&stat)?;
        (of == group).then_some(Process { id, ticks })
    })
    .collect()
}

/// Process group and utime + stime + cutime + cstime from a line of `/proc/PID/stat`; `None` for a process that has
/// ended and waits for its parent. The second field, the program's name, may hold anything, even spaces and brackets.
fn group_and_ticks(stat: &str) -> Option<(u32, u64)> {
    let fields: Vec<&str> = stat
        .get(stat.rfind(')')? + 1..)?
        .split_whitespace()
        .collect();
    if fields
        .first()
        .is_none_or(|state| ["Z", "X"].contains(state))
    {
        return None;
    }
    let ticks = fields.get(11..15)?.iter().map(|field| field.parse::<u64>());
    let ticks = ticks.sum::<Result<u64, _>>().ok()?;
    Some((fields.get(2)?.parse().ok()?, ticks))
}

fn kib(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::CommandExt;
    use std::process::Command;

    #[test]
    fn a_program_s_name_with_brackets_and_spaces_does_not_shift_the_fields() {
        let stat = "42 (a) b (c) S 1 77 42 0 -1 4194560 100 0 0 0 5 6 7 8 20 0 1 0 12345";
        assert_eq!(group_and_ticks(stat), Some((77, 26)));
        assert_eq!(group_and_ticks(&stat.replace(" S ", " Z ")), None);
        assert_eq!(group_and_ticks("nonsense"), None);
    }

    #[test]
    fn the_resident_set_is_read_in_kib() {
        let status = "Name:\tx\nVmHWM:\t   20480 kB\nVmRSS:\t   10240 kB\n";
        assert_eq!(kib(status, "VmRSS:"), Some(10_240));
        assert_eq!(kib(status, "VmSwap:"), None);
    }

    #[test]
    fn all_processes_of_a_group_count_together() {
        let shell = "sh -c 'while :; do :; done' & sh -c 'while :; do :; done' & wait";
        let mut child = Command::new("sh")
            .args(["-c", shell])
            .process_group(0)
            .spawn()
            .unwrap();
        let group = child.id();
        let begin = std::time::Instant::now();
        while cpu_time(group).is_none_or(|time| time < Duration::from_millis(50)) {
            assert!(begin.elapsed() < Duration::from_secs(60));
            std::thread::sleep(Duration::from_millis(10));
        }
        let busy = processes(group).iter().filter(|p| p.ticks > 0).count();
        let memory = memory(group).unwrap();
        let id = rustix::process::Pid::from_raw(group as i32).unwrap();
        rustix::process::kill_process_group(id, rustix::process::Signal::KILL).unwrap();
        child.wait().unwrap();
        assert!(busy >= 1);
        assert!(memory.resident > 0 && memory.peak >= memory.resident);
        while cpu_time(group).is_some() {
            assert!(begin.elapsed() < Duration::from_secs(60));
        }
    }
}
