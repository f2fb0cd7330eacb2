//! How many threads do the work, and how much may wait for them.

use std::num::NonZeroUsize;
use std::thread::available_parallelism;
use std::time::Duration;

use normgate_core::runtime::Device;

use super::units::{parse_count, parse_count_or_none, parse_duration, parse_some_time};

/// More threads than any machine has use for, and fewer than any refuses to start.
const MOST_THREADS: usize = 1024;

/// The inference engine's layout and its queue.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Engine")]
pub struct EngineConfig {
    /// Inference threads, each with a session of its own; they share an fp32 model's weights. Many
    /// workers of one thread give the most answers a second; one of many threads takes the least
    /// memory [default: one for each processor, or a single one of all threads if that does clearly
    /// more with this model. This is measured briefly at the first start and kept in
    /// ~/.cache/normgate: delete it to measure again; a container without a volume there measures at
    /// each start. 2 on cuda, so that one fills and copies its batch while the card runs the
    /// other's. A container's CPU limit counts]
    #[arg(long, env = "NORMGATE_WORKERS", value_name = "N",
        value_parser = parse_count::<MOST_THREADS>)]
    pub workers: Option<NonZeroUsize>,

    /// Threads that share the work of one batch [default: as for --workers; 1 if that is given]
    #[arg(long, env = "NORMGATE_THREADS_PER_WORKER", value_name = "N",
        value_parser = parse_count::<MOST_THREADS>)]
    pub threads_per_worker: Option<NonZeroUsize>,

    /// Threads of one more session beside the workers', for an image that comes while nothing else
    /// is being worked on, so that it is answered sooner. 0: no such session [default: all if the
    /// workers are measured and it helps; none if they are given, and on cuda]
    #[arg(long, env = "NORMGATE_LONE_THREADS", value_name = "N",
        value_parser = parse_count_or_none::<MOST_THREADS>)]
    pub lone_threads: Option<usize>,

    /// The most images that a worker takes at once. It takes what is there, without waiting for a
    /// full batch unless --batch-window asks for it [default: 16; 64 on cuda]
    #[arg(long, env = "NORMGATE_MAX_BATCH", value_name = "N", value_parser = parse_batch)]
    pub max_batch: Option<usize>,

    /// How long an image may wait for others to fill its batch when a worker is idle. On a CPU this
    /// only costs time; a GPU may run a fuller batch in the time of a single image.
    #[arg(long, env = "NORMGATE_BATCH_WINDOW", value_name = "TIME", default_value = "0ms",
        value_parser = parse_duration)]
    pub batch_window: Duration,

    /// The most images that may wait for a worker; as many large ones may wait to be decoded, and
    /// with --prepare-threads as many small ones. Beyond that the answer is 429 with Retry-After.
    #[arg(long, env = "NORMGATE_QUEUE_CAPACITY", value_name = "N", default_value = "256",
        value_parser = parse_count::<1_000_000>)]
    pub queue_capacity: NonZeroUsize,

    /// Threads that decode large photos, so that these do not hold up small ones. Each may need up
    /// to 16 bytes of memory for each of --max-pixels [default: one for each processor, at most 4]
    #[arg(long, env = "NORMGATE_DECODE_THREADS", value_name = "N",
        value_parser = parse_count::<MOST_THREADS>)]
    pub decode_threads: Option<NonZeroUsize>,

    /// Threads that decode small images and resize them for the model before a worker takes them.
    /// 0: the workers do that, which is best on a CPU, where they use the same cores [default: 0;
    /// on cuda one for each processor, so that the card does not wait for decoding]
    #[arg(long, env = "NORMGATE_PREPARE_THREADS", value_name = "N",
        value_parser = parse_count_or_none::<MOST_THREADS>)]
    pub prepare_threads: Option<usize>,

    /// How long an image may wait and be worked on, from when the request's body has arrived,
    /// before the answer is 504. A client may ask for less: x-request-timeout: 250ms.
    #[arg(long, env = "NORMGATE_DEADLINE", value_name = "TIME", default_value = "10s",
        value_parser = parse_some_time)]
    pub deadline: Duration,
}

