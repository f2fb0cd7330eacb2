//! The inference engine: threads that decode, classify and answer.
//!
//! ```text
//! classify() ─► queue ─► worker: decode small images, run the batch, answer
//!                 ▲         │ large image
//!                 └─ decoder ◄┘
//! ```
//!
//! On a graphics card, which would have to wait while the workers decode, they get images that are decoded already:
//!
//! ```text
//! classify() ─► unprepared ─► decoder of small images ─► queue ─► worker: run the batch, answer
//!                                    │ large image         ▲
//!                                    └─► decoder ──────────┘
//! ```
//!
//! Invariant: nothing waits for a batch to fill, unless `--batch-window` asks for it. A worker that becomes free
//! takes what is queued; on a CPU, a batch is hardly faster than its images one by one, so waiting would only delay
//! them. An image that comes while nothing else is being worked on gets all processors (`lone.rs`).

mod admission;
mod at_work;
mod decoder;
mod job;
mod layout;
mod lone;
mod pipeline;
mod queue;
mod rate;
mod threads;
mod worker;

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use normgate_core::classifier::NotCalibrated;
use normgate_core::manifest::Preprocessing;
use normgate_core::preprocess::{DecodeError, Limits};
use normgate_core::runtime::Device;
use normgate_core::{Classifier, Model, Sessions};

pub use job::{Answer, Timings};
pub use layout::Layout;
pub use pipeline::{Pipeline, PipelineError};
pub use worker::decode_caught;

use crate::body::Hold;
use crate::config::processors;
use crate::deadline::Deadline;
use crate::serving::Launch;
use crate::telemetry::{Metrics, ModelMetrics};
use at_work::AtWork;
use job::{Image, Job, Ticket};
use lone::Lone;
use queue::Queue;
use threads::{Decoders, Threads};

/// Threads that classify images, until they are told to stop.
pub struct Engine {
    shared: Arc<Shared>,
    threads: Threads,
    layout: Layout,
    device: Device,
}

/// What all threads of the engine share.
struct Shared {
    /// Images that are not decoded yet; small ones will be before they go into `queue`. `None` if the workers do
    /// that.
    unprepared: Option<Queue<Job>>,
    queue: Queue<Job>,
    large: Queue<Job>,
    limits: Limits,
    max_batch: usize,
    metrics: Arc<Metrics>,
    model_metrics: Arc<ModelMetrics>,
    preprocessing: Preprocessing,
    lone: Lone,
    at_work: AtWork,
    deadline: Duration,
}

impl Shared {
    /// Where images come in.
    fn entrance(&self) -> &Queue<Job> {
        self.unprepared.as_ref().unwrap_or(&self.queue)
    }
}

/// What sessions are opened from. It is dropped, with the model's bytes, once all are open: they hold the weights,
/// and outlive a panic of their threads.
struct Opening {
    sessions: Sessions,
    classifier: Classifier,
    layout: Layout,
}

impl Opening {
    fn pipeline(&self, max_batch: usize) -> Result<Pipeline, PipelineError> {
        let options = self.layout.session_options();
        let session = match self.layout.sessions() {
            1 => self.sessions.open_only(&options)?,
            _ => self.sessions.open(&options)?,
        };
        Ok(Pipeline::new(session, self.classifier.clone(), max_batch))
    }
}

/// Why an image was not classified.
#[derive(Debug)]
pub enum EngineError {
    /// The image cannot be read.
    Decode(DecodeError),
    /// As many images are waiting as may wait: for about this long.
    Full(Duration),
    /// The images that wait already will take this long, too long for the deadline.
    TooSlow(Duration, Deadline),
    /// The deadline has passed.
    Late(Deadline),
    /// The engine has stopped.
    Closed,
    /// Our fault, with the reason, which is for the log only.
    Failed(String),
}

