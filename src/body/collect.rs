//! Reading a body: within its size, within its time, and within the memory that all bodies share.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, header};
use http_body_util::BodyExt;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

use super::Intake;
use crate::problem::Problem;

/// How long, and how many times the limit, a refused body is still read and thrown away.
const LINGER: Duration = Duration::from_secs(2);
const LINGER_BODIES: usize = 4;

/// The larger it is, the less a body grows by copying; but clients announce what they like.
const MAX_RESERVED: usize = 1 << 20;

/// Memory that a body counts for, given back when the last clone is dropped.
#[derive(Clone)]
pub struct Hold(#[expect(dead_code, reason = "held, not read")] Arc<OwnedSemaphorePermit>);

impl Intake {
    /// The whole body, and the memory that it counts for.
    pub(super) async fn collect(
        &self,
        headers: &HeaderMap,
        body: &mut Body,
    ) -> Result<(Bytes, Hold), Problem> {
        let announced = announced(headers);
        if announced.is_some_and(|length| length > self.max_body_bytes as u64) {
            return Err(Problem::body_too_large(self.max_body_bytes));
        }
        let slow = || Problem::slow_request(self.timeout.as_secs_f64());
        let read = self.read_frames(body, announced.unwrap_or(0));
        timeout(self.timeout, read)
            .await
            .unwrap_or_else(|_| Err(slow()))
    }

    /// Takes in what a refused client is still sending, for a while, so that it sees the refusal:
    /// closing a connection with bytes unread resets it, and the client may never read the reply.
    pub async fn linger(&self, headers: &HeaderMap, body: &mut Body) {
        // Who asks first has sent nothing yet, and will not after this answer.
        if !headers.contains_key(header::EXPECT) {
            let most = self.max_body_bytes.saturating_mul(LINGER_BODIES);
            // Running out of time here changes nothing.
            let _ = timeout(LINGER, discard(body, most)).await;
        }
    }

    async fn read_frames(&self, body: &mut Body, announced: u64) -> Result<(Bytes, Hold), Problem> {
        let mut permit = self.reserve(0)?;
        // Small bodies arrive in one piece, which need not be copied.
        let mut first = Bytes::new();
        let mut whole = Vec::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| {
                Problem::malformed(format!("the request's body broke off: {error}"))
            })?;
            let Ok(piece) = frame.into_data() else {
                continue;
            };
            if first.len() + whole.len() + piece.len() > self.max_body_bytes {
                return Err(Problem::body_too_large(self.max_body_bytes));
            }
            permit.merge(self.reserve(piece.len())?);
            if whole.is_empty() && first.is_empty() {
                first = piece;
                continue;
            }
            if whole.is_empty() {
                let announced = usize::try_from(announced).unwrap_or(usize::MAX);
                whole.reserve(announced.min(MAX_RESERVED));
                whole.extend_from_slice(&std::mem::take(&mut first));
            }
            whole.extend_from_slice(&piece);
        }
        let bytes = if whole.is_empty() {
            first
        } else {
            whole.into()
        };
        Ok((bytes, Hold(Arc::new(permit))))
    }

    fn reserve(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Problem> {
        let permits = u32::try_from(bytes).unwrap_or(u32::MAX);
        Arc::clone(&self.memory)
            .try_acquire_many_owned(permits)
            .map_err(|_| {
                Problem::overloaded(
                    "the requests being read and waiting fill the memory set aside for them \
                 (--body-memory); try again later",
                )
            })
    }
}

fn announced(headers: &HeaderMap) -> Option<u64> {
    headers
        .get(header::CONTENT_LENGTH)?
        .to_str()
        .ok()?
        .parse()
        .ok()
}

async fn discard(body: &mut Body, most: usize) {
    let mut read = 0;
    while let Some(Ok(frame)) = body.frame().await {
        read += frame.data_ref().map_or(0, Bytes::len);
        if read > most {
            return;
        }
    }
}
