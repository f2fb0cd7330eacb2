//! Answers whose memory is counted until they are sent.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};

use super::Room;

/// Handed over in pieces of this size, so that the connection keeps no more than a few of its own.
const PIECE: usize = 16 << 10;

struct Held {
    left: Bytes,
    room: Arc<Room>,
}

/// What the pieces are parts of.
struct Owner {
    line: Vec<u8>,
    #[expect(dead_code, reason = "held, not read")]
    room: Arc<Room>,
}

impl AsRef<[u8]> for Owner {
    fn as_ref(&self) -> &[u8] {
        &self.line
    }
}

/// A body whose bytes, and with them their room, live until the connection has taken the last piece.
pub fn held(mut line: Vec<u8>, mut room: Room) -> Body {
    line.shrink_to_fit();
    room.shrink(line.len());
    let room = Arc::new(room);
    let left = Bytes::from_owner(Owner {
        line,
        room: Arc::clone(&room),
    });
    Body::new(Held { left, room })
}

impl HttpBody for Held {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.room.is_taken();
        let length = self.left.len().min(PIECE);
        let piece = self.left.split_to(length);
        Poll::Ready((!piece.is_empty()).then(|| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left.len() as u64)
    }
}
