//! `evaluate`: how good a calibrated model file is, on ID, OOD and other-source images.

pub mod figures;
pub mod measure;
mod pictures;

use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use normgate_core::classifier::NotCalibrated;
use normgate_core::detection;
use normgate_core::manifest::Manifest;
use normgate_core::model::Model;
use normgate_core::scores::ScoreKind;

use crate::calibrate::balance;
use crate::datasets::{SYNTAX, SetSpec};
use crate::error::EvaluationError;
use crate::outputs::SetOutputs;
use crate::reports::plots::{
    Epoch, NormPanel, RocPanel, norm_histograms, roc_curves, training_curves,
};
use crate::reports::{ModelRecord, NamedPlot, Report, score_name};
use crate::workbench::{Workbench, WorkbenchArgs, print};
use figures::Figures;
use measure::Answers;

/// Measure a calibrated model file on in- and out-of-distribution images
///
/// Prints how well every score tells the OOD sets from the ID set, how accurate the model is, and
/// what the flags of the served threshold are worth. With --out, a report with plots too.
#[derive(Args, Clone, Debug)]
#[command(after_help = SYNTAX)]
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
    /// The images that the model was calibrated on: then the scores that it is not served with get
    /// their own threshold at the same share, and their flags can be compared
    #[arg(long, value_name = "SET", value_delimiter = ',')]
    pub calibration: Vec<SetSpec>,
    /// Use equally many calibration images of every class, as `calibrate --balance` does
    #[arg(long, requires = "calibration")]
    pub balance: bool,
    /// The folder of the training run, for its curves
    #[arg(long, value_name = "DIR")]
    pub run: Option<PathBuf>,
    /// Write report.json, report.md, report.html and the plots into this folder
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    #[allow(missing_docs)]
    #[command(flatten)]
    pub workbench: WorkbenchArgs,
}

/// A report and its pictures.
pub struct Evaluation {
    /// What was measured; its `Display` is the table for the terminal.
    pub report: Report,
    /// Of norms, ROC, classes and sets, and the training curves where a run was given.
    pub plots: Vec<NamedPlot>,
}

/// Evaluates the model file of `args`; writes nothing.
///
/// # Errors
/// [`EvaluationError`].
pub fn evaluate(args: &EvaluateArgs) -> Result<Evaluation, EvaluationError> {
    let start = Instant::now();
    // Before anything is read: sets are large.
    told_apart("--ood", &args.ood)?;
    told_apart("--shifted-id", &args.shifted_id)?;
    let model = Model::open(&args.model)?;
    let Some(calibration) = model.manifest().calibration.clone() else {
        return Err(NotCalibrated {
            name: model.manifest().name.clone(),
            version: model.manifest().version.clone(),
        }
        .into());
    };
    let history = args.run.as_deref().map(read_history).transpose()?;
    let bench = Workbench::new(&args.workbench)?;
    let id = |specs: &[SetSpec]| bench.answers(&model, &bench.load_id(specs, &model)?);
    let ood = |specs: &[SetSpec]| bench.answers(&model, &bench.load_ood(specs, &model)?);
    let answers = Answers {
        id: id(&args.id)?,
        ood: args.ood.chunks(1).map(ood).collect::<Result<_, _>>()?,
        shifted: args
            .shifted_id
            .chunks(1)
            .map(id)
            .collect::<Result<_, _>>()?,
        calibration: calibration_answers(args, &bench, &model)?,
    };
    let figures = measure::measure(model.manifest(), &calibration, &answers)?;
    let mut plots = detection_plots(model.manifest(), &figures, &answers)?;
    plots.extend(pictures::of_figures(model.manifest(), &figures));
    if let Some(history) = history {
        plots.push(NamedPlot {
            file: "training",
            caption: "Training",
            plot: training_curves(
                &format!("Training of {}", title(model.manifest())),
                &history,
            ),
        });
    }
    let report = Report {
        normgate: env!("CARGO_PKG_VERSION").into(),
        onnxruntime: bench.runtime().version().into(),
        command: command_line(),
        seconds: start.elapsed().as_secs_f64(),
        model: ModelRecord::new(&model, &calibration),
        figures,
    };
    Ok(Evaluation { report, plots })
}

/// Evaluates, prints the tables, and writes the report folder where one was asked for.
///
/// # Errors
/// As [`evaluate`], and where the folder cannot be written.
pub fn run(args: &EvaluateArgs) -> Result<(), EvaluationError> {
    let evaluation = evaluate(args)?;
    print(&evaluation.report.to_string())?;
    match &args.out {
        None => Ok(()),
        Some(folder) => {
            evaluation.report.write(folder, &evaluation.plots)?;
            let report = folder.join("report.md");
            print(&format!("\nThe report is in {}\n", report.display()))
        }
    }
}

