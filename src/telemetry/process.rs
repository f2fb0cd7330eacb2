//! Memory, processor time, start and open files of this process, under the names that dashboards expect.

use std::fmt;
use std::fs;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;
use rustix::process::{Resource, getrlimit};

/// The kernel's clock ticks of `/proc/self/stat`: 100 a second on every Linux since 2.4, whatever
/// its own clock.
const TICKS_A_SECOND: f64 = 100.0;

/// Reads `/proc` at each scrape. If there is none, these families are left out.
#[derive(Debug)]
pub struct ProcessCollector {
    /// Read once: it is told by the time of the machine's start, which moves when its clock is set.
    started: Option<f64>,
}

impl Default for ProcessCollector {
    fn default() -> Self {
        Self {
            started: started_at(),
        }
    }
}

impl Collector for ProcessCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut write = |name, help, unit, value: &dyn EncodeMetric| {
            let kind = value.metric_type();
            value.encode(encoder.encode_descriptor(name, help, unit, kind)?)
        };
        if let Some(bytes) = resident_bytes() {
            let help = "Memory of this process that is in RAM";
            let bytes = ConstGauge::new(bytes);
            write("process_resident_memory", help, Some(&Unit::Bytes), &bytes)?;
        }
        if let Some(time) = self.started {
            let help = "When this process started, since 1970";
            let time = ConstGauge::new(time);
            write("process_start_time", help, Some(&Unit::Seconds), &time)?;
        }
        if let Some(time) = cpu_seconds() {
            let help = "Processor time of all threads";
            let time = ConstCounter::new(time);
            write("process_cpu", help, Some(&Unit::Seconds), &time)?;
        }
        if let Some(files) = open_files() {
            let help = "Open files, of which every connection is one";
            write("process_open_fds", help, None, &ConstGauge::new(files))?;
        }
        if let Some(most) = getrlimit(Resource::Nofile).current {
            let help = "How many files this process may open";
            write("process_max_fds", help, None, &ConstGauge::new(most))?;
        }
        Ok(())
    }
}

/// Memory that the process has in use, if the system says.
pub fn resident_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

fn open_files() -> Option<u64> {
    // But for the folder that is being read.
    let files = fs::read_dir("/proc/self/fd").ok()?.count();
    Some(files.saturating_sub(1) as u64)
}

fn cpu_seconds() -> Option<f64> {
    let [user, system] = seconds([14, 15])?;
    Some(user + system)
}

fn started_at() -> Option<f64> {
    let [after_boot] = seconds([22])?;
    let stat = fs::read_to_string("/proc/stat").ok()?;
    let boot = stat.lines().find_map(|line| line.strip_prefix("btime "))?;
    Some(boot.trim().parse::<f64>().ok()? + after_boot)
}

/// Fields of `/proc/self/stat` that are times, by their numbers in proc_pid_stat(5).
fn seconds<const N: usize>(numbers: [usize; N]) -> Option<[f64; N]> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The second field, the name, is in brackets and may itself hold spaces.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let mut found = [0.0; N];
    for (number, found) in numbers.into_iter().zip(&mut found) {
        let ticks: f64 = fields.get(number.checked_sub(3)?)?.parse().ok()?;
        *found = ticks / TICKS_A_SECOND;
    }
    Some(found)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::time::{SystemTime, UNIX_EPOCH};

    use super::*;

    #[test]
    fn the_process_started_after_the_machine_and_before_now() {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let age = now.as_secs_f64() - started_at().unwrap();
        assert!((-2.0..86_400.0).contains(&age), "{age}");
    }

    #[test]
    fn a_file_that_is_opened_counts() {
        let most = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        // Other tests open and close files meanwhile, but not a hundred.
        let files: Vec<_> = (0..200)
            .map(|_| fs::File::open("/proc/stat").unwrap())
            .collect();
        let with = open_files().unwrap();
        drop(files);
        assert!(with >= 200 && with <= most, "{with}");
        assert!(open_files().unwrap() + 100 < with);
    }

    #[test]
    fn memory_and_time_are_plausible() {
        assert!((1 << 20..1 << 40).contains(&resident_bytes().unwrap()));
        let before = cpu_seconds().unwrap();
        let mut used = 0.0;
        // Ends as soon as the clock has ticked; on a busy machine, this thread has to wait for its turn.
        while used == 0.0 {
            used = cpu_seconds().unwrap() - before;
        }
        assert!((0.0..600.0).contains(&used), "{used}");
    }
}
