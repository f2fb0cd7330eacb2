//! One image on its way through the engine.

use std::time::{Duration, Instant};

use axum::body::Bytes;
use normgate_core::{Classification, Rgb8};
use tokio::sync::oneshot;

use super::EngineError;
use crate::body::Hold;
use crate::deadline::Deadline;

/// An image to classify.
pub struct Job {
    pub image: Image,
    pub ticket: Ticket,
}

/// How far an image has come.
pub enum Image {
    /// A file as it was sent; its memory counts against the budget until it is decoded.
    Encoded(Bytes, Hold),
    /// Decoded, and already of the model's size.
    Ready(Rgb8),
}

/// Where the answer goes, and how long the image took so far.
pub struct Ticket {
    reply: oneshot::Sender<Result<Answer, EngineError>>,
    received: Instant,
    deadline: Deadline,
    decode: Duration,
}

/// The classification of an image, and what it took.
#[derive(Debug)]
pub struct Answer {
    pub classification: Classification,
    pub timings: Timings,
}

/// Where the time went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timings {
    pub queue: Duration,
    pub decode: Duration,
    pub infer: Duration,
}

impl Ticket {
    /// A ticket that is of use until the deadline, and where its answer will arrive.
    pub fn new(deadline: Deadline) -> (Self, oneshot::Receiver<Result<Answer, EngineError>>) {
        let (reply, answer) = oneshot::channel();
        (
            Self {
                reply,
                received: Instant::now(),
                deadline,
                decode: Duration::ZERO,
            },
            answer,
        )
    }

    /// Whether nobody waits for the answer any more: the client has gone, or its deadline passed.
    pub fn is_abandoned(&self) -> bool {
        self.reply.is_closed() || self.deadline.has_passed()
    }

    /// Until when somebody waits for the answer.
    pub fn deadline(&self) -> Deadline {
        self.deadline
    }

    /// Notes time spent decoding.
    pub fn add_decode(&mut self, time: Duration) {
        self.decode += time;
    }

    /// Where the time of an image went whose batch was run at `ran`: before that, all that was not its own decoding
    /// was waiting.
    pub fn timings(&self, ran: Instant, infer: Duration) -> Timings {
        let before = ran.saturating_duration_since(self.received);
        Timings {
            queue: before.saturating_sub(self.decode),
            decode: self.decode,
            infer,
        }
    }

    /// Sends the answer. It is no error if nobody is there to hear it.
    pub fn answer(self, answer: Answer) {
        let _ = self.reply.send(Ok(answer));
    }

    /// Sends the reason why there is no answer.
    pub fn fail(self, error: EngineError) {
        let _ = self.reply.send(Err(error));
    }
}

impl Timings {
    /// The longer of each: what several images at once took.
    pub fn max(self, other: &Self) -> Self {
        Self {
            queue: self.queue.max(other.queue),
            decode: self.decode.max(other.decode),
            infer: self.infer.max(other.infer),
        }
    }
}
