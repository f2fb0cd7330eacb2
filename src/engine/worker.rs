//! A worker: takes what is queued, decodes what is small, runs the batch, answers.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use normgate_core::preprocess::{DecodeError, Limits};
use normgate_core::{Preprocessor, Rgb8};

use super::job::{Answer, Image, Job, Ticket};
use super::pipeline::{Pipeline, PipelineError};
use super::{EngineError, Opening, Shared};
#[cfg(test)]
use crate::test_support::{PANICS_IN_DECODER, PANICS_IN_WORKER, STALLS_WORKER, panic_at, stall_at};

/// Larger images go to the decoders. At 512 × 512, a JPEG takes about as long to decode as a light model takes for a
/// whole batch: more would make the others of the batch wait.
const SMALL_PIXELS: u64 = 512 * 512;

/// Longer files go there, too, whatever image they hold. This is half as much again as that many pixels take in
/// 16-bit RGBA; the rest is metadata, of which megabytes can take seconds.
pub const SMALL_BYTES: usize = 3 << 20;

/// One inference thread's state.
pub struct Worker {
    number: usize,
    shared: Arc<Shared>,
    pipeline: Pipeline,
    /// Tickets of the images in the pipeline's batch, in order.
    batch: Vec<Ticket>,
    taken: Taken,
}

/// Images that were taken from the queue and are not noted as served yet.
struct Taken {
    count: usize,
    /// When they were taken, and later by the time of those that failed quickly.
    since: Instant,
    /// How many failed only after they had taken as long as others: they are work, too.
    failed: usize,
}

impl Taken {
    fn none() -> Self {
        Self {
            count: 0,
            since: Instant::now(),
            failed: 0,
        }
    }

    /// How many there were, and how many of them failed; none are left.
    fn end(&mut self) -> (usize, usize) {
        let taken = (self.count, self.failed);
        (self.count, self.failed) = (0, 0);
        taken
    }

    /// Counts one that failed after this time, where others take `pace`. One that is seen to be damaged sooner says
    /// nothing of how long the others take, which is not to be measured with it.
    fn fail(&mut self, took: Duration, pace: Option<Duration>) {
        match pace {
            Some(pace) if took >= pace => self.failed += 1,
            _ => self.since += took,
        }
    }
}

impl Worker {
    /// A worker whose session is warm.
    pub fn new(
        number: usize,
        shared: Arc<Shared>,
        opening: &Opening,
    ) -> Result<Self, PipelineError> {
        let mut pipeline = opening.pipeline(shared.max_batch)?;
        pipeline.warm_up(|one| shared.queue.guess(one))?;
        let batch = Vec::with_capacity(shared.max_batch);
        Ok(Self {
            number,
            shared,
            pipeline,
            batch,
            taken: Taken::none(),
        })
    }

    /// Works until the queue is closed and empty, whatever panics meanwhile.
    pub fn work(mut self) {
        while catch_unwind(AssertUnwindSafe(|| self.work_until_closed())).is_err() {
            // Dropped tickets answer 500.
            self.batch.clear();
            self.taken.failed = 0;
            self.note_served();
            self.pipeline.start_afresh();
            self.shared.metrics.worker_panicked();
        }
    }

    fn work_until_closed(&mut self) {
        let shared = Arc::clone(&self.shared);
        let mut jobs = Vec::with_capacity(shared.max_batch);
        while shared.queue.take(shared.max_batch, &mut jobs) {
            // The number comes first, so that it is known whatever panics from here on.
            self.taken.count = jobs.len();
            self.taken.since = Instant::now();
            shared.at_work.begin(self.number);
            self.serve(&mut jobs);
            self.note_served();
        }
    }

    /// Notes as served what did not reach the model, or did not come back from it.
    fn note_served(&mut self) {
        self.shared.at_work.end(self.number);
        let took = match self.taken.failed {
            0 => Duration::ZERO,
            _ => self.taken.since.elapsed(),
        };
        let (count, failed) = self.taken.end();
        if count > 0 {
            self.shared.queue.served(count, failed, took);
        }
    }

    /// Answers the jobs, or passes them on to the decoders.
    fn serve(&mut self, jobs: &mut Vec<Job>) {
        for job in jobs.drain(..) {
            if job.ticket.is_abandoned() {
                self.shared.metrics.abandoned();
                continue;
            }
            self.admit(job);
        }
        if !self.pipeline.is_empty() {
            self.infer();
        }
    }

