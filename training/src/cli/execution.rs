//! Options for how a run is carried out: on which device, with how many threads.

use std::num::{NonZeroU16, NonZeroUsize};
use std::str::FromStr;

use clap::{Args, ValueEnum};
use normgate_core::runtime::Device;

use crate::augment::{AugmentConfig, Augmenter};
use crate::batches::Vary;
use crate::error::TrainError;

/// What does not change the outcome.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Execution")]
pub struct ExecutionArgs {
    /// Device that trains the network: cpu, cuda or cuda:N
    #[arg(long, default_value = "cpu", env = "NORMGATE_DEVICE")]
    pub(crate) device: Device,
    /// Threads that the network computes with [default: all cores]
    #[arg(long, env = "NORMGATE_THREADS", value_name = "N", value_parser = some::<NonZeroU16>)]
    pub(super) threads: Option<NonZeroU16>,
    /// Threads that read ahead and augment. One is enough for small images, unless it augments them for a GPU
    /// (--camera, for example); for large images, give one for each core (docs/training.md)
    #[arg(long, value_name = "N", default_value_t = LOADERS, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(super) loaders: u16,
    /// What augments the images; both give the same except for rounding [default: device with --device
    /// cuda, but without --camera, --viewpoint and --cutout]
    #[arg(long, value_enum, value_name = "WHERE")]
    augment_on: Option<AugmentOn>,
    /// Write a checkpoint every N epochs
    #[arg(long, value_name = "N", default_value_t = CHECKPOINT_EVERY, value_parser = some::<NonZeroUsize>)]
    pub(super) checkpoint_every: NonZeroUsize,
}

fn some<T: FromStr>(text: &str) -> Result<T, String> {
    text.parse()
        .map_err(|_| "not a whole number of 1 or more".into())
}

/// Five.
const CHECKPOINT_EVERY: NonZeroUsize = NonZeroUsize::MIN.saturating_add(4);

const LOADERS: u16 = 1;

/// What varies the images.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum AugmentOn {
    /// The loaders, each image by itself
    Loaders,
    /// The device, a whole batch at once; not with --camera, --viewpoint or --cutout
    Device,
}

impl ExecutionArgs {
    pub(crate) fn is_on_cpu(&self) -> bool {
        self.device == Device::Cpu
    }

    /// How images are augmented, and where.
    ///
    /// # Errors
    ///
    /// [`TrainError::Options`] if the device is to augment them but the configuration has what only the loaders can
    /// do.
    pub(super) fn vary(
        &self,
        config: &AugmentConfig,
        device: tch::Device,
    ) -> Result<Vary, TrainError> {
        let augmenter = Augmenter::new(config.clone());
        let on_device = match self.augment_on {
            None => device.is_cuda() && augmenter.can_batch(),
            Some(on) => on == AugmentOn::Device,
        };
        if on_device && !augmenter.can_batch() {
            return Err(TrainError::Options(
                "--augment-on device: only the loaders can do what --camera, --viewpoint and --cutout do. Leave it out, or \
                 them"
                    .into(),
            ));
        }
        Ok(match on_device {
            true => Vary::Together(augmenter),
            false => Vary::OneByOne(Box::new(move |image, random, out| {
                augmenter.apply(image, random, out);
            })),
        })
    }

    /// The options that differ from their defaults, to be given again with `--resume`: a run does not record them.
    pub(crate) fn given(&self) -> String {
        let threads = self.threads.map(|threads| format!(" --threads {threads}"));
        let options = [
            (!self.is_on_cpu()).then(|| format!(" --device {}", self.device)),
            threads,
            (self.loaders != LOADERS).then(|| format!(" --loaders {}", self.loaders)),
            self.augment_on.map(|on| match on {
                AugmentOn::Loaders => " --augment-on loaders".into(),
                AugmentOn::Device => " --augment-on device".into(),
            }),
            (self.checkpoint_every != CHECKPOINT_EVERY)
                .then(|| format!(" --checkpoint-every {}", self.checkpoint_every)),
        ];
        options.into_iter().flatten().collect()
    }

    /// Threads for evaluation, if their number was given.
    pub(crate) fn evaluation_threads(&self) -> Option<NonZeroUsize> {
        self.threads.map(NonZeroUsize::from)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        execution: ExecutionArgs,
    }

    #[test]
    fn what_was_given_is_said_again_and_nothing_else() {
        for given in [
            "",
            " --device cuda:1 --threads 2 --loaders 3 --augment-on device --checkpoint-every 1",
        ] {
            let line = format!("train{given}");
            let line = Line::parse_from(line.split(' '));
            assert_eq!(line.execution.given(), given);
        }
    }
}
