//! Gives memory back to the system after a flood of images, or after a model was loaded. The allocator would keep it
//! for later, and a container's memory would look used up.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::interval;

use crate::state::AppState;
use crate::telemetry::resident_bytes;

/// What the allocator can be told. It takes `unsafe` code, which only the program itself has.
#[derive(Clone, Copy)]
pub struct Allocator {
    /// Whether large blocks are each taken from the system and given back to it, or come from the common heap. The
    /// first is slower, but leaves no gaps: a model's weights are copied several times while it is loaded.
    pub set_large_apart: fn(bool),
    /// Returns to the system what was freed.
    pub give_back: fn(),
}

impl Allocator {
    /// Does work that takes and frees large blocks, and leaves none of them behind.
    pub fn for_large<T>(&self, work: impl FnOnce() -> T) -> T {
        (self.set_large_apart)(true);
        let done = work();
        (self.set_large_apart)(false);
        (self.give_back)();
        done
    }
}

/// How often to look. Giving back takes milliseconds, and memory that is needed again has to be taken again.
const LOOK: Duration = Duration::from_secs(1);

/// Giving back is worthwhile if bodies take this many bytes less than at their most.
const MUCH: usize = 16 << 20;

/// It is worthwhile, too, if no image is worked on and this many bytes more are in use than after the last time:
/// decoders took them.
const GROWN: u64 = 64 << 20;

/// Looks now and then at how much memory bodies take, and the whole process. Never ends.
pub async fn give_back(state: Arc<AppState>, give: fn()) {
    let mut look = interval(LOOK);
    let (mut most, mut kept) = (0, u64::MAX);
    loop {
        look.tick().await;
        let (held, in_use) = (state.intake.bodies(), in_use());
        (most, kept) = (most.max(held), kept.min(in_use));
        let is_flood_over = held < most / 4 && most - held > MUCH;
        if is_flood_over || held == 0 && in_use - kept > GROWN {
            most = held;
            on_a_thread(give).await;
            kept = self::in_use();
        }
    }
}

/// Gives back on a thread of its own, since it takes milliseconds. If there is no thread to be had, nothing can be
/// done; Tokio's pool would panic.
async fn on_a_thread(give: fn()) {
    let (done, is_done) = oneshot::channel();
    let work = move || {
        give();
        let _ = done.send(());
    };
    let thread = thread::Builder::new().name("memory".into());
    if thread.spawn(work).is_ok() {
        let _ = is_done.await;
    }
}

/// The memory in use; 0 if the system does not say.
fn in_use() -> u64 {
    resident_bytes().unwrap_or_default()
}
