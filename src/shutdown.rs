//! Signals, and the steps from one that says stop to the end of the process.
//!
//! 1. `/readyz` answers 503, so that load balancers look elsewhere; for `--drain-delay`, requests are still accepted
//!    and answered.
//! 2. Only probes are still accepted, and what had connected by then: it has a second to send a request. All requests
//!    are answered, within `--shutdown-timeout`.
//! 3. The engine's threads end, and the process exits with 0. A model that is being loaded is waited for, since ONNX
//!    Runtime cannot be stopped in the middle of it, but for no more than 10 s: then the process exits with 1.
//!
//! A second SIGINT ends the process at once: whoever presses Ctrl-C twice does not want to wait. A second SIGTERM
//! changes nothing: a hook that sends one before the kubelet does is in no hurry.

use std::io::{self, IsTerminal};
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::telemetry::finish_logs;

/// How long threads that nobody waits for any more may take to end.
const UNWINDING: Duration = Duration::from_secs(10);

/// Signals within this time count as one, since `timeout`, for example, signals a process and then its group.
const ONE_AND_THE_SAME: Duration = Duration::from_millis(200);

/// The signals that are heeded: SIGTERM, which service managers send; SIGINT, which is Ctrl-C; and SIGHUP, which asks
/// for a reload, but is also what a terminal sends when it is closed.
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
    /// Whether the log went to a terminal at the start.
    terminal: bool,
}

/// What a signal asks for.
pub enum Asked {
    /// To stop, with the signal's name.
    Stop(&'static str),
    /// To read the model file again.
    Reload,
}

/// Ends the process on a signal to stop, while the model is read and nobody is served yet. Process 1, as in a
/// container, has to do that itself.
pub async fn exit_on_signal(mut signals: Signals) {
    let name = signals.stop().await;
    tracing::info!("{name} before the model was read");
    finish_logs();
    process::exit(0)
}

/// What ends the process when it is late.
pub struct Late(Arc<AtomicBool>);

impl Late {
    /// What was waited for has come.
    pub fn call_off(self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Ends the process within `UNWINDING` from now, whatever hangs: a file system that does not answer, a driver.
/// Otherwise it would be killed without a word.
pub fn exit_when_late() -> Late {
    let in_time = Arc::new(AtomicBool::new(false));
    let is_in_time = Arc::clone(&in_time);
    let late = move || {
        thread::sleep(UNWINDING);
        if is_in_time.load(Ordering::Relaxed) {
            return;
        }
        tracing::error!(
            "loading a model or an inference does not end: exiting after {} s without other work",
            UNWINDING.as_secs()
        );
        finish_logs();
        process::exit(1);
    };
    if let Err(error) = thread::Builder::new().name("late".into()).spawn(late) {
        tracing::debug!(%error, "nothing limits how long threads take to end");
    }
    Late(in_time)
}

impl Signals {
    /// From now on, these signals no longer end the process by themselves.
    pub fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
            terminal: io::stderr().is_terminal(),
        })
    }

    /// Waits for the next of them.
    pub async fn next(&mut self) -> Asked {
        tokio::select! {
            _ = self.terminate.recv() => Asked::Stop("SIGTERM"),
            _ = self.interrupt.recv() => Asked::Stop("SIGINT"),
            _ = self.hang_up.recv() => match self.terminal && !io::stderr().is_terminal() {
                true => Asked::Stop("SIGHUP of a closed terminal"),
                false => Asked::Reload,
            },
        }
    }

    /// Waits for the next signal to stop, and returns its name. SIGHUP is kept for later.
    pub async fn stop(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }

    /// Ends the process on the next SIGINT.
    pub fn exit_on_next(mut self) {
        let first = Instant::now();
        tokio::spawn(async move {
            loop {
                let name = self.stop().await;
                if first.elapsed() < ONE_AND_THE_SAME {
                    continue;
                }
                if name == "SIGINT" {
                    tracing::warn!("{name} again: exiting at once");
                    finish_logs();
                    process::exit(1);
                }
                tracing::info!("{name} again: still finishing; SIGINT ends it at once");
            }
        });
    }
}
