//! The training loop.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use tch::{Device, Kind, TchError, Tensor, no_grad};

use crate::batches::{Batch, Batches, Plan, steps_per_epoch};
use crate::checkpoint::{self, Checkpoint, Progress};
use crate::config::RunConfig;
use crate::error::TrainError;
use crate::history::{self, Epoch, Totals};
use crate::methods::{self, Loss, Method, Step};
use crate::models::Network;
use crate::monitor::Monitor;
use crate::optimiser::Optimiser;
use crate::progress::Display;
use crate::schedule;
use crate::snapshot;

/// Settings of a run that do not change its outcome.
#[derive(Clone, Debug)]
pub struct Execution {
    /// The run folder.
    pub run: PathBuf,
    /// The device that trains the network.
    pub device: Device,
    /// Threads that prepare batches.
    pub loaders: usize,
    /// Epochs between checkpoints; the last epoch always ends with one.
    pub checkpoint_every: usize,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All epochs are done.
    Finished,
    /// Stopped on request; the checkpoint is written.
    Interrupted,
}

/// A run in progress.
pub struct Trainer {
    config: RunConfig,
    execution: Execution,
    plan: Arc<Plan>,
    network: Network,
    optimiser: Optimiser,
    method: Box<dyn Method>,
    monitor: Monitor,
    progress: Progress,
    history: Vec<Epoch>,
    /// Sums of the epoch's figures on the device, added to those in `progress` when read.
    sums: Option<Tensor>,
}

impl Trainer {
    /// A run from its first step, or from where `resumed` left it.
    ///
    /// # Errors
    ///
    /// [`TrainError`] if the checkpoint does not fit, a monitored set cannot be read, or memory is lacking.
    pub fn new(
        config: RunConfig,
        execution: Execution,
        plan: Plan,
        resumed: Option<&Checkpoint>,
    ) -> Result<Self, TrainError> {
        let recipe = &config.recipe;
        let device = execution.device;
        let mut network = match resumed {
            Some(checkpoint) => Network::from_checkpoint(checkpoint, device)?,
            None => Network::new(&config.model, device, recipe.seed)?,
        };
        let parameters = network.parameters_mut();
        parameters.train_only(|name| recipe.method.trains(name))?;
        let trained = network
            .parameters()
            .trainable()
            .iter()
            .map(|(_, tensor)| tensor);
        let mut optimiser = Optimiser::new(recipe.optimiser, trained, recipe.weight_decay)?;
        let mut progress = Progress::default();
        if let Some(checkpoint) = resumed {
            snapshot::restore(checkpoint, &network, &mut optimiser)?;
            progress = checkpoint.progress.clone();
        }
        let method = methods::method(recipe, &config.data.class_counts, device)?;
        let monitor = Monitor::load(&config, &network)?;
        let history = history::load(&execution.run, progress.epochs)?;
        let plan = Arc::new(plan);
        Ok(Self {
            config,
            execution,
            plan,
            network,
            optimiser,
            method,
            monitor,
            progress,
            history,
            sums: None,
        })
    }

    /// Starts from another run's weights and batch statistics instead of random ones.
    ///
    /// # Errors
    ///
    /// [`TrainError`], naming the first tensor that is missing or of another shape.
    pub fn adopt(&self, other: &Checkpoint) -> Result<(), TrainError> {
        Ok(self.network.parameters().adopt(&other.tensors)?)
    }

    /// Trains to the end, or until `stop` is set: then the current step is finished and a
    /// checkpoint written.
    ///
    /// # Errors
    ///
    /// [`TrainError`]; the last checkpoint stays as it was, but if an image cannot be read there is one of the last step.
    pub fn run(&mut self, stop: &AtomicBool) -> Result<Outcome, TrainError> {
        let (epochs, steps) = (self.config.recipe.epochs, self.steps_per_epoch());
        let first = self.steps_done();
        let mut display = Display::new(epochs, epochs * steps, first);
        let mut batches = Batches::start(
            &self.plan,
            self.execution.device,
            first..epochs * steps,
            self.execution.loaders,
        )?;
        while self.progress.epochs < epochs {
            let rate = self.learning_rate();
            while self.progress.steps < steps {
                let started = Instant::now();
                let batch = match batches.receive() {
                    // Once the image is repaired, the run goes on from here.
                    Err(error @ TrainError::Image(_)) => {
                        // Where nothing is done yet, the command can be given again.
                        if self.steps_done() > 0 {
                            if self.progress.steps > 0 {
                                self.epoch()?;
                            }
                            self.save()?;
                        }
                        return Err(error);
                    }
                    batch => batch?,
                };
                self.step(&batch, rate)?;
                self.progress.steps += 1;
                self.progress.totals.seconds += started.elapsed().as_secs_f64();
                if stop.load(Ordering::Relaxed) {
                    let epoch = self.epoch()?;
                    self.save()?;
                    display.finish(&epoch);
                    return Ok(Outcome::Interrupted);
                }
                if display.is_due() {
                    let epoch = self.epoch()?;
                    display.show(&epoch, self.steps_done());
                }
            }
            let mut epoch = self.epoch()?;
            epoch.monitored_norms = self.monitor.norms(&self.network)?;
            self.history.push(epoch);
            self.progress.epochs += 1;
            self.progress.steps = 0;
            self.progress.totals = Totals::default();
            let last = self.progress.epochs == epochs;
            if last
                || self
                    .progress
                    .epochs
                    .is_multiple_of(self.execution.checkpoint_every)
            {
                self.save()?;
            }
        }
        if let Some(epoch) = self.history.last() {
            display.finish(epoch);
        }
        Ok(Outcome::Finished)
    }

