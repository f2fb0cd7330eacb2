//! Fitting scores to training images, and choosing scores on the command line.

use std::collections::HashMap;
use std::sync::Arc;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use normgate_core::model::Model;
use normgate_core::scores::{FitData, Fitted, Score, ScoreKind};

use crate::datasets::{ImageSet, SetSpec};
use crate::error::EvaluationError;
use crate::outputs;
use crate::recorded;
use crate::workbench::Workbench;

/// A score, or every one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScoreChoice {
    /// Every score there is.
    All,
    /// This one.
    One(ScoreKind),
}

impl ScoreChoice {
    fn holds(self, kind: ScoreKind) -> bool {
        matches!(self, Self::All) || self == Self::One(kind)
    }
}

/// Reads a score's name.
pub(crate) fn score_parser() -> impl TypedValueParser<Value = ScoreKind> {
    PossibleValuesParser::new(ScoreKind::ALL.map(possible)).map(|name| named(&name))
}

/// Reads a score's name, or `all`.
pub(crate) fn choice_parser() -> impl TypedValueParser<Value = ScoreChoice> {
    let all = PossibleValue::new("all").help("every score; needs --fit-data");
    let values = ScoreKind::ALL.map(possible).into_iter().chain([all]);
    PossibleValuesParser::new(values).map(|name| match name.eq_ignore_ascii_case("all") {
        true => ScoreChoice::All,
        false => ScoreChoice::One(named(&name)),
    })
}

fn possible(score: ScoreKind) -> PossibleValue {
    // Its names in manifests and replies, and in tables.
    let others = [score.name(), score.title()];
    PossibleValue::new(option(score))
        .help(score.summary())
        .aliases(others)
}

/// What a score is called on the command line; its name in manifests works too.
fn option(score: ScoreKind) -> &'static str {
    match score {
        ScoreKind::RepresentationNorm => "rn",
        ScoreKind::MaxLogit => "max-logit",
        ScoreKind::RelativeMahalanobis => "relative-mahalanobis",
        other => other.name(),
    }
}

/// The score with this name; the parsers let no other names through.
fn named(name: &str) -> ScoreKind {
    let is = |score: &ScoreKind| {
        let names = [option(*score), score.name(), score.title()];
        names.iter().any(|known| known.eq_ignore_ascii_case(name))
    };
    let found = ScoreKind::ALL.into_iter().find(is);
    found.unwrap_or(ScoreKind::RepresentationNorm)
}

/// Runs the model over the training images, which `data` names, and fits the score to its answers.
///
/// # Errors
/// [`EvaluationError`] if an image has no label of the model's classes, or the score cannot be fitted to the images.
pub(crate) fn fit(
    bench: &Workbench,
    model: &Model,
    data: &[SetSpec],
    images: &ImageSet,
    score: ScoreKind,
) -> Result<Arc<Fitted>, EvaluationError> {
    // One score, one outcome.
    fit_all(bench, model, data, images, &[score])?.swap_remove(0)
}

/// As [`fit`], for each of the scores by itself.
fn fit_all(
    bench: &Workbench,
    model: &Model,
    data: &[SetSpec],
    images: &ImageSet,
    scores: &[ScoreKind],
) -> Result<Vec<Result<Arc<Fitted>, EvaluationError>>, EvaluationError> {
    outputs::all_labelled(images, &model.manifest().labels)?;
    let answers = bench.answers(model, images)?;
    let labels = answers.truth()?;
    let name = recorded::sets(data);
    let failed = |source| EvaluationError::Fit {
        data: name.clone(),
        source,
    };
    let data = FitData::new(
        (answers.classes, answers.size),
        &labels,
        &answers.logits,
        &answers.representation,
        model.last_layer(),
    );
    let data = data.map_err(failed)?;
    let bar = bench.steps("fitting", scores.len());
    let fit = |score: &ScoreKind| {
        bar.set_message(score.title());
        let fitted = Fitted::fit(*score, &data, Some(name.clone()));
        bar.inc(1);
        fitted.map(Arc::new).map_err(failed)
    };
    let fitted = scores.iter().map(fit).collect();
    bar.finish_and_clear();
    Ok(fitted)
}

