//! `normgate-train train`.

use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clap::Args;
use normgate_evaluation::reports::table::counted;
use normgate_evaluation::say;
use normgate_evaluation::shell::{command_line, quoted_path};
use normgate_evaluation::stop_signal::on_stop_signal;
use tch::Device;

use super::PROGRAM;
use super::execution::ExecutionArgs;
use super::method::MethodArgs;
use super::recipe::{self, RecipeArgs};
use super::run_folder::{
    CONFIG_FILE, check_is_free, keep_held_out, lock, make_and_lock, write_config,
};
use crate::augment::AugmentArgs;
use crate::auxiliary::AuxiliarySpec;
use crate::batches::{Plan, Vary, steps_per_epoch};
use crate::checkpoint::{self, Checkpoint};
use crate::config::{EpochEnd, RunConfig};
use crate::data::TrainingData;
use crate::device;
use crate::error::TrainError;
use crate::init::Init;
use crate::methods::Auxiliary;
use crate::progress::duration;
use crate::trainer::{Execution, Outcome, Trainer};

const EXAMPLES: &str = "\
Examples:
  normgate-train train --data photos/train --aux photos/other --hold-out all=10% --out runs/mine
  normgate-train train --data photos/train --aux photos/other --hold-out all=10% --out runs/small \\
    --width 16 --epochs 30 --camera 0.5
  normgate-train train --resume runs/mine";

/// Train a network on image folders.
///
/// The defaults are those of the paper (Shin & Chung, TMLR 2024) for CIFAR; --recipe imagenet-lt has
/// those for ImageNet-LT. A folder of images holds CIFAR's binary files, WebP strips with labels.bin, or a
/// folder of images for each class. A list file (.txt) has a line PATH CLASS for each image, as ImageNet-LT
/// is published. Auxiliary sets need no classes.
///
/// The run folder receives config.json (all options), history.json (figures for each epoch),
/// checkpoint.safetensors, and, in held-out/, what --hold-out kept out of training. Ctrl-C ends the run
/// after the current step; --resume continues from there as if it had never stopped, on a CPU to the last
/// bit if there are as many threads.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct TrainArgs {
    /// Continue the run in this folder, with the options that it was started with
    #[arg(
        long,
        value_name = "RUN",
        required_unless_present = "data",
        conflicts_with_all = ["RecipeArgs", "MethodArgs", "AugmentArgs"]
    )]
    resume: Option<PathBuf>,
    #[command(flatten)]
    recipe: Option<RecipeArgs>,
    #[command(flatten)]
    method: MethodArgs,
    #[command(flatten)]
    augmentation: AugmentArgs,
    #[command(flatten)]
    pub(crate) execution: ExecutionArgs,
}

/// Carries out the command.
///
/// # Errors
///
/// [`TrainError`], saying what to do.
pub fn train(args: &TrainArgs) -> Result<ExitCode, TrainError> {
    // Not the name of the program's file, which may differ: `reproduce` compares runs by their command lines.
    let program = std::iter::once(OsString::from(PROGRAM));
    let command = command_line(program.chain(std::env::args_os().skip(1)));
    let started = Instant::now();
    let (mut trainer, _lock) = prepare(args, command)?;
    let stop = stop_on_signal()?;
    let outcome = trainer.run(&stop)?;
    let run = trainer.folder();
    match outcome {
        Outcome::Finished => {
            let took = duration(started.elapsed().as_secs_f64());
            say!(
                "done in {took}: {}",
                run.join(checkpoint::FILE_NAME).display()
            );
            Ok(ExitCode::SUCCESS)
        }
        Outcome::Interrupted => {
            say!(
                "stopped; the checkpoint is written. To continue: normgate-train train --resume {}{}",
                quoted_path(run),
                args.execution.given(),
            );
            Ok(ExitCode::from(130))
        }
    }
}