impl EngineConfig {
    /// Says what does not fit together although each option by itself is fine.
    pub fn check(&self) -> Result<(), String> {
        let (window, deadline) = (self.batch_window, self.deadline);
        match window < deadline {
            true => Ok(()),
            false => Err(format!(
                "--batch-window {window:?} leaves no time for an answer within --deadline {deadline:?}"
            )),
        }
    }

    /// The most images in a batch.
    pub fn max_batch(&self, device: Device) -> usize {
        let default = match device {
            Device::Cpu => 16,
            Device::Cuda(_) => 64,
        };
        self.max_batch.unwrap_or(default)
    }

    /// The number of inference threads to start.
    pub fn workers(&self, device: Device) -> usize {
        let default = || match device {
            Device::Cpu => (processors() / self.threads_per_worker()).max(1),
            Device::Cuda(_) => 2,
        };
        self.workers.map_or_else(default, NonZeroUsize::get)
    }

    /// The number of threads that share a batch.
    pub fn threads_per_worker(&self) -> usize {
        self.threads_per_worker.map_or(1, NonZeroUsize::get)
    }

    /// Whether workers and threads are given, so that there is nothing to find out about them.
    pub fn layout_is_fixed(&self) -> bool {
        self.workers.is_some() || self.threads_per_worker.is_some()
    }

    /// The number of threads that decode small images ahead of the workers.
    pub fn prepare_threads(&self, device: Device) -> usize {
        self.prepare_threads.unwrap_or_else(|| match device {
            Device::Cpu => 0,
            Device::Cuda(_) => processors(),
        })
    }

    /// The number of threads for what goes over the network. One is enough for the bytes of a few processors' worth
    /// of inference, or of decoding for a card.
    pub fn io_threads(&self, device: Device) -> usize {
        self.workers(device)
            .max(self.prepare_threads(device))
            .div_ceil(8)
    }

    /// The number of threads that decode large photos.
    pub fn decode_threads(&self) -> usize {
        self.decode_threads
            .map_or_else(|| processors().min(4), NonZeroUsize::get)
    }
}

/// Processors that this process may use; a container's CPU limit counts.
pub fn processors() -> usize {
    available_parallelism().map_or(1, NonZeroUsize::get)
}

fn parse_batch(text: &str) -> Result<usize, String> {
    // The batch buffer is allocated at start-up, for each worker.
    parse_count::<1024>(text).map(NonZeroUsize::get)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        engine: EngineConfig,
    }

    #[test]
    fn an_image_cannot_wait_for_others_until_its_deadline() {
        let check = |window: &str, deadline: &str| {
            let line = ["serve", "--batch-window", window, "--deadline", deadline];
            Cli::parse_from(line).engine.check()
        };
        assert!(check("5ms", "10s").is_ok());
        assert!(check("2s", "2s").unwrap_err().contains("--batch-window 2s"));
    }

    #[test]
    fn a_card_has_two_workers_and_all_processors_decode_for_it() {
        let asked = |line: &[&str]| Cli::parse_from([&["serve"], line].concat()).engine;
        let (cpu, card) = (Device::Cpu, Device::Cuda(0));
        let usual = asked(&[]);
        assert_eq!([usual.workers(card), usual.max_batch(card)], [2, 64]);
        assert_eq!(
            [usual.prepare_threads(cpu), usual.prepare_threads(card)],
            [0, processors()]
        );
        let many = asked(&["--prepare-threads", "20", "--workers", "3"]);
        assert_eq!([many.prepare_threads(cpu), many.io_threads(cpu)], [20, 3]);
        assert_eq!(asked(&["--workers", "8"]).io_threads(cpu), 1);
    }
}
