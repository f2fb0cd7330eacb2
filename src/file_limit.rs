//! The limit of open files. Every connection is one, and many systems allow a process 1,024 of them unless it asks
//! for more, which it may, up to a limit that only the administrator can raise.

use std::num::NonZeroUsize;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::connections::MOST_PROBES;

/// Files of the model, ONNX Runtime and the log: in truth some thirty.
const OTHER_FILES: u64 = 128;

/// Asks for as many open files as this many connections need, and those of probes if they have an address of their
/// own. Returns how many connections there is room for: if there were places for more, there would always seem to be
/// free ones, and nobody would give way.
pub fn make_room_for(connections: NonZeroUsize, probes: bool) -> NonZeroUsize {
    let others = match probes {
        true => OTHER_FILES + MOST_PROBES as u64,
        false => OTHER_FILES,
    };
    let needed = others.saturating_add(connections.get() as u64);
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    // No number means no limit.
    if current.is_none_or(|current| current >= needed) {
        return connections;
    }
    let granted = maximum.map_or(needed, |maximum| maximum.min(needed));
    let asked = Rlimit {
        current: Some(granted),
        maximum,
    };
    let granted = match setrlimit(Resource::Nofile, asked) {
        Ok(()) => granted,
        Err(_) => current.unwrap_or(granted),
    };
    let room = granted.saturating_sub(others).max(granted / 2);
    let room = usize::try_from(room).unwrap_or(usize::MAX);
    let room = NonZeroUsize::new(room).unwrap_or(NonZeroUsize::MIN);
    if room < connections {
        tracing::warn!(
            "--max-connections {connections} needs {needed} open files, but the system allows \
             {granted} (ulimit -n): it is reduced to {room}"
        );
    }
    room.min(connections)
}
