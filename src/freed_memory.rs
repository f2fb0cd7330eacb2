//! Memory that a flood of images took, or loading a model, goes back to the system afterwards. The allocator
//! would keep it for later, and a container's memory would look used up.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::interval;

use crate::state::AppState;
use crate::telemetry::resident_bytes;

/// What the allocator can be told. It takes `unsafe` code, which only the program itself has.
#[derive(Clone, Copy)]
pub struct Allocator {
    /// Whether large blocks are each taken from the system and given back to it, or all from common ground.
    /// The first is slower, and leaves no gaps: a model's weights are copied several times while it is loaded.
    pub set_large_apart: fn(bool),
    /// Returns to the system what was freed.
    pub give_back: fn(),
}

impl Allocator {
    /// Does what takes and frees large blocks, and leaves none of them behind.
    pub fn for_large<T>(&self, work: impl FnOnce() -> T) -> T {
        (self.set_large_apart)(true);
        let done = work();
        (self.set_large_apart)(false);
        (self.give_back)();
        done
    }
}

/// How often to look. Giving back takes milliseconds, and what is needed again is taken again.
const LOOK: Duration = Duration::from_secs(1);

/// So many bytes of bodies less than at their most are worth it.
const MUCH: usize = 16 << 20;

/// So many more bytes in use than after the last time are worth it where no image is worked on: decoders took them.
const GROWN: u64 = 64 << 20;

/// Looks now and then at how much bodies take, and the whole process, without end.
pub async fn give_back(state: Arc<AppState>, give: fn()) {
    let mut look = interval(LOOK);
    let (mut most, mut kept) = (0, u64::MAX);
    loop {
        look.tick().await;
        let (held, in_use) = (state.intake.held(), in_use());
        (most, kept) = (most.max(held), kept.min(in_use));
        let is_flood_over = held < most / 4 && most - held > MUCH;
        if is_flood_over || held == 0 && in_use - kept > GROWN {
            most = held;
            // Nothing to be done where the thread cannot be had.
            let _ = tokio::task::spawn_blocking(give).await;
            kept = self::in_use();
        }
    }
}

/// Nothing where the system does not say.
fn in_use() -> u64 {
    resident_bytes().unwrap_or_default()
}
