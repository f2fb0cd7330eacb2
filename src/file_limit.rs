//! Every connection is an open file. Many systems allow a process 1,024 of these unless it asks for
//! more, which it may, up to a limit that only the administrator can raise.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::connections::MOST_PROBES;

/// The model's, ONNX Runtime's, the log's; and those who probe.
const OTHER_FILES: u64 = 128 + MOST_PROBES as u64;

/// Asks for as many open files as this many connections need.
pub fn make_room_for(connections: usize) {
    let needed = OTHER_FILES.saturating_add(connections as u64);
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    // No number means no limit.
    if current.is_none_or(|current| current >= needed) {
        return;
    }
    let granted = maximum.map_or(needed, |maximum| maximum.min(needed));
    let asked = Rlimit {
        current: Some(granted),
        maximum,
    };
    let raised = setrlimit(Resource::Nofile, asked);
    if granted < needed || raised.is_err() {
        tracing::warn!(
            "--max-connections {connections} needs {needed} open files, and the system allows \
             {granted} (ulimit -n): connections beyond that have to wait, those of probes too"
        );
    }
}