    /// Puts an image into the batch, passes it on, or answers what is wrong with it.
    fn admit(&mut self, Job { image, ticket }: Job) {
        match image {
            Image::Ready(image) => self.place(&image, ticket),
            Image::Encoded(bytes, hold) if bytes.len() > SMALL_BYTES => self.hand_over(Job {
                image: Image::Encoded(bytes, hold),
                ticket,
            }),
            Image::Encoded(bytes, hold) => {
                let started = Instant::now();
                let small = small(&self.shared.limits);
                match decode_caught(self.pipeline.preprocessor(), &bytes, &small) {
                    Some(Err(DecodeError::TooLarge { .. })) => self.hand_over(Job {
                        image: Image::Encoded(bytes, hold),
                        ticket,
                    }),
                    decoded => {
                        // Before the answer, which takes over what memory the body gives back.
                        drop((bytes, hold));
                        self.place_decoded(decoded, started, ticket);
                    }
                }
            }
        }
    }

    /// Passes a large image to the decoders, which also apply the real limit.
    fn hand_over(&mut self, job: Job) {
        // Before it can come back, since this worker should count as free then.
        self.taken.count = self.taken.count.saturating_sub(1);
        self.shared.queue.served(1, 0, Duration::ZERO);
        let Err((error, Job { image, ticket })) = self.shared.pass_on(job) else {
            return;
        };
        match (error, image) {
            // The engine is stopping, and the decoders have ended or soon will: what is queued is answered all the
            // same.
            (EngineError::Closed, Image::Encoded(bytes, hold)) => {
                let started = Instant::now();
                let preprocessor = self.pipeline.preprocessor();
                let decoded = decode_caught(preprocessor, &bytes, &self.shared.limits);
                drop((bytes, hold));
                self.place_decoded(decoded, started, ticket);
            }
            (error, _) => ticket.fail(error),
        }
    }

    /// Places what `decode_caught` returned, or answers what is wrong with it.
    fn place_decoded(
        &mut self,
        decoded: Option<Result<Rgb8, DecodeError>>,
        started: Instant,
        mut ticket: Ticket,
    ) {
        match decoded {
            Some(Ok(image)) => {
                ticket.add_decode(started.elapsed());
                self.place(&image, ticket);
            }
            Some(Err(error)) => {
                self.taken.fail(started.elapsed(), self.shared.queue.pace());
                ticket.fail(EngineError::Decode(error));
            }
            None => self.shared.metrics.worker_panicked(),
        }
    }

    fn place(&mut self, image: &Rgb8, ticket: Ticket) {
        #[cfg(test)]
        {
            panic_at(PANICS_IN_WORKER, image);
            stall_at(STALLS_WORKER, image);
        }
        match self.pipeline.add(image) {
            Ok(()) => self.batch.push(ticket),
            Err(error) => ticket.fail(EngineError::Failed(error.to_string())),
        }
    }

    fn infer(&mut self) {
        let metrics = &self.shared.metrics;
        let started = Instant::now();
        let count = self.batch.len();
        metrics.batch(count);
        let mut lone = match count {
            1 => self.shared.lone_session(),
            _ => None,
        };
        // The pace of a session that has all processors to itself says nothing about a full queue.
        let worked = match &lone {
            Some(_) => {
                metrics.lone();
                0
            }
            None => count + self.taken.failed,
        };
        let outcome = self.pipeline.run_in(lone.as_deref_mut());
        drop(lone);
        // Before the answers go out: a client may come again at once, and should find nobody at work.
        let took = self.taken.since.elapsed();
        let (taken, _) = self.taken.end();
        self.shared.queue.served(taken, worked, took);
        let answers = match outcome {
            Ok(answers) => answers,
            Err(error) => {
                let reason = error.to_string();
                for ticket in self.batch.drain(..) {
                    ticket.fail(EngineError::Failed(reason.clone()));
                }
                return;
            }
        };
        let infer = started.elapsed();
        for (ticket, answer) in self.batch.drain(..).zip(answers) {
            match answer {
                Ok(classification) => {
                    let timings = ticket.timings(started, infer);
                    metrics.classified(&timings);
                    self.shared.model_metrics.classified(&classification);
                    ticket.answer(Answer {
                        classification,
                        timings,
                    });
                }
                Err(error) => ticket.fail(EngineError::Failed(error.to_string())),
            }
        }
    }
}

/// The limits for what is decoded without a decoder of large images.
pub fn small(limits: &Limits) -> Limits {
    Limits {
        max_pixels: SMALL_PIXELS.min(limits.max_pixels),
    }
}

