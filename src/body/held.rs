//! Answers whose memory is counted until they are sent.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};

use super::Hold;

/// Handed over in pieces of this size, so that the connection keeps no more than a few of its own.
const PIECE: usize = 16 << 10;

struct Held(Bytes);

/// A body whose bytes, and with them `hold`, live until the connection has taken the last piece.
pub fn held(line: Vec<u8>, hold: Hold) -> Body {
    struct Owner(
        Vec<u8>,
        #[expect(dead_code, reason = "held, not read")] Hold,
    );
    impl AsRef<[u8]> for Owner {
        fn as_ref(&self) -> &[u8] {
            &self.0
        }
    }
    Body::new(Held(Bytes::from_owner(Owner(line, hold))))
}

impl HttpBody for Held {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let length = self.0.len().min(PIECE);
        let piece = self.0.split_to(length);
        Poll::Ready((!piece.is_empty()).then(|| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.len() as u64)
    }
}
