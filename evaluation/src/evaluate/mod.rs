//! `evaluate`: how good a calibrated model file is, on ID, OOD and other-source images.

mod calibrated_on;
pub(crate) mod doubts;
mod early;
pub mod figures;
pub(crate) mod measure;
mod plots;
mod rows;

use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use normgate_core::model::Model;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::datasets::{SYNTAX, SetSpec};
use crate::error::EvaluationError;
use crate::fit::{self, ScoreChoice, choice_parser};
use crate::outputs;
use crate::overlap::{Apart, Fingerprints};
use crate::reports::plots::{Epoch, training_curves};
use crate::reports::{ModelRecord, NamedPlot, Report};
use crate::shell::command_line;
use crate::workbench::{Workbench, WorkbenchArgs, print};
use doubts::Learnt;
use measure::Answers;
use plots::detection_plots;
pub use rows::told_apart;
pub(crate) use rows::told_apart_in_one_table;

const EXAMPLES: &str = "\
Examples:
  normgate evaluate parts.onnx --id photos/test --ood photos/strange --out report
  normgate evaluate parts.onnx --id photos/test --ood far=scenes,near=other-parts \\
    --scores all --fit-data photos/train
";

/// Measure a calibrated model file on in- and out-of-distribution images
///
/// Prints how well every score tells the OOD sets from the ID set, how accurate the model is, and
/// what the flags of the served threshold are worth. With --out, writes a report with plots too.
#[derive(Args, Clone, Debug)]
#[command(after_help = format!("{EXAMPLES}\n{SYNTAX}"))]
pub struct EvaluateArgs {
    /// The calibrated model file
    pub model: PathBuf,
    /// Test images of the model's classes
    #[arg(long, value_name = "SET", value_delimiter = ',', required = true)]
    pub id: Vec<SetSpec>,
    /// OOD test images: a set, or several, each reported by itself
    #[arg(long, value_name = "SET", value_delimiter = ',')]
    pub ood: Vec<SetSpec>,
    /// Images of the model's classes from another source, each set reported by itself
    #[arg(long, value_name = "SET", value_delimiter = ',')]
    pub shifted_id: Vec<SetSpec>,
    /// The images that the model was calibrated on: the scores that it is not served with then get
    /// thresholds of their own at the same share, so that their flags can be compared
    #[arg(long, value_name = "SET", value_delimiter = ',')]
    pub calibration: Vec<SetSpec>,
    /// Use equally many calibration images of every class, as `calibrate --balance` does
    #[arg(long, requires = "calibration")]
    pub balance: bool,
    /// The scores to report [default: those that are not fitted, and the model's own; with
    /// --fit-data all]
    #[arg(long, value_name = "NAME", value_delimiter = ',', value_parser = choice_parser(),
        ignore_case = true)]
    pub scores: Vec<ScoreChoice>,
    /// The labelled images that the model was trained on, for the scores that are fitted to them
    #[arg(long, value_name = "SET", value_delimiter = ',')]
    pub fit_data: Vec<SetSpec>,
    /// The folder of the training run, to plot its curves
    #[arg(long, value_name = "DIR")]
    pub run: Option<PathBuf>,
    /// Write report.json, report.md, report.html and the plots into this folder
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    #[allow(missing_docs)]
    #[command(flatten)]
    pub workbench: WorkbenchArgs,
}

/// A report and its plots.
pub struct Evaluation {
    /// What was measured; its `Display` is the table for the terminal.
    pub report: Report,
    /// Norms, ROC curves, classes and sets, and the training curves if a run was given.
    pub plots: Vec<NamedPlot>,
}