/// Decodes; `None` after a panic in a decoder, which must cost no more than this one image.
pub fn decode_caught(
    preprocessor: &mut Preprocessor,
    bytes: &[u8],
    limits: &Limits,
) -> Option<Result<Rgb8, DecodeError>> {
    let decoded = || {
        let decoded = preprocessor.decode(bytes, limits);
        #[cfg(test)]
        decoded
            .iter()
            .for_each(|image| panic_at(PANICS_IN_DECODER, image));
        decoded
    };
    catch_unwind(AssertUnwindSafe(decoded)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deadline::Deadline;
    use crate::test_support::{RED, Service, png};

    #[tokio::test]
    async fn a_long_file_of_a_small_picture_is_left_to_the_decoders() {
        let service = Service::with(&["--workers", "1", "--decode-threads", "1"]);
        let serving = service.state.serving().unwrap();
        let decoders = &serving.engine.shared.large;
        let mut file = png(RED, 8, 8);
        let guessed = decoders.pace();
        service.classify(file.clone()).await.ok();
        assert_eq!(decoders.pace(), guessed);
        file.resize(SMALL_BYTES + 1, 0);
        service.classify(file).await.ok();
        // The decoder notes how long it took after it has passed the image on.
        serving.engine.stop();
        assert_ne!(decoders.pace(), guessed);
    }

    #[tokio::test]
    async fn an_image_that_had_all_processors_says_nothing_of_how_fast_the_workers_are() {
        let service = Service::with(&["--lone-threads", "2"]);
        let serving = service.state.serving().unwrap();
        let queue = &serving.engine.shared.queue;
        let measured = Duration::from_secs(1);
        queue.served(0, 1, measured);
        service.classify(png(RED, 8, 8)).await.ok();
        let metrics = service.get("/metrics").await;
        let text = metrics.text();
        assert!(text.contains("normgate_lone_images_total 1\n"), "{text}");
        assert_eq!(queue.pace(), Some(measured));
    }

    #[tokio::test]
    async fn a_damaged_image_counts_as_work_if_it_took_as_long_as_others() {
        let service = Service::with(&["--workers", "1"]);
        let serving = service.state.serving().unwrap();
        let queue = &serving.engine.shared.queue;
        let mut damaged = png(RED, 500, 500);
        damaged.truncate(damaged.len() / 2);
        for (pace, counts) in [
            (Duration::from_nanos(1), true),
            (Duration::from_secs(9), false),
        ] {
            queue.served(0, 1, pace);
            let before = queue.pace();
            let reply = service.classify(damaged.clone()).await;
            reply.problem(422, "undecodable-image");
            // The worker notes it after it has answered.
            while queue.wait(0) > Duration::ZERO {
                std::thread::yield_now();
            }
            assert_eq!(queue.pace() != before, counts, "{pace:?}");
        }
    }

    #[test]
    fn of_images_that_fail_quickly_neither_the_number_nor_the_time_counts() {
        let since = Instant::now();
        let mut taken = Taken {
            since,
            ..Taken::none()
        };
        let pace = Duration::from_millis(10);
        taken.fail(2 * pace, Some(pace));
        assert_eq!((taken.failed, taken.since), (1, since));
        taken.fail(pace / 2, Some(pace));
        taken.fail(pace, None);
        assert_eq!((taken.failed, taken.since), (1, since + pace / 2 + pace));
    }

    #[tokio::test]
    async fn an_image_whose_client_left_meanwhile_is_neither_decoded_nor_classified() {
        let service = Service::with(&["--workers", "1", "--decode-threads", "1"]);
        // So that there is a rate, and what waits is expected to take some time.
        service.classify(png(RED, 700, 700)).await.ok();
        let serving = service.state.serving().unwrap();
        let shared = &serving.engine.shared;
        let ticket = || Ticket::new(Deadline::of_server(Duration::from_secs(60))).0;
        let decoded = normgate_core::preprocess::decode(&png(RED, 8, 8), &shared.limits).unwrap();
        for queue in [&shared.queue, &shared.large] {
            let image = Image::Ready(decoded.clone());
            let job = Job {
                image,
                ticket: ticket(),
            };
            assert!(queue.push(job, Duration::MAX).is_ok());
        }
        serving.engine.stop();
        assert_eq!(serving.engine.wait(0), Duration::ZERO);
        let metrics = service.get("/metrics").await;
        let text = metrics.text();
        assert!(text.contains("normgate_abandoned_total 2\n"), "{text}");
        assert!(text.contains("normgate_batch_size_sum 1"), "{text}");
    }
}