/// Why a model could not be put into service.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The model has no threshold.
    #[error(transparent)]
    NotCalibrated(#[from] NotCalibrated),
    /// Its manifest has no JSON form.
    #[error("the model's manifest cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// ONNX Runtime does not run the model, or the model's output makes no sense.
    #[error("the model could not be warmed up: {0}")]
    WarmUp(#[from] PipelineError),
    /// The system gives no more threads.
    #[error("a thread could not be started: {0}; use fewer --workers")]
    Thread(#[from] std::io::Error),
    /// Measuring, loading or warming up panicked.
    #[error("a worker panicked while it warmed up")]
    Panicked,
}

/// What a decoder is expected to take for a photo of twelve megapixels, until that is measured.
const LARGE: Duration = Duration::from_millis(30);
/// The same for a small image.
const SMALL: Duration = Duration::from_millis(1);

/// How long a worker without work stays awake: about as long as a client on this machine takes to ask again. That
/// needs a processor to spare.
fn lookout(processors: usize) -> Duration {
    match processors {
        1 => Duration::ZERO,
        _ => Duration::from_micros(300),
    }
}

impl Engine {
    /// Starts the threads and waits until each session is warm. How long photos take is known if there was an engine
    /// before.
    pub fn start(
        launch: &Launch,
        model: Model,
        model_metrics: Arc<ModelMetrics>,
        before: Option<&Engine>,
    ) -> Result<Self, StartError> {
        let config = &launch.config;
        let device = launch.runtime.device();
        let max_batch = config.max_batch(device);
        let classifier = Classifier::new(&model)?;
        let preprocessing = model.manifest().preprocessing.clone();
        let sessions = Sessions::new(&launch.runtime, &model);
        let layout = launch.layout(&sessions)?;
        let capacity = config.queue_capacity.get();
        let decoders = Decoders {
            small: config.prepare_threads(device),
            large: config.decode_threads(),
        };
        let large = Queue::new(capacity, decoders.large);
        let measured = before.and_then(|engine| engine.shared.large.pace());
        large.guess(measured.unwrap_or(LARGE));
        let unprepared = (decoders.small > 0).then(|| Queue::new(capacity, decoders.small));
        unprepared.iter().for_each(|queue| {
            queue.guess(SMALL);
        });
        let shared = Arc::new(Shared {
            unprepared,
            queue: Queue::new(capacity, layout.workers)
                .with_window(config.batch_window)
                .with_lookout(lookout(processors())),
            large,
            limits: launch.limits,
            max_batch,
            metrics: Arc::clone(&launch.metrics),
            model_metrics,
            preprocessing,
            lone: Lone::default(),
            at_work: AtWork::new(layout.workers),
            deadline: config.deadline,
        });
        let opening = Arc::new(Opening {
            sessions,
            classifier,
            layout,
        });
        let threads = Threads::start(&shared, &opening, decoders)?;
        Ok(Self {
            shared,
            threads,
            layout,
            device,
        })
    }

    /// Whether an image would be taken in now, so that no body is read in vain.
    pub fn has_room(&self, asked: Option<Deadline>) -> Result<(), EngineError> {
        let deadline = self.deadline(asked);
        if deadline.has_passed() {
            return Err(EngineError::Late(deadline));
        }
        self.shared.has_room(deadline)
    }

    /// Classifies an image file within the server's deadline, or a sooner one that the client asks for. Dropping the
    /// future gives up the image's place.
    pub async fn classify(
        &self,
        image: Bytes,
        hold: Hold,
        asked: Option<Deadline>,
    ) -> Result<Answer, EngineError> {
        let deadline = self.deadline(asked);
        if deadline.has_passed() {
            return Err(EngineError::Late(deadline));
        }
        let (ticket, answer) = Ticket::new(deadline);
        let job = Job {
            image: Image::Encoded(image, hold),
            ticket,
        };
        self.shared.take_in(job)?;
        match tokio::time::timeout_at(deadline.at(), answer).await {
            Ok(Ok(result)) => result,
            // A thread that sees the deadline pass a moment sooner drops the job.
            _ if deadline.has_passed() => Err(EngineError::Late(deadline)),
            _ => Err(EngineError::Failed("a worker panicked".into())),
        }
    }

    fn deadline(&self, asked: Option<Deadline>) -> Deadline {
        Deadline::of_server(self.shared.deadline).or_sooner(asked)
    }

    /// How long what waits now, and `more` after it, will take, by the rate measured lately.
    pub fn wait(&self, more: usize) -> Duration {
        self.shared.wait(more)
    }

    /// How long a worker has been at one batch, if that is longer than any batch takes.
    pub fn hangs(&self) -> Option<Duration> {
        self.shared.at_work.hangs(self.shared.deadline)
    }

    /// Makes the first worker seem to have hung for an hour.
    #[cfg(test)]
    pub fn seems_to_hang(&self) {
        self.shared.at_work.began(0, Duration::from_secs(3600));
    }

    /// How long what waits at the entrance keeps those busy that take from there.
    pub fn queue_lasts(&self) -> Duration {
        self.shared.entrance().lasts()
    }

    /// How many images are waiting.
    pub fn queue_depth(&self) -> usize {
        let Shared {
            unprepared,
            queue,
            large,
            ..
        } = &*self.shared;
        unprepared.as_ref().map_or(0, Queue::len) + queue.len() + large.len()
    }

    /// Threads of the session for an image that is alone; 0 if there is none.
    pub fn lone_threads(&self) -> usize {
        match self.shared.lone.is_open() {
            true => self.layout.lone,
            false => 0,
        }
    }

    /// Workers, the threads of each, and those of the lone session that was asked for.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// The execution provider in use, as ONNX Runtime names it.
    pub fn provider(&self) -> &'static str {
        self.device.provider()
    }

    /// Answers what is queued, then ends the threads. Blocks.
    pub fn stop(&self) {
        self.threads.stop(&self.shared);
    }
}
