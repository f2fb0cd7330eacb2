//! The inference engine: threads that decode, classify and answer.
//!
//! ```text
//! classify() ─► queue ─► worker: decode small images, run the batch, answer
//!                 ▲         │ large image
//!                 └─ decoder ◄┘
//! ```
//!
//! Where the workers are not the processors but a graphics card, which would wait while they decode, they get
//! images that are decoded:
//!
//! ```text
//! classify() ─► unprepared ─► decoder of small images ─► queue ─► worker: run the batch, answer
//!                                    │ large image         ▲
//!                                    └─► decoder ──────────┘
//! ```
//!
//! Invariant: there is no waiting for a batch to fill, unless `--batch-window` asks for it. A worker that
//! becomes free takes what is queued; on a CPU a batch is hardly faster than its images one by one, so
//! waiting only delays. An image that comes while nothing else is being worked on gets all processors
//! (`lone.rs`).

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
use normgate_core::{Classifier, Model, Runtime};

pub use job::{Answer, Timings};
pub use layout::Layout;
pub use pipeline::{Pipeline, PipelineError};

use crate::body::Hold;
use crate::config::processors;
use crate::deadline::Deadline;
use crate::serving::Launch;
use crate::telemetry::{Metrics, ModelMetrics};
use job::{Image, Job, Ticket};
use lone::Lone;
use queue::{Queue, Refused};
use threads::{Decoders, Threads};

/// Threads that classify images, until they are told to stop.
pub struct Engine {
    shared: Arc<Shared>,
    threads: Threads,
    layout: Layout,
    deadline: Duration,
    device: Device,
}

/// What all threads of the engine share.
struct Shared {
    /// Images that small ones are decoded of before they go into the next; where the workers do that, none.
    unprepared: Option<Queue<Job>>,
    queue: Queue<Job>,
    large: Queue<Job>,
    limits: Limits,
    max_batch: usize,
    metrics: Arc<Metrics>,
    model_metrics: Arc<ModelMetrics>,
    preprocessing: Preprocessing,
    lone: Lone,
}

impl Shared {
    /// Where images come in.
    fn entrance(&self) -> &Queue<Job> {
        self.unprepared.as_ref().unwrap_or(&self.queue)
    }

    /// How long what has passed the entrance waits for a worker yet.
    fn wait_behind(&self) -> Duration {
        match self.unprepared {
            Some(_) => self.queue.wait(0),
            None => Duration::ZERO,
        }
    }

    /// How long an image that can wait this long can wait at the entrance; or why it cannot.
    fn patience(&self, patience: Duration) -> Result<Duration, Refused> {
        let behind = self.wait_behind();
        match self.unprepared {
            Some(_) if behind > patience / 2 && !self.queue.is_empty() => {
                Err(Refused::TooSlow(behind))
            }
            // The entrance asks for twice what waits there.
            _ => Ok(patience.saturating_sub(2 * behind)),
        }
    }
}

/// What sessions are opened from. Dropped, with the model's bytes, once all are open: a session holds the
/// weights in its own form, and outlives a panic of its thread.
struct Opening {
    runtime: Runtime,
    model: Model,
    classifier: Classifier,
    layout: Layout,
}

impl Opening {
    fn pipeline(&self, max_batch: usize) -> Result<Pipeline, PipelineError> {
        Pipeline::new(
            &self.runtime,
            &self.model,
            self.classifier.clone(),
            &self.layout.session_options(),
            max_batch,
        )
    }
}

/// Why an image was not classified.
#[derive(Debug)]
pub enum EngineError {
    /// The image cannot be read.
    Decode(DecodeError),
    /// As many images wait already as may: for about this long.
    Full(Duration),
    /// The images that wait already will take this long, too long for the deadline.
    TooSlow(Duration),
    /// The deadline has passed.
    Late(Deadline),
    /// The engine has stopped.
    Closed,
    /// Our fault, for this reason, which is for the log only.
    Failed(String),
}

