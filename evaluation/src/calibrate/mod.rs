//! `calibrate`: from images that were never trained on to the threshold in the model file.

mod report;
mod spread;

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use normgate_core::calibration::{Calibration, CalibrationError};
use normgate_core::manifest::Manifest;
use normgate_core::model::Model;
use normgate_core::onnx;
use normgate_core::runtime::LOGITS;
use normgate_core::scores::{Fitted, Score, ScoreKind};

pub use report::{BothConventions, CalibrationReport};
pub(crate) use report::{expected, warn_of_known};

use crate::datasets::{ImageSet, SYNTAX, SetSpec};
use crate::error::EvaluationError;
use crate::fit::{self, score_parser};
use crate::out::has_folder;
use crate::outputs::SetOutputs;
use crate::overlap::Fingerprints;
use crate::recorded;
use crate::seen;
use crate::workbench::{Workbench, WorkbenchArgs, print};

const EXAMPLES: &str = "\
Examples:
  normgate calibrate parts.onnx --data photos/held-out
  normgate calibrate parts.onnx --data 'photos/train#last=50' --score energy --out energy.onnx
";

/// Give a model file its threshold, from images that it was not trained on
///
/// The threshold is written into the file, with the scores that it comes from. By default it is the
/// one that lets 95 % of ID images pass (ID-positive), by conformal prediction.
#[derive(Args, Clone, Debug)]
#[command(after_help = format!("{EXAMPLES}\n{SYNTAX}"))]
pub struct CalibrateArgs {
    /// The model file
    pub model: PathBuf,
    /// Images of the model's classes that it was not trained on, such as those that training held
    /// out (RUN/held-out); several sets, separated by commas, count as one
    #[arg(long, value_name = "SET", value_delimiter = ',', required = true)]
    pub data: Vec<SetSpec>,
    /// OOD images; needed for the OOD-positive convention
    #[arg(long, value_name = "SET", value_delimiter = ',')]
    pub ood: Vec<SetSpec>,
    /// Use equally many images of every class: the first of each, as many as the rarest has
    #[arg(long)]
    pub balance: bool,
    /// The score to serve with [default: the model's]
    #[arg(long, value_name = "NAME", value_parser = score_parser(), ignore_case = true)]
    pub score: Option<ScoreKind>,
    /// The labelled images that the model was trained on, for a score that is fitted to them; not
    /// those of --data
    #[arg(long, value_name = "SET", value_delimiter = ',')]
    pub fit_data: Vec<SetSpec>,
    /// The share that passes (ID-positive) or is caught (OOD-positive)
    #[arg(long, value_name = "SHARE", default_value_t = DEFAULT_TPR)]
    pub tpr: f64,
    /// What --tpr counts: ID images that pass, or OOD images that are caught
    #[arg(long, value_enum, default_value_t = ConventionName::IdPositive)]
    pub convention: ConventionName,
    /// Give each predicted class that has 190 images (at 0.95) a threshold of its own, and all others one:
    /// images predicted as one class are then flagged about as often as those predicted as another. Images
    /// mistaken for another class may be flagged more often. Answers then have no p_value
    #[arg(long)]
    pub per_class: bool,
    /// Write the calibrated model here and leave MODEL as it is
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// The model's name in replies and metrics [default: as before]
    #[arg(long)]
    pub name: Option<String>,
    /// The model's version in replies and metrics [default: as before]
    #[arg(long, value_name = "VERSION")]
    pub model_version: Option<String>,
    #[allow(missing_docs)]
    #[command(flatten)]
    pub workbench: WorkbenchArgs,
}

/// The share if none is given.
pub(crate) const DEFAULT_TPR: f64 = 0.95;

/// A convention's name on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ConventionName {
    /// That share of ID images passes
    IdPositive,
    /// That share of OOD images is caught
    OodPositive,
}

