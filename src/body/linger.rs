//! Reads what a client is still sending for nothing, so that it sees the answer: closing a connection with unread
//! bytes resets it, and the client may never read the reply. If it is known that not all will be read, the reply says
//! that the connection will be closed.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use futures_util::future::FutureExt;
use tokio::time::timeout;

use super::{Intake, Upload};
use crate::problem::Problem;

/// How long, and up to how many times the size limit, a refused body is read and thrown away.
const LINGER: Duration = Duration::from_secs(2);
const LINGER_BODIES: usize = 4;

/// How much of all refused bodies together is read in a second. Under a flood of large images, reading them only to
/// refuse them would take processor time from those that are answered.
const LINGER_A_SECOND: usize = 512 << 20;

/// This much of a body has arrived anyway by the time that it is refused, and does not count.
const LINGER_FREE: usize = 64 << 10;

impl Intake {
    /// Refuses a request whose body nobody has looked at.
    pub fn refuse(self: &Arc<Self>, request: Request, problem: Problem) -> Problem {
        let (parts, body) = request.into_parts();
        self.linger(Upload::new(&parts.headers, body), problem)
    }

    /// Throws away what is still to come of a refused request, for a while and up to a limit. The answer does not
    /// wait for this.
    pub fn linger(self: &Arc<Self>, body: Upload, problem: Problem) -> Problem {
        match self.throw_away(body) {
            true => problem,
            false => problem.closing(),
        }
    }

    /// Throws away the body of a request that needs none, such as GET, which would end the connection otherwise. The
    /// request without it, and whether all of the body will be read.
    pub fn without_body(self: &Arc<Self>, request: Request) -> (Request, bool) {
        let (parts, body) = request.into_parts();
        let is_read = self.throw_away(Upload::new(&parts.headers, body));
        (Request::from_parts(parts, Body::empty()), is_read)
    }

    /// Whether all that is still to come will be read, as far as it is known.
    fn throw_away(self: &Arc<Self>, mut body: Upload) -> bool {
        if body.is_held_back {
            return false;
        }
        let most = self.max_body_bytes.saturating_mul(LINGER_BODIES);
        let announced = body.body.size_hint().lower();
        let intake = Arc::clone(self);
        let mut lingering = Box::pin(async move {
            // Running out of time here changes nothing.
            let _ = timeout(LINGER, intake.discard(&mut body, most)).await;
        });
        // A small image is there already, in one piece with its head, and in a flood each task that is spared counts.
        if (&mut lingering).now_or_never().is_none() {
            tokio::spawn(lingering);
        }
        announced <= most as u64
    }

    async fn discard(&self, body: &mut Upload, most: usize) {
        let mut read = 0;
        while let Some(Ok(frame)) = body.frame().await {
            let length = frame.data_ref().map_or(0, Bytes::len);
            read += length;
            if read > most || (read > LINGER_FREE && !self.discarded.take(length)) {
                return;
            }
        }
    }
}

/// How much of `LINGER_A_SECOND` the current second has used.
pub struct Allowance(Mutex<(Instant, usize)>);

impl Allowance {
    pub fn new() -> Self {
        Self(Mutex::new((Instant::now(), 0)))
    }

    /// Counts that many bytes more; false if that exceeds this second's allowance.
    fn take(&self, bytes: usize) -> bool {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, taken) = &mut *state;
        if since.elapsed() >= Duration::from_secs(1) {
            (*since, *taken) = (Instant::now(), 0);
        }
        *taken = taken.saturating_add(bytes);
        *taken <= LINGER_A_SECOND
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refused_bodies_are_read_up_to_an_allowance_that_is_new_each_second() {
        let allowance = Allowance::new();
        assert!(allowance.take(LINGER_A_SECOND));
        assert!(!allowance.take(1));
        allowance.0.lock().unwrap().0 -= Duration::from_secs(1);
        assert!(allowance.take(1));
    }
}