/// That sets which each get a row of their own have names of their own.
pub(crate) fn told_apart(option: &'static str, specs: &[SetSpec]) -> Result<(), EvaluationError> {
    for (index, spec) in specs.iter().enumerate() {
        let name = spec.name();
        if let Some(first) = specs[..index].iter().find(|first| first.name() == name) {
            return Err(EvaluationError::SameName {
                option,
                name,
                first: first.to_string(),
                second: spec.to_string(),
            });
        }
    }
    Ok(())
}

fn calibration_answers(
    args: &EvaluateArgs,
    bench: &Workbench,
    model: &Model,
) -> Result<Option<SetOutputs>, EvaluationError> {
    if args.calibration.is_empty() {
        return Ok(None);
    }
    let mut set = bench.load_id(&args.calibration, model)?;
    if args.balance {
        set = balance(&set, &model.manifest().labels)?.0;
    }
    bench.answers(model, &set).map(Some)
}

fn detection_plots(
    manifest: &Manifest,
    figures: &Figures,
    answers: &Answers,
) -> Result<Vec<NamedPlot>, EvaluationError> {
    if answers.ood.is_empty() {
        return Ok(Vec::new());
    }
    let norms = |set: &SetOutputs| -> Vec<f32> {
        let scores = set.scores(ScoreKind::RepresentationNorm);
        scores.into_iter().map(|score| -score).collect()
    };
    let auroc = |set: usize, score: ScoreKind| {
        let found = figures.ood[set].scores.iter().find(|f| f.score == score);
        100.0 * found.map_or(f64::NAN, |figures| figures.auroc)
    };
    let ood_norms: Vec<_> = answers.ood.iter().map(norms).collect();
    let sets = answers.ood.iter().enumerate();
    let panels: Vec<_> = sets
        .clone()
        .map(|(index, set)| NormPanel {
            name: &set.name,
            norms: &ood_norms[index],
            remark: format!("AUROC {:.1} %", auroc(index, ScoreKind::RepresentationNorm)),
        })
        .collect();
    let served_with_norm = manifest.score == ScoreKind::RepresentationNorm;
    let threshold = manifest.calibration.as_ref().filter(|_| served_with_norm);
    let histograms = norm_histograms(
        &format!("Representation norms of {}", title(manifest)),
        (&answers.id.name, &norms(&answers.id)),
        &panels,
        threshold.map(|calibration| -calibration.threshold),
    );

    let curves = |ood: &SetOutputs| {
        let curve = |score: ScoreKind| {
            detection::roc(&answers.id.scores(score), &ood.scores(score)).map_err(|source| {
                EvaluationError::Detection {
                    score: score.name(),
                    id: answers.id.name.clone(),
                    ood: ood.name.clone(),
                    source,
                }
            })
        };
        ScoreKind::ALL
            .into_iter()
            .map(curve)
            .collect::<Result<Vec<_>, _>>()
    };
    let mut rocs = Vec::new();
    for (index, set) in sets {
        rocs.push(RocPanel {
            name: &set.name,
            remark: format!(
                "RN AUROC {:.1} %",
                auroc(index, ScoreKind::RepresentationNorm)
            ),
            curves: curves(set)?,
        });
    }
    let names = ScoreKind::ALL.map(score_name);
    let title = format!("ROC of {}, ID: {}", title(manifest), answers.id.name);
    Ok(vec![
        NamedPlot {
            file: "norms",
            caption: "Representation norms",
            plot: histograms,
        },
        NamedPlot {
            file: "roc",
            caption: "ROC curves",
            plot: roc_curves(&title, &names, &rocs),
        },
    ])
}

fn title(manifest: &Manifest) -> String {
    format!("{} {}", manifest.name, manifest.version)
}

fn read_history(run: &Path) -> Result<Vec<Epoch>, EvaluationError> {
    let path = run.join("history.json");
    let bytes = std::fs::read(&path).map_err(|source| EvaluationError::Io {
        path: path.clone(),
        source,
    })?;
    serde_json::from_slice(&bytes).map_err(|source| EvaluationError::Json { path, source })
}

/// The command line of this process as it can be typed again; the program without its folder.
fn command_line() -> String {
    let mut arguments = std::env::args();
    let program = arguments.next().unwrap_or_default();
    let program = Path::new(&program).file_name().unwrap_or_default();
    let mut line = program.to_string_lossy().into_owned();
    for argument in arguments {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_=./,:+@%".contains(c);
        line.push(' ');
        match !argument.is_empty() && argument.chars().all(plain) {
            true => line += &argument,
            false => line += &format!("'{}'", argument.replace('\'', r"'\''")),
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(sets: &[&str]) -> Result<(), EvaluationError> {
        let specs: Vec<SetSpec> = sets.iter().map(|text| text.parse().unwrap()).collect();
        told_apart("--ood", &specs)
    }

    #[test]
    fn two_sets_of_one_name_are_refused_and_the_way_out_is_named() {
        let error = checked(&["a/test", "c/other", "b/test/"])
            .unwrap_err()
            .to_string();
        assert!(error.contains("a/test and b/test/"), "{error}");
        assert!(error.contains("NAME=PATH"), "{error}");
        assert!(checked(&["a/test", "b=b/test"]).is_ok());
    }
}