/// The scores that an evaluation reports, in the order of [`ScoreKind::ALL`]: those asked for, or else all that need
/// no images, and the model's own. With images to fit to, which `fit_data` names, it is every score; those that were
/// not asked for by name and cannot be fitted to this model are left out, with a message.
///
/// # Errors
/// As [`fit`]; [`EvaluationError::NothingToFitTo`].
pub(crate) fn reported(
    bench: &Workbench,
    model: &Model,
    asked: &[ScoreChoice],
    fit_data: &[SetSpec],
    images: Option<&ImageSet>,
) -> Result<Vec<Arc<dyn Score>>, EvaluationError> {
    let own = |kind: ScoreKind| model.score().kind() == kind;
    let wanted = |kind: &ScoreKind| match asked.is_empty() {
        true => !kind.is_fitted() || own(*kind) || images.is_some(),
        false => asked.iter().any(|choice| choice.holds(*kind)),
    };
    let kinds: Vec<ScoreKind> = ScoreKind::ALL.into_iter().filter(wanted).collect();
    // The model's own is measured as it is served.
    let to_fit = |kind: &ScoreKind| kind.is_fitted() && !own(*kind);
    let to_fit: Vec<ScoreKind> = kinds.iter().copied().filter(to_fit).collect();
    let fitted = match (to_fit.first(), images) {
        (Some(&score), None) => return Err(EvaluationError::NothingToFitTo { score }),
        (None, _) => Vec::new(),
        (Some(_), Some(images)) => fit_all(bench, model, fit_data, images, &to_fit)?,
    };
    let mut fitted: HashMap<ScoreKind, _> = to_fit.into_iter().zip(fitted).collect();
    let mut ready: Vec<Arc<dyn Score>> = Vec::new();
    for kind in kinds {
        match (own(kind), fitted.remove(&kind), kind.unfitted()) {
            (true, ..) => ready.push(Arc::clone(model.score())),
            (_, Some(Ok(fitted)), _) => ready.push(fitted),
            (_, Some(Err(error)), _) if asked.contains(&ScoreChoice::One(kind)) => {
                return Err(error);
            }
            (_, Some(Err(error)), _) => crate::say!("{} is left out: {error}", kind.title()),
            (_, None, Some(score)) => ready.push(score),
            (_, None, None) => return Err(EvaluationError::NothingToFitTo { score: kind }),
        }
    }
    Ok(ready)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_understood_as_tables_write_them_in_any_case() {
        #[derive(clap::Parser)]
        struct Options {
            #[command(flatten)]
            evaluate: crate::evaluate::EvaluateArgs,
        }
        let parse = |names: &str| {
            let line = ["evaluate", "model.onnx", "--id", "test", "--scores", names];
            let options = <Options as clap::Parser>::try_parse_from(line);
            options
                .unwrap_or_else(|error| panic!("{error}"))
                .evaluate
                .scores
        };
        assert_eq!(parse("ALL"), [ScoreChoice::All]);
        for score in ScoreKind::ALL {
            for name in [option(score), score.name(), score.title()] {
                for name in [name.to_owned(), name.to_uppercase()] {
                    assert_eq!(parse(&name), [ScoreChoice::One(score)], "{name}");
                }
            }
        }
    }

    #[test]
    fn every_score_has_a_name_of_its_own_on_the_command_line() {
        for score in ScoreKind::ALL {
            assert_eq!(named(option(score)), score);
            assert_eq!(named(score.name()), score);
            assert_eq!(named(score.title()), score);
            assert_eq!(named(&score.title().to_lowercase()), score);
        }
    }
}