/// Reads the sets and builds the network of a run that begins or continues, and holds its folder for as long as the
/// lock is kept. A new run records `command` as the command line that started it.
///
/// # Errors
///
/// [`TrainError`], saying what to do.
pub(crate) fn prepare(args: &TrainArgs, command: String) -> Result<(Trainer, File), TrainError> {
    let device = device::open(args.execution.device)?;
    if let Some(threads) = args.execution.threads {
        tch::set_num_threads(threads.get().into());
    }
    let Run {
        folder: run,
        config,
        data,
        vary,
        beginning,
        lock,
    } = match (&args.resume, &args.recipe) {
        (Some(run), _) => resume(run, &args.execution, device)?,
        (None, Some(recipe)) => start(recipe, args, device, command)?,
        (None, None) => return Err(TrainError::Options("give --data or --resume".into())),
    };
    let execution = Execution {
        run,
        device,
        loaders: args.execution.loaders.into(),
        checkpoint_every: args.execution.checkpoint_every.get(),
    };
    introduce(&config, &data);
    match &beginning {
        Beginning::Resumed(Checkpoint { progress, .. }) => match progress.epochs {
            done if done >= config.recipe.epochs => say!("all {done} epochs are done already"),
            done => say!("continuing after {done} of {} epochs", config.recipe.epochs),
        },
        Beginning::Init(_) | Beginning::Fresh => {
            if data.copies_held_out > 0 {
                say!(
                    "warning: of the {} images that are held out, {} are also trained on, as copies: a \
                     threshold made from them flags somewhat too many new images. Remove the copies",
                    data.held_out.len(),
                    data.copies_held_out
                );
            }
            if data.in_another_class > 0 {
                say!(
                    "warning: {} also in another class, of which a network can learn one only: remove the copies that \
                     are in the wrong one",
                    match data.in_another_class {
                        1 => "an image is".to_owned(),
                        count => format!("{count} images are"),
                    }
                );
            }
            keep_held_out(&execution.run, &config, &data.held_out)?;
        }
    }

    let plan = Plan {
        streams: data.streams,
        seed: config.recipe.draw_seed(),
        views: config.recipe.method.views(),
        vary,
        normalise: config.data.normalise,
    };
    let resumed = match &beginning {
        Beginning::Resumed(checkpoint) => Some(checkpoint),
        Beginning::Init(_) | Beginning::Fresh => None,
    };
    let trainer = Trainer::new(config, execution, plan, resumed)?;
    if let Beginning::Init(init) = &beginning {
        trainer.adopt(&init.checkpoint)?;
    }
    Ok((trainer, lock))
}

struct Run {
    folder: PathBuf,
    config: RunConfig,
    data: TrainingData,
    vary: Vary,
    beginning: Beginning,
    lock: File,
}

/// Where the weights come from.
enum Beginning {
    Fresh,
    Init(Init),
    Resumed(Checkpoint),
}

fn start(
    recipe: &RecipeArgs,
    args: &TrainArgs,
    device: Device,
    command: String,
) -> Result<Run, TrainError> {
    let run = recipe.out.clone();
    check_is_free(&run, recipe.holds_out())?;
    recipe.check_reads_elsewhere(&run)?;
    recipe.check_monitored()?;
    let method = &args.method;
    let init = method.init.as_deref();
    let init = init.map(|run| Init::load(run, device)).transpose()?;
    let augmentation = args.augmentation.config(recipe.crop(init.as_ref()));
    let vary = args.execution.vary(&augmentation, device)?;
    let selection = recipe.selection(method, augmentation.crop, init.as_ref())?;
    if u32::from(augmentation.cutout) >= selection.image_size {
        return Err(TrainError::Options(format!(
            "--cutout {} would hide whole images, which are {} pixels wide: give a smaller one",
            augmentation.cutout, selection.image_size
        )));
    }
    let data = TrainingData::load(&selection)?;
    data.check_auxiliary(&selection)?;
    let config = recipe.config(
        method,
        &selection,
        &data,
        augmentation,
        init.as_ref(),
        command,
    )?;
    check_width(config.model.width)?;
    let lock = make_and_lock(&run)?;
    // Another process may have finished a run there while the images were read.
    check_is_free(&run, recipe.holds_out())?;
    write_config(&run, &config)?;
    Ok(Run {
        folder: run,
        config,
        data,
        vary,
        beginning: init.map_or(Beginning::Fresh, Beginning::Init),
        lock,
    })
}

/// The width may come from a run's own file, which anyone may have written.
fn check_width(width: usize) -> Result<(), TrainError> {
    let width = width.to_string();
    let checked = recipe::channels(&width).map_err(|problem| {
        TrainError::Options(format!("the network's width, {width}, is {problem}"))
    });
    checked.map(|_| ())
}

