//! Work that takes longer than a thread that reads and answers has time for.

use std::thread;

use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::problem::Problem;

/// Does work on a body on a thread of its own, which keeps `hold` until it is done, even if the client leaves.
/// Tokio's own pool would panic where there is no thread to be had.
pub async fn aside<T: Send + 'static>(
    hold: impl Send + 'static,
    work: impl Future<Output = Result<T, Problem>> + Send + 'static,
) -> Result<T, Problem> {
    let (done, outcome) = oneshot::channel();
    let tokio = Handle::current();
    let work = move || {
        let outcome = tokio.block_on(work);
        // Whoever waits may count on it.
        drop(hold);
        // Nobody waits any more if the client has left.
        let _ = done.send(outcome);
    };
    let thread = thread::Builder::new().name("parser".into()).spawn(work);
    if let Err(error) = thread {
        tracing::warn!(%error, "no thread to read a body with");
        return Err(Problem::overloaded(
            "the system has no thread to read the body with; try again later",
        ));
    }
    outcome.await.unwrap_or_else(|_| Err(Problem::internal()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::Semaphore;

    use super::*;

    async fn run(
        work: impl Future<Output = Result<u8, Problem>> + Send + 'static,
    ) -> Result<u8, u16> {
        let memory = Arc::new(Semaphore::new(1));
        let permit = Arc::clone(&memory).try_acquire_owned().unwrap();
        let outcome = aside(permit, work).await;
        if outcome.is_ok() {
            assert_eq!(memory.available_permits(), 1);
        }
        // After a panic, it is given back when the thread ends.
        drop(memory.acquire().await.unwrap());
        outcome.map_err(|problem| problem.status().as_u16())
    }

    #[tokio::test]
    async fn what_is_done_aside_comes_back_and_so_does_a_panic_as_a_problem() {
        assert_eq!(run(async { Ok(7) }).await, Ok(7));
        assert_eq!(run(async { Err(Problem::compressed()) }).await, Err(415));
        assert_eq!(run(async { panic!("in the parser") }).await, Err(500));
    }
}
