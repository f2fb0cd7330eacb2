//! Whether an image is taken in, and what its client is told if not.
#![expect(
    clippy::result_large_err,
    reason = "a refused job is given back as it came, which is rare"
)]

use std::time::Duration;

use super::job::Job;
use super::queue::{Queue, Refused};
use super::{EngineError, Shared};
use crate::deadline::Deadline;

impl Shared {
    /// Takes a job in.
    pub fn take_in(&self, job: Job) -> Result<(), EngineError> {
        let deadline = job.ticket.deadline();
        let patience = || self.patience(deadline.left());
        self.add(self.entrance(), job, patience)
            .map_err(|(refused, _job)| self.refusal(refused, self.wait_behind(), deadline))
    }

    /// Passes a job on to the decoders of large images, or gives it back.
    pub fn pass_on(&self, job: Job) -> Result<(), (EngineError, Job)> {
        let deadline = job.ticket.deadline();
        let patience = || Ok(deadline.left());
        self.add(&self.large, job, patience)
            .map_err(|(refused, job)| (self.refusal(refused, Duration::ZERO, deadline), job))
    }

    /// Whether a job with this deadline would be taken in.
    pub fn has_room(&self, deadline: Deadline) -> Result<(), EngineError> {
        let look = || {
            let patience = self.patience(deadline.left())?;
            self.entrance().has_room(patience)
        };
        let room = match look() {
            Err(_) if self.skip_abandoned(self.entrance()) => look(),
            room => room,
        };
        room.map_err(|refused| self.refusal(refused, self.wait_behind(), deadline))
    }

    /// How long what waits now, and `more` after it, will take, by the rate measured lately.
    pub fn wait(&self, more: usize) -> Duration {
        let (entrance, large) = (self.entrance(), &self.large);
        self.skip_abandoned(large);
        let wait = match large.is_empty() {
            true => entrance.wait(more),
            false => entrance.wait(0).max(large.wait(more)),
        };
        self.at_most(wait + self.wait_behind())
    }

    fn add(
        &self,
        queue: &Queue<Job>,
        job: Job,
        patience: impl Fn() -> Result<Duration, Refused>,
    ) -> Result<(), (Refused, Job)> {
        let add = |job| match patience() {
            Ok(patience) => queue.push(job, patience),
            Err(refused) => Err((refused, job)),
        };
        match add(job) {
            Err((_, job)) if self.skip_abandoned(queue) => add(job),
            added => added,
        }
    }

    /// Drops images at the front of the queue that nobody waits for any more, since they take places from others.
    /// True if there were some. What has passed the entrance counts as well.
    fn skip_abandoned(&self, queue: &Queue<Job>) -> bool {
        let skip = |queue: &Queue<Job>| queue.skip(|job| job.ticket.is_abandoned());
        let behind = self.unprepared.as_ref().map_or(0, |_| skip(&self.queue));
        let skipped = skip(queue) + behind;
        (0..skipped).for_each(|_| self.metrics.abandoned());
        skipped > 0
    }

    /// How long what has passed the entrance still waits for a worker.
    fn wait_behind(&self) -> Duration {
        match self.unprepared {
            Some(_) => self.queue.wait(0),
            None => Duration::ZERO,
        }
    }

    /// How long an image that can wait this long in all can wait at the entrance; or why it cannot.
    pub(super) fn patience(&self, patience: Duration) -> Result<Duration, Refused> {
        let behind = self.wait_behind();
        match self.unprepared {
            Some(_) if behind > patience / 2 && !self.queue.is_empty() => {
                Err(Refused::TooSlow(Duration::ZERO))
            }
            // Like each queue, the entrance asks for twice what waits in it, so what waits behind it counts twice as
            // well.
            _ => Ok(patience.saturating_sub(2 * behind)),
        }
    }

    /// The error for what is refused at a queue, if what it lets through waits for `behind` as well.
    fn refusal(&self, refused: Refused, behind: Duration, deadline: Deadline) -> EngineError {
        match refused {
            Refused::Full(wait) => EngineError::Full(self.at_most(wait + behind)),
            Refused::TooSlow(wait) => {
                let wait = wait + behind;
                let server = Deadline::of_server(self.deadline);
                // If an image with the server's deadline would be taken in, it is the client that allows too little.
                let set_by = if wait <= self.deadline / 2 {
                    deadline
                } else {
                    server
                };
                EngineError::TooSlow(self.at_most(wait), set_by)
            }
            Refused::Closed => EngineError::Closed,
        }
    }

