//! The steps from a signal to the end of the process.
//!
//! 1. `/readyz` answers 503, so that load balancers look elsewhere; for `--drain-delay`, requests
//!    are still accepted and answered.
//! 2. Nothing new is accepted, but what had connected by then is: it has a second to send a
//!    request. All requests are answered, within `--shutdown-timeout`.
//! 3. The engine's threads end, and the process exits with 0.
//!
//! A second signal ends the process at once.

use std::io;
use std::process;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// SIGTERM, as service managers send it, and SIGINT, which is Ctrl-C.
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// From now on, these signals no longer end the process by themselves.
    pub fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Waits for the next of them, and gives its name.
    pub async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }

    /// Ends the process on the next signal: whoever sends a second one does not want to wait.
    pub fn exit_on_next(mut self) {
        tokio::spawn(async move {
            let name = self.next().await;
            tracing::warn!("{name} again: exiting at once");
            process::exit(1);
        });
    }
}