/// Calibrates the model file of `args` and writes it, in place or to `--out`; the file is replaced
/// whole or not at all.
///
/// # Errors
/// [`EvaluationError`]; the model file is then as it was.
pub fn calibrate(args: &CalibrateArgs) -> Result<CalibrationReport, EvaluationError> {
    if args.convention == ConventionName::OodPositive && args.ood.is_empty() {
        return Err(EvaluationError::Options(
            "--convention ood-positive needs the OOD images to catch: add --ood SET",
        ));
    }
    check_threshold(args)?;
    let model = match args.score {
        Some(_) => Model::open_for_another_score(&args.model)?,
        None => Model::open(&args.model)?,
    };
    let mut manifest = named(args, &model)?;
    check_fit_data(args, &model)?;
    check_logits(&model)?;
    args.out.as_deref().map_or(Ok(()), has_folder)?;
    let sets = [&args.data, &args.fit_data, &args.ood].into_iter();
    sets.flatten().try_for_each(SetSpec::check_exists)?;
    let bench = Workbench::new(&args.workbench)?;
    let mut id = bench.load_id(&args.data, &model)?;
    let fitted = fitted(args, &bench, &model, &id)?;
    let score = ready(
        args.score.unwrap_or(model.manifest().score),
        fitted.as_ref(),
    )?;
    let counts = id.class_counts(model.manifest().labels.len());
    let trained_on = seen::in_training(model.manifest(), &args.data, &counts);
    // Images to fit to that are given are compared; those that it was fitted to before mostly are the training images.
    let known = fitted
        .as_ref()
        .filter(|_| args.fit_data.is_empty() && trained_on.is_none());
    let labels = &model.manifest().labels;
    let fitted_on = known.and_then(|it| seen::in_fitted(labels, it, &args.data, id.len()));
    let mut balanced_to = None;
    if args.balance {
        let (balanced, each) = balance(&id, labels)?;
        (id, balanced_to) = (balanced, Some(each));
    }
    let known = Fingerprints::of("--data", &id);
    let repeated = known.repeated()?;
    let ood = match args.ood.is_empty() {
        true => None,
        false => {
            let images = bench.load_ood(&args.ood, &model)?;
            known.apart_from(&Fingerprints::of("--ood", &images))?;
            Some(bench.answers(&model, &images)?)
        }
    };
    let id = bench.answers(&model, &id)?;
    let mut report = report(args, &*score, &model, &id, ood.as_ref())?;
    report.balanced_to = balanced_to;
    report.repeated = repeated;
    report.trained_on = trained_on;
    report.treated_as_ood = seen::in_auxiliary(model.manifest(), &args.data);
    report.fitted_on = fitted_on;
    report.fitted_to = fitted.as_ref().map(|fitted| fitted.images);
    manifest.score = report.score;
    manifest.calibration = Some(report.calibration.clone());
    let calibrated = model.with_score(manifest, fitted.as_deref())?;
    calibrated.save(&report.written)?;
    Ok(report)
}

/// The manifest with the name and the version asked for, which may be none that a model can have.
fn named(args: &CalibrateArgs, model: &Model) -> Result<Manifest, EvaluationError> {
    let mut manifest = (**model.manifest()).clone();
    manifest.name = args.name.clone().unwrap_or(manifest.name);
    manifest.version = args.model_version.clone().unwrap_or(manifest.version);
    let checked = manifest.validate();
    checked.map_err(|source| EvaluationError::Manifest { source })?;
    Ok(manifest)
}

/// Checks that the logits have not gone through a softmax or the like: the manifest may have been written by hand.
fn check_logits(model: &Model) -> Result<(), EvaluationError> {
    let graph = onnx::decode(model.bytes())
        .ok()
        .and_then(|model| model.graph);
    let operator = graph.and_then(|graph| onnx::made_by(&graph, LOGITS));
    let squashes = |operator: &String| {
        ["Softmax", "LogSoftmax", "Sigmoid", "HardSigmoid"].contains(&&**operator)
    };
    match operator.filter(squashes) {
        Some(operator) => Err(EvaluationError::NoLogits {
            model: model.title(),
            operator,
        }),
        None => Ok(()),
    }
}

