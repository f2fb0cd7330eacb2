//! Signals that ask a command to stop.

use std::{fs, io, thread};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// Calls `stop`, in a thread of its own, at each Ctrl-C, SIGTERM and SIGHUP; but not at a SIGHUP that was ignored
/// when the program started, as `nohup` has it.
///
/// # Errors
///
/// What the system said.
pub fn on_stop_signal(mut stop: impl FnMut() + Send + 'static) -> io::Result<()> {
    let hangup = (!is_ignored(SIGHUP)).then_some(SIGHUP);
    let mut signals = Signals::new([SIGINT, SIGTERM].into_iter().chain(hangup))?;
    let wait = move || signals.forever().for_each(|_| stop());
    thread::Builder::new().name("signals".into()).spawn(wait)?;
    Ok(())
}

/// Whether this process ignores a signal; only Linux tells.
fn is_ignored(signal: i32) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|signals| u64::from_str_radix(signals.trim(), 16).ok());
    ignored.is_some_and(|signals| signals >> (signal - 1) & 1 == 1)
}
