//! What calibrating and evaluating share: ONNX Runtime, image sets by their names on the command
//! line, threads, and a progress bar.

use std::fmt;
use std::io::{ErrorKind, Write};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use indicatif::{HumanDuration, ProgressBar, ProgressState, ProgressStyle};
use normgate_core::model::Model;
use normgate_core::runtime::{Device, Runtime, RuntimeError};

use crate::datasets::{DatasetError, ImageSet, LoadOptions, SetSpec};
use crate::error::EvaluationError;
use crate::outputs::{self, SetOutputs};

/// Options that every command has which runs a model over image sets.
#[derive(Args, Clone, Debug, Default)]
pub struct WorkbenchArgs {
    /// Threads that run the model, each with its own session; images are read and scores computed on
    /// all cores [default: one per core; 2 on cuda]
    #[arg(long, env = "NORMGATE_THREADS", value_name = "N")]
    pub threads: Option<NonZeroUsize>,
    #[allow(missing_docs)]
    #[command(flatten)]
    pub runtime: RuntimeArgs,
}

/// Options that every command has which runs a model at all.
#[derive(Args, Clone, Debug, Default)]
pub struct RuntimeArgs {
    /// What runs the model: cpu, cuda, or cuda:N for one of several cards; calibrate on the one that
    /// will serve. If CUDA cannot be used, Normgate refuses to start: it never falls back to the CPU
    /// silently. It needs a library with CUDA in it (`scripts/fetch-onnxruntime --cuda`). Nobody has
    /// run it on a GPU so far.
    #[arg(
        long,
        env = "NORMGATE_DEVICE",
        value_name = "DEVICE",
        default_value = "cpu"
    )]
    pub device: Device,
    /// ONNX Runtime's shared library, 1.24 or later [default: ORT_DYLIB_PATH, else the one beside
    /// this program, else the one in .runtime/, where `make runtime` puts it]
    #[arg(long, env = "NORMGATE_ONNXRUNTIME", value_name = "FILE")]
    pub onnxruntime: Option<PathBuf>,
}

impl RuntimeArgs {
    /// The ONNX Runtime asked for, on the device asked for.
    ///
    /// # Errors
    /// As those of [`Runtime::load`] and [`Runtime::on`].
    pub fn load(&self) -> Result<Runtime, RuntimeError> {
        Runtime::load(self.onnxruntime.as_deref())?.on(self.device)
    }
}

/// Runs models over image sets.
pub struct Workbench {
    runtime: Runtime,
    threads: usize,
}

impl Workbench {
    /// Loads ONNX Runtime.
    ///
    /// # Errors
    /// [`EvaluationError::Runtime`].
    pub fn new(args: &WorkbenchArgs) -> Result<Self, EvaluationError> {
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        // One thread's images are decoded while the other's are on the card.
        let most = match args.runtime.device {
            Device::Cpu => cores,
            Device::Cuda(_) => cores.min(2),
        };
        Ok(Self {
            runtime: args.runtime.load()?,
            threads: args.threads.map_or(most, NonZeroUsize::get),
        })
    }

    /// The ONNX Runtime in use.
    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// How many threads run models.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// A progress bar over images, if there is a terminal to show it.
    pub fn progress(&self, name: &str, images: usize) -> ProgressBar {
        let bar = ProgressBar::new(images as u64).with_message(name.to_owned());
        let template = "{msg:20!} {wide_bar} {pos}/{len} images, {rate}, {left} left";
        // This fails only if the template has a mistake; the default style is then good enough.
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.with_key("rate", rate).with_key("left", left));
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        bar
    }

    /// A progress bar over a few steps that take a while.
    pub fn steps(&self, name: &str, steps: usize) -> ProgressBar {
        let bar = ProgressBar::new(steps as u64);
        let template = format!("{name} {{bar:30}} {{pos}}/{{len}} {{msg}} {{elapsed}}");
        if let Ok(style) = ProgressStyle::with_template(&template) {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        bar
    }

    /// Reads sets of the model's own classes as one, labelled with the model's class indices. Images without any
    /// labels are assumed to be of these classes.
    ///
    /// # Errors
    /// [`EvaluationError::Dataset`], also if an image is labelled as another class: a threshold or an accuracy from
    /// it would be wrong without anybody noticing.
    pub fn load_id(&self, specs: &[SetSpec], model: &Model) -> Result<ImageSet, EvaluationError> {
        Self::load_own(specs, model, LoadOptions::test())
    }

    /// As [`load_id`](Self::load_id), for images that the model was trained on.
    ///
    /// # Errors
    /// As [`load_id`](Self::load_id).
    pub fn load_training(
        &self,
        specs: &[SetSpec],
        model: &Model,
    ) -> Result<ImageSet, EvaluationError> {
        Self::load_own(specs, model, LoadOptions::train())
    }

    fn load_own(
        specs: &[SetSpec],
        model: &Model,
        split: LoadOptions,
    ) -> Result<ImageSet, EvaluationError> {
        let labels = &model.manifest().labels;
        let options = LoadOptions {
            class_names: Some(labels.clone()),
            ..load_options(model, split)
        };
        let aligned = |spec: &SetSpec| {
            let mut set = spec.load(&options)?;
            set.align_only(labels)?;
            Ok(set)
        };
        joined(specs.iter().map(aligned))
    }

    /// Reads sets of other images as one; what their labels say does not matter.
    ///
    /// # Errors
    /// [`EvaluationError::Dataset`].
    pub fn load_ood(&self, specs: &[SetSpec], model: &Model) -> Result<ImageSet, EvaluationError> {
        let options = LoadOptions {
            has_classes: false,
            ..load_options(model, LoadOptions::test())
        };
        let sets = specs
            .iter()
            .map(|spec| Ok(spec.load(&options)?.unlabelled()));
        joined(sets)
    }

    /// Runs the model over the set, with a progress bar if there is a terminal to show it.
    ///
    /// # Errors
    /// As [`outputs::run`].
    pub fn answers(&self, model: &Model, set: &ImageSet) -> Result<SetOutputs, EvaluationError> {
        let bar = self.progress(&set.name, set.len());
        let answers = outputs::run(&self.runtime, model, set, self.threads, &bar);
        bar.finish_and_clear();
        answers
    }
}

/// Prints a text. A reader that has gone (`… | head`) has read enough.
///
/// # Errors
/// [`EvaluationError::Io`] for any other failure.
pub fn print(text: &str) -> Result<(), EvaluationError> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(EvaluationError::Io {
            path: "standard output".into(),
            source: error,
        }),
        _ => Ok(()),
    }
}

fn rate(bar: &ProgressState, to: &mut dyn fmt::Write) {
    let _ = write!(to, "{:.0}/s", bar.per_sec());
}

/// Writes the time left, which nobody knows before the first image is done.
fn left(bar: &ProgressState, to: &mut dyn fmt::Write) {
    let _ = match bar.pos() {
        0 => to.write_str("…"),
        _ => write!(to, "{}", HumanDuration(bar.eta())),
    };
}

/// Joins the sets, and says which of their images could not be read.
fn joined(
    sets: impl Iterator<Item = Result<ImageSet, DatasetError>>,
) -> Result<ImageSet, EvaluationError> {
    let sets = sets.collect::<Result<Vec<_>, _>>()?;
    for notice in sets.iter().filter_map(ImageSet::notice) {
        crate::say!("{notice}");
    }
    Ok(ImageSet::concat(sets)?)
}

fn load_options(model: &Model, split: LoadOptions) -> LoadOptions {
    LoadOptions {
        preprocessing: Some(model.manifest().preprocessing.clone()),
        ..split
    }
}