/// Evaluates the model file of `args`; writes nothing.
///
/// # Errors
/// [`EvaluationError`].
pub fn evaluate(args: &EvaluateArgs) -> Result<Evaluation, EvaluationError> {
    let start = Instant::now();
    // Before anything is read: sets are large.
    early::check(args)?;
    let model = Model::open(&args.model)?;
    let calibration = model.manifest().calibrated()?.clone();
    let history = args.run.as_deref().map(|run| read_history(run, &model));
    let history = history.transpose()?;
    let bench = Workbench::new(&args.workbench)?;
    let test = bench.load_id(&args.id, &model)?;
    let labels = &model.manifest().labels;
    outputs::all_labelled(&test, labels)?;
    let fit_images = match args.fit_data.is_empty() {
        true => None,
        false => Some(bench.load_training(&args.fit_data, &model)?),
    };
    let calibration_images = calibrated_on::load(args, &bench, &model)?;
    // Whatever its sets are called, an image may be used only once.
    let mut known = Apart::default();
    for (option, set) in [
        ("--fit-data", fit_images.as_ref()),
        ("--calibration", calibration_images.as_ref()),
    ] {
        if let Some(set) = set {
            known.admit(Fingerprints::of(option, set))?;
        }
    }
    let tested = Fingerprints::of("--id", &test);
    tested.repeated()?;
    known.admit(tested)?;
    let calibrated = calibration_images.map(|set| bench.answers(&model, &set));
    let calibrated = calibrated.transpose()?;
    if let Some(given) = &calibrated {
        calibrated_on::check_same(&model, &calibration, given)?;
    }
    // Images that are given were compared already.
    let unseen = Some(&calibration).filter(|_| args.calibration.is_empty());
    let learnt = Learnt::new(&model, unseen, &args.fit_data);
    let mut doubts = learnt.doubts("--id", &args.id, &test);
    let foreign = args.ood.chunks(1);
    doubts.extend(foreign.filter_map(|set| doubts::of_foreign(set, &model)));
    let scores = fit::reported(
        &bench,
        &model,
        &args.scores,
        &args.fit_data,
        fit_images.as_ref(),
    )?;
    drop(fit_images);
    let id = bench.answers(&model, &test)?;
    calibrated_on::check_others(&model, &calibration, &id)?;
    let shifted = |specs: &[SetSpec]| {
        let set = bench.load_id(specs, &model)?;
        outputs::all_labelled(&set, labels)?;
        let images = Fingerprints::of("--shifted-id", &set);
        known.check(&images)?;
        images.repeated()?;
        doubts.extend(learnt.doubts("--shifted-id", specs, &set));
        bench.answers(&model, &set)
    };
    let ood = |specs: &[SetSpec]| {
        let set = bench.load_ood(specs, &model)?;
        known.check(&Fingerprints::of("--ood", &set))?;
        bench.answers(&model, &set)
    };
    let answers = Answers {
        id,
        ood: args.ood.chunks(1).map(ood).collect::<Result<_, _>>()?,
        shifted: args
            .shifted_id
            .chunks(1)
            .map(shifted)
            .collect::<Result<_, _>>()?,
        calibration: calibrated,
    };
    let figures = measure::measure(&model, &calibration, &scores, &answers)?;
    let mut plots = detection_plots(&model, &scores, &figures, &answers)?;
    plots.extend(plots::of_figures(model.manifest(), &figures));
    // A single epoch makes no curve.
    if let Some(history) = history.filter(|epochs| epochs.len() > 1) {
        plots.push(NamedPlot {
            file: "training",
            caption: "Training",
            plot: training_curves(&format!("Training of {}", model.title()), &history),
        });
    }
    let report = Report {
        normgate: env!("CARGO_PKG_VERSION").into(),
        onnxruntime: bench.runtime().version().into(),
        command: command_line(std::env::args_os()),
        seconds: start.elapsed().as_secs_f64(),
        model: ModelRecord::new(&model, &calibration),
        doubts,
        figures,
    };
    Ok(Evaluation { report, plots })
}

/// Evaluates, prints the tables, and writes the report folder if one was asked for.
///
/// # Errors
/// As [`evaluate`], and if the folder cannot be written.
pub fn run(args: &EvaluateArgs) -> Result<(), EvaluationError> {
    let evaluation = evaluate(args)?;
    print(&evaluation.report.to_string())?;
    match &args.out {
        None => Ok(()),
        Some(folder) => {
            evaluation.report.write(folder, &evaluation.plots)?;
            let [text, page] = ["report.md", "report.html"].map(|name| folder.join(name));
            print(&format!(
                "\nThe report is in {}, as text in {}\n",
                page.display(),
                text.display()
            ))
        }
    }
}

/// The epochs of the run that made the model.
fn read_history(run: &Path, model: &Model) -> Result<Vec<Epoch>, EvaluationError> {
    let training = model.manifest().training.as_ref();
    let made_by = training.and_then(|it| it.command.as_ref());
    let options = run.join("config.json");
    // Without options it is not the trainer's, but its curves may still be the model's.
    if let Some(made_by) = made_by.filter(|_| options.exists()) {
        let Options { command } = read_json(options)?;
        if *made_by != command {
            return Err(EvaluationError::OtherRun {
                run: run.into(),
                model: model.title(),
                command: made_by.clone(),
            });
        }
    }
    read_json(run.join("history.json"))
}

/// What a run's `config.json` says that tells it from others.
#[derive(Deserialize)]
struct Options {
    command: String,
}

fn read_json<T: DeserializeOwned>(path: PathBuf) -> Result<T, EvaluationError> {
    let bytes = std::fs::read(&path).map_err(|source| EvaluationError::Io {
        path: path.clone(),
        source,
    })?;
    serde_json::from_slice(&bytes).map_err(|source| EvaluationError::Json { path, source })
}