    /// The run folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.execution.run
    }

    /// The finished epochs.
    #[must_use]
    pub fn history(&self) -> &[Epoch] {
        &self.history
    }

    /// Takes one forward and backward pass over all images of a batch, and one step of the optimiser.
    fn step(&mut self, batch: &Batch, rate: f64) -> Result<(), TrainError> {
        let labels = &batch.labels;
        let id = labels.size()[0];
        let images = batch
            .images
            .f_to_kind(self.config.recipe.precision.kind())?;

        let representation = self.network.representation(&images)?;
        let id_representation = representation.f_narrow(0, 0, id)?;
        let auxiliary = representation.f_narrow(0, id, representation.size()[0] - id)?;
        let loss = self.method.loss(&Step {
            network: &self.network,
            representation: &id_representation,
            auxiliary: &auxiliary,
            labels,
        })?;

        let trained = self.network.parameters().trainable();
        let tensors: Vec<&Tensor> = trained.iter().map(|(_, tensor)| tensor).collect();
        let mut gradients = Tensor::f_run_backward(&[&loss.total], &tensors, false, false)?;
        self.optimiser
            .step(tensors.into_iter(), &mut gradients, rate)?;

        let names = loss.parts.iter().map(|(name, _)| (*name).to_owned());
        self.progress.totals.parts = names.collect();
        let figures = no_grad(|| figures(&loss, labels, &id_representation, &auxiliary))?;
        self.sums = Some(match self.sums.take() {
            Some(mut sums) => sums.f_add_(&figures)?,
            None => figures,
        });
        Ok(())
    }

    /// The means of the current epoch so far.
    fn epoch(&mut self) -> Result<Epoch, TrainError> {
        if let Some(sums) = self.sums.take() {
            let mut values = vec![0.0; sums.numel()];
            let count = values.len();
            // Steps are queued on a GPU before it carries them out: this waits until it has.
            let started = Instant::now();
            sums.f_to_device(Device::Cpu)?
                .f_copy_data(&mut values, count)?;
            self.progress.totals.seconds += started.elapsed().as_secs_f64();
            self.progress.totals.add(&values);
        }
        let epoch = Epoch::from_totals(
            self.progress.epochs + 1,
            &self.progress.totals,
            self.progress.steps,
            self.plan.images_per_step(),
            self.plan.streams.len() > 1,
            self.learning_rate(),
        );
        if !epoch.loss.is_finite() {
            return Err(TrainError::Diverged { epoch: epoch.epoch });
        }
        Ok(epoch)
    }

    fn save(&self) -> Result<(), TrainError> {
        history::save(&self.execution.run, &self.history)?;
        let checkpoint =
            snapshot::take(&self.config, &self.progress, &self.network, &self.optimiser)?;
        checkpoint.save(&self.execution.run.join(checkpoint::FILE_NAME))?;
        Ok(())
    }

    fn learning_rate(&self) -> f64 {
        let recipe = &self.config.recipe;
        schedule::cosine(recipe.learning_rate, self.progress.epochs, recipe.epochs)
    }

    fn steps_per_epoch(&self) -> usize {
        steps_per_epoch(&self.plan.streams, self.config.recipe.epoch_end)
    }

    fn steps_done(&self) -> usize {
        self.progress.epochs * self.steps_per_epoch() + self.progress.steps
    }
}

/// A step's figures in the order of [`Totals::sums`], float64.
fn figures(
    loss: &Loss,
    labels: &Tensor,
    representation: &Tensor,
    auxiliary: &Tensor,
) -> Result<Tensor, TchError> {
    let double = |tensor: &Tensor| tensor.f_to_kind(Kind::Double);
    let norm = |representation: &Tensor| {
        let norms = representation.f_norm_scalaropt_dim(2.0, [1].as_slice(), false)?;
        norms.f_mean(Kind::Double)
    };
    let right = loss.logits.f_argmax(1, false)?.f_eq_tensor(labels)?;
    let mut figures = vec![double(&loss.total)?, double(&loss.classification)?];
    for (_, part) in &loss.parts {
        figures.push(double(part)?);
    }
    figures.push(double(&right)?.f_mean(Kind::Double)?);
    figures.push(norm(representation)?);
    figures.push(match auxiliary.size()[0] {
        0 => Tensor::f_zeros([], (Kind::Double, labels.device()))?,
        _ => norm(auxiliary)?,
    });
    Tensor::f_stack(&figures, 0)
}