/// Checks that the options can give a threshold at all, before many images are read and run in vain.
fn check_threshold(args: &CalibrateArgs) -> Result<(), CalibrationError> {
    let is_of_ood = args.convention == ConventionName::OodPositive;
    // It checks the share before it finds that there are no scores.
    match Calibration::id_positive(&[], args.tpr) {
        Err(error @ CalibrationError::TargetOutOfRange { .. }) => Err(error),
        _ if args.per_class && is_of_ood => Err(CalibrationError::PerClassNeedsIdPositive),
        _ => Ok(()),
    }
}

/// Checks that there are images to fit the score to if it has to be fitted, and none if it is not a fitted one.
fn check_fit_data(args: &CalibrateArgs, model: &Model) -> Result<(), EvaluationError> {
    let score = args.score.unwrap_or(model.manifest().score);
    let is_known = model.fitted().is_some_and(|fitted| fitted.kind() == score);
    match (score.is_fitted(), args.fit_data.is_empty()) {
        (false, false) => Err(EvaluationError::Options(
            "--fit-data is for scores that are fitted, and this one is not: leave it out, or \
             choose another --score",
        )),
        (true, true) if !is_known => Err(EvaluationError::NothingToFitTo { score }),
        _ => Ok(()),
    }
}

/// What the score learns from --fit-data, or has learnt before; `None` if it learns nothing.
fn fitted(
    args: &CalibrateArgs,
    bench: &Workbench,
    model: &Model,
    id: &ImageSet,
) -> Result<Option<Arc<Fitted>>, EvaluationError> {
    let score = args.score.unwrap_or(model.manifest().score);
    if args.fit_data.is_empty() {
        let known = model.fitted().filter(|fitted| fitted.kind() == score);
        return Ok(known.map(Arc::clone));
    }
    let images = bench.load_training(&args.fit_data, model)?;
    // None of the images that the score was fitted to would look unusual, and so too many others would.
    Fingerprints::of("--fit-data", &images).apart_from(&Fingerprints::of("--data", id))?;
    fit::fit(bench, model, &args.fit_data, &images, score).map(Some)
}

/// The score, ready to be computed.
pub(crate) fn ready(
    score: ScoreKind,
    fitted: Option<&Arc<Fitted>>,
) -> Result<Arc<dyn Score>, EvaluationError> {
    match fitted {
        Some(fitted) => Ok(Arc::clone(fitted) as Arc<dyn Score>),
        None => score
            .unfitted()
            .ok_or(EvaluationError::NothingToFitTo { score }),
    }
}

/// Calibrates and prints the outcome.
///
/// # Errors
/// As [`calibrate`].
pub fn run(args: &CalibrateArgs) -> Result<(), EvaluationError> {
    print(&calibrate(args)?.to_string())
}

/// The first n images of each class, in the set's order; n is how many the rarest class has.
///
/// # Errors
/// [`EvaluationError::ClassWithoutImages`].
pub fn balance(set: &ImageSet, labels: &[String]) -> Result<(ImageSet, u64), EvaluationError> {
    let counts = set.class_counts(labels.len());
    let each = counts.iter().copied().min().unwrap_or(0);
    if each == 0 {
        let empty = counts.iter().position(|&count| count == 0).unwrap_or(0);
        return Err(EvaluationError::ClassWithoutImages {
            set: set.name.clone(),
            label: labels.get(empty).cloned().unwrap_or_default(),
        });
    }
    let mut taken = vec![0u64; labels.len()];
    let balanced = set.filter(|_, label| {
        let taken = label.and_then(|label| taken.get_mut(usize::from(label)));
        taken.is_some_and(|taken| {
            *taken += 1;
            *taken <= each
        })
    });
    Ok((balanced, each))
}

