//! Reads a body: within its size, within its time, and within the memory that all bodies share.

use std::error::Error;
use std::iter;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::http::{HeaderMap, header};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

use super::{Intake, Upload};
use crate::connections::{Client, HoldingMemory};
use crate::problem::Problem;

/// The least memory for a body that does not arrive in one piece, if it is that long.
const FIRST: usize = 64 << 10;

/// How many times what has arrived is reserved for a body that announced as much.
const AHEAD: usize = 8;

/// An answer up to this size is not counted.
const SMALL_ANSWER: usize = 16 << 10;

/// A body that grows by less than this in a second has stalled, and gives its memory to others.
const PROGRESS: usize = 16 << 10;

/// How long at least a client that was refused for want of memory, and will come again, counts in the wait of others.
const COME_AGAIN: Duration = Duration::from_secs(2);

/// Memory that a body counts for, given back when the last clone is dropped.
#[derive(Clone)]
pub struct Hold(Arc<OwnedSemaphorePermit>);

/// Memory for an answer, given back when dropped.
pub struct Room {
    /// What the request's body had.
    body: Option<Hold>,
    more: OwnedSemaphorePermit,
    answers: Answers,
    client: Option<HoldingMemory>,
}

impl Room {
    /// Gives back what an answer of this length does not need.
    pub fn shrink(&mut self, length: usize) {
        // The jobs have let the body go, or soon will.
        match self.body.take().map(|body| Arc::try_unwrap(body.0)) {
            Some(Ok(body)) => self.more.merge(body),
            Some(Err(shared)) if self.more.num_permits() < length => self.body = Some(Hold(shared)),
            _ => {}
        }
        if let Some(unused) = self.more.num_permits().checked_sub(length) {
            drop(self.more.split(unused));
            self.answers = Answers::count(&self.answers.all, length);
        }
    }

    /// Notes that the client took some of the answer.
    pub fn is_taken(&self) {
        self.client.iter().for_each(HoldingMemory::was_heard);
    }
}

/// Bytes that count among those of all answers, until dropped.
struct Answers {
    all: Arc<AtomicUsize>,
    own: usize,
}

impl Answers {
    fn count(all: &Arc<AtomicUsize>, own: usize) -> Self {
        all.fetch_add(own, Ordering::Relaxed);
        let all = Arc::clone(all);
        Self { all, own }
    }
}

impl Drop for Answers {
    fn drop(&mut self) {
        self.all.fetch_sub(self.own, Ordering::Relaxed);
    }
}

impl Intake {
    /// The whole body, and the memory that it counts for.
    pub(super) async fn collect(
        &self,
        headers: &HeaderMap,
        body: &mut Upload,
        client: Option<&Arc<Client>>,
    ) -> Result<(Bytes, Hold), Problem> {
        let announced = announced(headers);
        if announced.is_some_and(|length| length > self.max_body_bytes as u64) {
            return Err(Problem::body_too_large(self.max_body_bytes));
        }
        let slow = || Problem::slow_request(self.timeout.as_secs_f64());
        let read = self.read_frames(body, announced, client);
        timeout(self.timeout, read)
            .await
            .unwrap_or_else(|_| Err(slow()))
    }

    async fn read_frames(
        &self,
        body: &mut Upload,
        announced: Option<u64>,
        client: Option<&Arc<Client>>,
    ) -> Result<(Bytes, Hold), Problem> {
        let announced = announced.and_then(|length| usize::try_from(length).ok());
        let length = announced.unwrap_or(self.max_body_bytes);
        let mut permit = self.reserve(0, client).await?;
        // Whoever has sent nothing yet has nothing to give back.
        let mut holding = None;
        let mut arrived = 0;
        let mut unheard = 0;
        // Small bodies arrive in one piece, which need not be copied.
        let mut first = Bytes::new();
        let mut whole = Vec::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| {
                let why = root(&error);
                Problem::malformed(format!(
                    "the request's body could not be read to its end: {why}"
                ))
                .closing()
            })?;
            let Ok(piece) = frame.into_data() else {
                continue;
            };
            arrived += piece.len();
            if arrived > self.max_body_bytes {
                return Err(Problem::body_too_large(self.max_body_bytes));
            }
            if arrived > permit.num_permits() {
                let wanted = ahead(arrived, announced);
                permit.merge(self.reserve(wanted - permit.num_permits(), client).await?);
                holding = holding.or_else(|| client.map(Client::holding_memory));
            }
            unheard += piece.len();
            if unheard >= PROGRESS {
                client.into_iter().for_each(|client| client.was_heard());
                unheard = 0;
            }
            if whole.is_empty() && first.is_empty() {
                first = piece;
                continue;
            }
            if whole.is_empty() {
                grow(&mut whole, first.len(), length);
                whole.extend_from_slice(&std::mem::take(&mut first));
            }
            grow(&mut whole, piece.len(), length);
            whole.extend_from_slice(&piece);
        }
        whole.shrink_to_fit();
        let bytes = if whole.is_empty() {
            first
        } else {
            whole.into()
        };
        Ok((bytes, Hold(Arc::new(permit))))
    }

    /// Memory for an answer that may take so many bytes, until it is sent; none for a small one, which counts with
    /// its connection. The server builds it whole, and the client may take its time to read it. The memory of the
    /// request's body serves again, since that is gone by then.
    pub async fn room_for_answer(
        &self,
        bytes: usize,
        body: &Hold,
        client: Option<&Arc<Client>>,
    ) -> Result<Option<Room>, Problem> {
        if bytes <= SMALL_ANSWER {
            return Ok(None);
        }
        if bytes > self.body_memory {
            return Err(Problem::malformed(format!(
                "the answer could take {bytes} bytes, more than --body-memory: ask for fewer labels (top), or send \
                 fewer files"
            )));
        }
        let more = bytes.saturating_sub(body.0.num_permits());
        let more = self.reserve(more, client).await?;
        Ok(Some(Room {
            body: Some(body.clone()),
            more,
            answers: Answers::count(&self.answers, bytes),
            client: client.map(Client::holding_memory),
        }))
    }

    async fn reserve(
        &self,
        bytes: usize,
        client: Option<&Arc<Client>>,
    ) -> Result<OwnedSemaphorePermit, Problem> {
        let permits = u32::try_from(bytes).unwrap_or(u32::MAX);
        loop {
            if let Ok(permit) = Arc::clone(&self.memory).try_acquire_many_owned(permits) {
                return Ok(permit);
            }
            let gives_way = match client {
                Some(client) => client.makes_another_give_way().await,
                None => false,
            };
            if !gives_way {
                self.refused.note();
                return Err(Problem::body_memory_full());
            }
        }
    }
}