fn resume(run: &Path, execution: &ExecutionArgs, device: Device) -> Result<Run, TrainError> {
    if !run.exists() {
        return Err(TrainError::Options(format!(
            "--resume: there is no run {}: check the path",
            run.display()
        )));
    }
    // Its checkpoint names the run as well.
    let run = match run.file_name() == Some(checkpoint::FILE_NAME.as_ref()) && run.is_file() {
        true => run
            .parent()
            .filter(|run| *run != Path::new(""))
            .unwrap_or(Path::new(".")),
        false => run,
    };
    let lock = lock(run)?;
    if run.join(CONFIG_FILE).exists() && !run.join(checkpoint::FILE_NAME).exists() {
        return Err(TrainError::Options(format!(
            "--resume: {} was stopped before its first checkpoint, so there is nothing to continue \
             from. Start it again as before (the command is in its {CONFIG_FILE}), or with a smaller --lr if its loss \
             was not finite",
            run.display()
        )));
    }
    let checkpoint = Checkpoint::load(run)?;
    let config = checkpoint.config.clone();
    check_width(config.model.width)?;
    let vary = execution.vary(&config.augmentation, device)?;
    let selection = config.selection()?;
    let auxiliary = selection.auxiliary.iter().filter_map(|it| match it {
        AuxiliarySpec::Set(set) => Some(set),
        AuxiliarySpec::Crops => None,
    });
    let moved = selection
        .data
        .iter()
        .chain(auxiliary)
        .find(|set| set.path().is_relative() && !set.path().exists());
    if let Some(set) = moved {
        return Err(TrainError::Options(format!(
            "--resume: the run reads {set}, which is not there: continue it in the folder that it was started in, or \
             restore the set"
        )));
    }
    let data = TrainingData::load(&selection)?;
    let is_other = |digest: &String| *digest != data.digest();
    if data.class_counts != config.data.class_counts
        || config.data.digest.as_ref().is_some_and(is_other)
    {
        return Err(TrainError::Data(format!(
            "the image sets have changed since the run was started, or this version reads them \
             differently, so the run cannot continue: {}. Restore the sets, or start a new run with another \
             --out",
            changed(&config, &data)
        )));
    }
    Ok(Run {
        folder: run.to_owned(),
        config,
        data,
        vary,
        beginning: Beginning::Resumed(checkpoint),
        lock,
    })
}

/// What is known of a change in the image sets.
fn changed(config: &RunConfig, data: &TrainingData) -> String {
    let counts = config.data.class_counts.iter().zip(&data.class_counts);
    let mut classes = counts.zip(&data.class_names);
    match classes.find(|((before, now), _)| before != now) {
        Some(((before, now), class)) => {
            format!("{class} had {before} images to train on, and now has {now}")
        }
        None => "each class has as many images as before, so some of them, or of --aux, are others"
            .into(),
    }
}

/// If a larger share of the images than this does not fill a step, it is said.
const MUCH: f64 = 0.05;

fn introduce(config: &RunConfig, data: &TrainingData) {
    let (recipe, id) = (&config.recipe, &data.streams[0]);
    for stream in &data.streams {
        stream
            .images
            .notice()
            .into_iter()
            .for_each(|notice| say!("{notice}"));
    }
    let (steps, auxiliary) = (
        steps_per_epoch(&data.streams, recipe.epoch_end),
        data.streams[1..].iter().map(|stream| stream.per_step),
    );
    let left_over = id.images.len() % id.per_step;
    if recipe.epoch_end == EpochEnd::Data && left_over as f64 > MUCH * id.images.len() as f64 {
        say!(
            "warning: {left_over} of {} images, other ones each time, are left out of an epoch, since they do not fill \
             a step: a smaller --batch-size leaves out fewer",
            id.images.len()
        );
    }
    say!(
        "{} images of {} classes ({}); {} of {steps} steps, {} + {} images each",
        id.images.len(),
        data.class_names.len(),
        listed(&data.class_names, &data.class_counts),
        counted(recipe.epochs, "epoch"),
        id.per_step,
        auxiliary.sum::<usize>(),
    );
    for stream in &data.streams[1..] {
        say!(
            "{} auxiliary images: {}",
            stream.images.len(),
            stream.images.name
        );
    }
    let optional = recipe.method.traits().auxiliary == Auxiliary::Optional;
    if optional && data.streams.len() == 1 {
        say!(
            "warning: {} without --aux detects little (paper, T7: AUROC 75.6, not 92.9)",
            recipe.method
        );
    }
}

/// Each class with its number of images; for more than ten classes only the numbers, for more than a hundred their
/// range.
fn listed(names: &[String], counts: &[u64]) -> String {
    let listed: Vec<String> = match counts.len() {
        ..=10 => {
            let classes = names.iter().zip(counts);
            classes
                .map(|(name, count)| format!("{name} {count}"))
                .collect()
        }
        11..=100 => counts.iter().map(u64::to_string).collect(),
        _ => {
            let [least, most] = [counts.iter().min(), counts.iter().max()];
            let [least, most] = [least, most].map(|count| count.copied().unwrap_or(0));
            return format!("{least} to {most} of each");
        }
    };
    listed.join(", ")
}

const ONE_AND_THE_SAME: Duration = Duration::from_secs(1);

/// A flag that [stop signals](on_stop_signal) set. A second one ends the process at once.
pub(crate) fn stop_on_signal() -> Result<Arc<AtomicBool>, TrainError> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    let mut first: Option<Instant> = None;
    on_stop_signal(move || match first {
        None => {
            first = Some(Instant::now());
            flag.store(true, Ordering::Relaxed);
            say!("\nstopping after this step …");
        }
        // To signal a process and then its group, as `timeout` does, is to signal once.
        Some(first) if first.elapsed() < ONE_AND_THE_SAME => {}
        Some(_) => std::process::exit(130),
    })
    .map_err(|error| TrainError::Options(format!("Ctrl-C cannot be caught: {error}")))?;
    Ok(stop)
}