pub(crate) fn report(
    args: &CalibrateArgs,
    score: &dyn Score,
    model: &Model,
    id: &SetOutputs,
    ood: Option<&SetOutputs>,
) -> Result<CalibrationReport, EvaluationError> {
    let manifest = model.manifest();
    let scores = id.scores(score);
    spread::check(score.kind(), &scores)?;
    let of_id = Calibration::id_positive(&scores, args.tpr);
    let ood_scores = ood.map(|ood| ood.scores(score));
    let of_ood = ood_scores
        .as_ref()
        .map(|ood| Calibration::ood_positive(&scores, ood, args.tpr));
    // The convention that was not asked for may need more images than there are.
    let both = match (&of_id, &of_ood, &ood_scores) {
        (Ok(of_id), Some(Ok(of_ood)), Some(ood)) => {
            let effect = |of: &Calibration| {
                let [id, ood] = [&scores, ood].map(|of_set| share_above(of_set, of.threshold));
                (of.threshold, id, ood)
            };
            Some(BothConventions {
                id_positive: effect(of_id),
                ood_positive: effect(of_ood),
            })
        }
        _ => None,
    };
    let mut calibration = match (args.convention, of_ood) {
        (ConventionName::OodPositive, Some(of_ood)) => of_ood?,
        _ => of_id?,
    };
    let predicted = id.predicted();
    if args.per_class {
        calibration = calibration.with_per_class(&scores, &predicted, id.classes)?;
    }
    calibration.data = Some(describe(args));

    let mut class_counts = vec![0u64; id.classes];
    let mut flagged = vec![0u64; id.classes];
    let mut right = 0;
    for ((&score, &predicted), label) in scores.iter().zip(&predicted).zip(&id.labels) {
        let Some(label) = label.filter(|&label| label < id.classes) else {
            continue;
        };
        class_counts[label] += 1;
        right += u64::from(predicted == label);
        flagged[label] += u64::from(calibration.is_ood(score, predicted));
    }
    let rates = flagged.iter().zip(&class_counts);
    Ok(CalibrationReport {
        written: args.out.clone().unwrap_or_else(|| args.model.clone()),
        score: score.kind(),
        fitted_to: None,
        calibration,
        flagged_per_class: rates.map(|(&f, &n)| f as f64 / n as f64).collect(),
        class_counts,
        right,
        repeated: 0,
        trained_on: None,
        treated_as_ood: None,
        fitted_on: None,
        balanced_to: None,
        labels: manifest.labels.clone(),
        both,
    })
}

/// What the calibration was made from, as the manifest keeps it: names of sets, not paths.
fn describe(args: &CalibrateArgs) -> String {
    let mut text = recorded::sets(&args.data);
    if args.balance {
        text = recorded::balanced(&text);
    }
    if args.convention == ConventionName::OodPositive {
        text = recorded::remarked(&text, &format!("OOD: {}", recorded::sets(&args.ood)));
    }
    text
}

fn share_above(scores: &[f32], threshold: f64) -> f64 {
    let above = scores.iter().filter(|&&score| f64::from(score) > threshold);
    above.count() as f64 / scores.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(clap::Parser)]
    struct Cli {
        #[command(flatten)]
        args: CalibrateArgs,
    }

    #[test]
    fn what_no_image_could_give_is_refused_before_anything_is_read() {
        let refused = |more: &[&str]| {
            let line = [
                "calibrate",
                "no.onnx",
                "--data",
                "nowhere",
                "--ood",
                "nowhere",
            ];
            let line = line.iter().chain(more);
            let cli = <Cli as clap::Parser>::try_parse_from(line).unwrap();
            calibrate(&cli.args).unwrap_err().to_string()
        };
        for tpr in ["0", "1", "95", "NaN"] {
            let error = refused(&["--tpr", tpr]);
            assert!(error.starts_with("the target TPR is"), "{tpr}: {error}");
        }
        let of_ood = ["--convention", "ood-positive", "--per-class"];
        let error = refused(&of_ood);
        assert!(error.contains("need the ID-positive"), "{error}");
        for more in [&of_ood[..2], &of_ood[2..], &["--tpr", "0.5"]] {
            let error = refused(more);
            assert!(error.contains("no.onnx"), "{more:?}: {error}");
        }
    }
}