/// How much memory a body gets once `arrived` bytes of it are there. If many bodies arrive together and do not all
/// fit, some must get all they need, or none would be read to its end. A client that has sent nothing yet gets
/// nothing.
fn ahead(arrived: usize, announced: Option<usize>) -> usize {
    arrived
        .saturating_mul(AHEAD)
        .min(announced.unwrap_or(0))
        .max(arrived)
}

/// The innermost cause of an error: hyper itself says only "error reading a body from connection".
fn root(error: &dyn Error) -> String {
    let causes = iter::successors(error.source(), |&cause| cause.source());
    causes
        .last()
        .map_or_else(|| error.to_string(), ToString::to_string)
}

fn announced(headers: &HeaderMap) -> Option<u64> {
    headers
        .get(header::CONTENT_LENGTH)?
        .to_str()
        .ok()?
        .parse()
        .ok()
}

/// Makes room for `more` bytes. It doubles the room, since clients announce what they like, but never goes beyond
/// what is still to come, since only what came is counted.
fn grow(whole: &mut Vec<u8>, more: usize, length: usize) {
    if whole.capacity() - whole.len() < more {
        let to_come = length.saturating_sub(whole.len());
        whole.reserve_exact(whole.len().max(FIRST).min(to_come).max(more));
    }
}

/// How often something happened lately.
pub struct Lately(Mutex<(Instant, [usize; 2])>);

impl Lately {
    pub fn new() -> Self {
        Self(Mutex::new((Instant::now(), [0; 2])))
    }

    fn note(&self) {
        self.with(|[_, now]| *now += 1);
    }

    /// How often in the last two to four seconds.
    pub fn count(&self) -> usize {
        self.with(|counts| counts.iter().sum())
    }

    fn with<T>(&self, what: impl FnOnce(&mut [usize; 2]) -> T) -> T {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, counts) = &mut *state;
        let elapsed = since.elapsed();
        if elapsed >= COME_AGAIN {
            let before = if elapsed < 2 * COME_AGAIN {
                counts[1]
            } else {
                0
            };
            (*since, *counts) = (Instant::now(), [before, 0]);
        }
        what(counts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_grows_by_doubling_and_never_beyond_what_is_to_come() {
        let mut whole = Vec::new();
        let length = 5 * FIRST;
        let mut grown = 0;
        while whole.len() < length {
            let before = whole.capacity();
            grow(&mut whole, 1024, length);
            grown += usize::from(whole.capacity() != before);
            whole.extend_from_slice(&[0; 1024]);
        }
        assert_eq!(whole.capacity(), length);
        assert!(grown <= 4, "{grown}");
    }

    #[test]
    fn why_a_body_cannot_be_read_is_said_by_what_lies_deepest() {
        #[derive(Debug, thiserror::Error)]
        #[error("error reading a body from connection")]
        struct Outer(#[source] std::io::Error);
        let error = axum::Error::new(Outer(std::io::Error::other("invalid chunk size")));
        assert_eq!(root(&error), "invalid chunk size");
        assert_eq!(root(&axum::Error::new("cut")), "cut");
    }

    #[test]
    fn memory_is_set_aside_for_what_is_announced_as_far_as_it_has_begun_to_arrive() {
        assert_eq!(ahead(10, Some(1000)), 80);
        assert_eq!(ahead(500, Some(1000)), 1000);
        assert_eq!(ahead(10, None), 10);
        assert_eq!(ahead(2000, Some(1000)), 2000);
    }
}