impl From<Refused> for EngineError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Full(wait) => EngineError::Full(wait),
            Refused::TooSlow(wait) => EngineError::TooSlow(wait),
            Refused::Closed => EngineError::Closed,
        }
    }
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
    #[error("no thread could be started: {0}; fewer --workers need fewer")]
    Thread(#[from] std::io::Error),
    /// ONNX Runtime crashed in our hands.
    #[error("a worker panicked while it warmed up")]
    Panicked,
}

/// What a decoder may take for a photo of twelve megapixels, until that is measured.
const LARGE: Duration = Duration::from_millis(30);
/// The same for a small one.
const SMALL: Duration = Duration::from_millis(1);

/// How long a worker without work stays awake: about as long as a client of this machine takes to
/// ask again. It needs a processor to spare.
fn lookout(processors: usize) -> Duration {
    match processors {
        1 => Duration::ZERO,
        _ => Duration::from_micros(300),
    }
}

impl Engine {
    /// Starts the threads and waits until each has run the model once.
    pub fn start(
        launch: &Launch,
        model: Model,
        model_metrics: Arc<ModelMetrics>,
    ) -> Result<Self, StartError> {
        let config = &launch.config;
        let device = launch.runtime.device();
        let max_batch = config.max_batch(device);
        let layout = launch.layout(&model)?;
        let classifier = Classifier::new(&model)?;
        let capacity = config.queue_capacity.get();
        let decoders = Decoders {
            small: config.prepare_threads(device),
            large: config.decode_threads(),
        };
        let large = Queue::new(capacity, decoders.large);
        large.guess(LARGE);
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
            preprocessing: model.manifest().preprocessing.clone(),
            lone: Lone::default(),
        });
        let opening = Arc::new(Opening {
            runtime: launch.runtime.clone(),
            model,
            classifier,
            layout,
        });
        let threads = Threads::start(&shared, &opening, decoders)?;
        Ok(Self {
            shared,
            threads,
            layout,
            deadline: config.deadline,
            device,
        })
    }

    /// Whether an image would be taken in now, so that none need be read that would not.
    pub fn has_room(&self, asked: Option<Deadline>) -> Result<(), EngineError> {
        let deadline = self.deadline(asked);
        if deadline.has_passed() {
            return Err(EngineError::Late(deadline));
        }
        let patience = self.shared.patience(deadline.left())?;
        let room = self.shared.entrance().has_room(patience);
        Ok(room.map_err(|refused| refused.after(self.shared.wait_behind()))?)
    }

    /// Classifies an image file by the server's deadline, or a sooner one that the client asks for.
    /// Dropping the future gives up the image's place.
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
        let patience = self.shared.patience(deadline.left())?;
        self.shared
            .entrance()
            .push(job, patience)
            .map_err(|(refused, _job)| refused.after(self.shared.wait_behind()))?;
        match tokio::time::timeout_at(deadline.at(), answer).await {
            Ok(Ok(result)) => result,
            // Where a thread looks at the clock a moment before this one, it drops the job.
            _ if deadline.has_passed() => Err(EngineError::Late(deadline)),
            _ => Err(EngineError::Failed("a worker panicked".into())),
        }
    }

    fn deadline(&self, asked: Option<Deadline>) -> Deadline {
        Deadline::of_server(self.deadline).or_sooner(asked)
    }

    /// How long what waits, and so many more, will wait, by the rate measured lately.
    pub fn wait(&self, more: usize) -> Duration {
        let (entrance, large) = (self.shared.entrance(), &self.shared.large);
        let wait = match large.is_empty() {
            true => entrance.wait(more),
            false => entrance.wait(0).max(large.wait(more)),
        };
        wait + self.shared.wait_behind()
    }

    /// How long there will be enough of what waits first.
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

    /// Threads of the session for an image that is alone; 0 where there is none.
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