    /// By the server's deadline, all that waits now is answered, or given up.
    fn at_most(&self, wait: Duration) -> Duration {
        wait.min(self.deadline)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use clap::Parser;
    use normgate_core::Rgb8;
    use normgate_core::preprocess::Limits;

    use super::super::at_work::AtWork;
    use super::super::job::{Image, Ticket};
    use super::super::lone::Lone;
    use super::*;
    use crate::problem::Problem;
    use crate::telemetry::ModelMetrics;
    use crate::test_support::{Options, STALLS_WORKER, Service, model, png};

    const MINUTE: Duration = Duration::from_secs(60);

    /// A job, and what its client waits with.
    fn job() -> (Job, impl Sized) {
        let (ticket, client) = Ticket::new(Deadline::of_server(60 * MINUTE));
        let image = Image::Ready(Rgb8 {
            width: 8,
            height: 8,
            pixels: vec![0; 3 * 8 * 8],
        });
        (Job { image, ticket }, client)
    }

    /// A job whose client has gone.
    fn abandoned() -> Job {
        job().0
    }

    /// Puts this many jobs into the queue, and returns their clients.
    fn put(queue: &Queue<Job>, count: usize) -> Vec<impl Sized + use<>> {
        let put = |_| {
            let (job, client) = job();
            queue.push(job, Duration::MAX).ok().unwrap();
            client
        };
        (0..count).map(put).collect()
    }

    /// An engine that decodes ahead, without the threads that would: one for small images, which takes a minute for
    /// each, two for large ones, four minutes for each, and two workers, again a minute.
    fn without_threads() -> Shared {
        let model = model();
        let queue = |capacity, takers, minutes: u32| {
            let queue = Queue::new(capacity, takers);
            queue.served(0, 1, minutes * MINUTE);
            queue
        };
        Shared {
            unprepared: Some(queue(3, 1, 1)),
            queue: queue(9, 2, 1),
            large: queue(9, 2, 4),
            limits: Limits::default(),
            max_batch: 1,
            metrics: Arc::default(),
            model_metrics: Arc::new(ModelMetrics::new(&model).unwrap()),
            preprocessing: model.manifest().preprocessing.clone(),
            lone: Lone::default(),
            at_work: AtWork::new(2),
            deadline: 60 * MINUTE,
        }
    }

    /// Whether the queue was seen full of abandoned images. A machine that is busy with other things may be too slow
    /// for that.
    async fn is_full_of_abandoned_images() -> bool {
        let service = Service::with(&["--workers=1", "--queue-capacity=2"]);
        let serving = service.state.serving().unwrap();
        let shared = &serving.engine.shared;
        let busy = service.classify(png(STALLS_WORKER, 8, 8));
        let look = async {
            // Until the only worker is busy with the other image.
            while shared.queue.wait(0).is_zero() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            while !shared.queue.is_empty() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            for _ in 0..2 {
                shared.queue.push(abandoned(), Duration::MAX).ok().unwrap();
            }
            let is_full = shared.queue.has_room(Duration::from_secs(10)).is_err();
            assert!(serving.engine.has_room(None).is_ok());
            is_full
        };
        let (answer, is_full) = tokio::join!(busy, look);
        answer.ok();
        let metrics = service.get("/metrics").await;
        assert!(metrics.text().contains("normgate_abandoned_total 2\n"));
        is_full
    }

    #[tokio::test]
    async fn those_that_nobody_waits_for_take_no_place_from_others() {
        for _ in 0..50 {
            if is_full_of_abandoned_images().await {
                return;
            }
        }
        panic!("never seen");
    }

    #[tokio::test]
    async fn who_sets_less_time_than_others_is_refused_for_that_only_where_others_would_not_be() {
        let service = Service::with(&["--deadline=10s"]);
        let serving = service.state.serving().unwrap();
        let in_seconds = |wait, client| {
            let refused = Refused::TooSlow(Duration::from_secs(wait));
            let deadline = Deadline::of_client_in(Duration::from_secs(client));
            let shared = &serving.engine.shared;
            Problem::from(shared.refusal(refused, Duration::ZERO, deadline)).is_by_request()
        };
        assert!(in_seconds(5, 5));
        assert!(!in_seconds(6, 5));
    }

    #[test]
    fn what_is_decoded_and_what_is_not_wait_one_after_the_other() {
        let shared = without_threads();
        let room = |minutes: u32| shared.has_room(Deadline::of_server(minutes * MINUTE));
        let too_slow = |minutes| match room(minutes) {
            Err(EngineError::TooSlow(wait, _)) => Some(wait),
            _ => None,
        };
        let _decoded = put(&shared.queue, 4);
        assert_eq!(too_slow(3), Some(2 * MINUTE));
        assert!(room(5).is_ok());
        (0..4).for_each(|_| assert!(shared.queue.take(1, &mut Vec::new())));
        // The workers take as long for them, but nobody is first in the queue.
        assert!(room(3).is_ok());
        let _two = put(shared.entrance(), 2);
        assert_eq!(too_slow(7), Some(4 * MINUTE));
        assert!(room(9).is_ok());
        let _third = put(shared.entrance(), 1);
        assert!(matches!(room(60), Err(EngineError::Full(wait)) if wait == 5 * MINUTE));
    }

    #[test]
    fn who_comes_again_waits_for_large_images_where_there_are_some_and_they_take_longer() {
        let shared = without_threads();
        let _small = put(shared.entrance(), 3);
        let large = put(&shared.large, 1);
        let waits = || [0, 2].map(|more| shared.wait(more));
        assert_eq!(waits(), [3 * MINUTE, 6 * MINUTE]);
        drop(large);
        assert_eq!(waits(), [3 * MINUTE, 5 * MINUTE]);
    }

    #[tokio::test]
    async fn who_finds_the_memory_full_comes_after_those_refused_before_and_within_a_minute() {
        let service = Service::with(&["--workers=2", "--body-memory=100", "--deadline=1h"]);
        let serving = service.state.serving().unwrap();
        let queue = &serving.engine.shared.queue;
        queue.served(0, 1, Duration::from_secs(50));
        for seconds in ["25", "50", "60"] {
            let answer = service.classify(vec![0; 200]).await;
            answer.problem(429, "overloaded");
            assert_eq!(answer.header("retry-after"), seconds);
        }
    }

    #[tokio::test]
    async fn nobody_is_asked_to_stay_away_for_longer_than_anything_waits() {
        let service = Service::with(&["--deadline=3s"]);
        let serving = service.state.serving().unwrap();
        let queue = &serving.engine.shared.queue;
        queue.served(0, 1, Duration::from_secs(3600));
        assert_eq!(serving.engine.wait(9), Duration::from_secs(3));
    }

    #[tokio::test]
    async fn what_photos_take_is_known_to_the_engine_that_replaces_another() {
        let service = Service::with(&["--workers=1"]);
        let old = service.state.serving().unwrap();
        let photo = Duration::from_millis(1300);
        old.engine.shared.large.served(0, 1, photo);
        let launch = service.launch(Options::parse_from(["--workers=1"]));
        for (before, known) in [(Some(&old.engine), true), (None, false)] {
            let next = launch.start(model(), before).unwrap().engine;
            assert_eq!(next.shared.large.pace() == Some(photo), known);
            next.stop();
        }
    }

    #[tokio::test]
    async fn a_worker_that_hangs_makes_the_process_no_longer_alive() {
        let service = Service::with(&[]);
        let serving = service.state.serving().unwrap();
        service.get("/livez").await.ok();
        let at_work = &serving.engine.shared.at_work;
        at_work.began(1, Duration::from_secs(100));
        let problem = service.get("/livez").await.problem(500, "internal-error");
        assert!(
            problem["detail"].as_str().unwrap().contains("100 s"),
            "{problem}"
        );
        at_work.end(1);
        service.get("/livez").await.ok();
    }
}
