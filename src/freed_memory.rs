//! Memory that a flood of images took goes back to the system when the flood is over. The allocator
//! would keep it for later, and a container's memory would look used up.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::interval;

use crate::state::AppState;

/// How often to look. Giving back takes milliseconds, and what is needed again is taken again.
const LOOK: Duration = Duration::from_secs(1);

/// So many bytes of bodies less than at their most are worth it.
const MUCH: usize = 16 << 20;

/// Looks now and then at how much bodies take, without end.
pub async fn give_back(state: Arc<AppState>, give: fn()) {
    let mut look = interval(LOOK);
    let mut most = 0;
    loop {
        look.tick().await;
        let held = state.intake.held();
        most = most.max(held);
        if held < most / 4 && most - held > MUCH {
            most = held;
            // Nothing to be done where the thread cannot be had.
            let _ = tokio::task::spawn_blocking(give).await;
        }
    }
}
