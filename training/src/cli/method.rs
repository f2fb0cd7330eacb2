//! The options that choose a method, and those that single methods have.

use std::path::PathBuf;

use clap::Args;

use super::recipe::{not_negative, positive};
use crate::data::TrainingData;
use crate::error::TrainError;
use crate::init::Init;
use crate::methods::{Auxiliary, Hyperparameters, MethodKind};
use crate::models::Projection;
use crate::optimiser::OptimiserKind;

/// How to train.
#[derive(Debug, Args)]
pub struct MethodArgs {
    /// Training method; papers, equations and what else each needs: docs/training.md
    #[arg(long, value_enum, default_value = "rna", help_heading = "Recipe")]
    pub(super) method: MethodKind,
    /// Start from the weights of this finished run, to tune it with another method
    #[arg(long, value_name = "RUN", help_heading = "Recipe")]
    pub(super) init: Option<PathBuf>,
    /// Strength τ of the logit adjustment, which evens out frequent and rare classes; 0: none
    /// [default: 1 for la, la-oe, rna*, attenuation and *-ft, else 0]
    #[arg(long, help_heading = "Recipe", value_parser = not_negative)]
    tau: Option<f64>,
    /// Weight λ of the loss on norms or auxiliary images [default: 0.5; energy-oe and bel 0.1,
    /// oecc 0.05]
    #[arg(long, help_heading = "Recipe", value_parser = not_negative)]
    lambda: Option<f64>,
    /// Head whose output's norm is amplified or attenuated, or whose output is contrasted [default: mlp]
    #[arg(long, value_enum, help_heading = "Recipe")]
    projection: Option<Projection>,

    /// Energy above which images of the classes are penalised (energy-oe, bel) [default: -23; for
    /// 100 classes or more -27]
    #[arg(long, value_name = "ENERGY", help_heading = SINGLE, allow_negative_numbers = true,
        value_parser = finite)]
    energy_in: Option<f64>,
    /// Energy below which auxiliary images are penalised (energy-oe, bel) [default: -5]
    #[arg(long, value_name = "ENERGY", help_heading = SINGLE, allow_negative_numbers = true,
        value_parser = finite)]
    energy_out: Option<f64>,
    /// How much --energy-out rises for images that look like a frequent class (bel) [default: 10;
    /// for 100 classes or more 100]
    #[arg(long, help_heading = SINGLE, value_parser = not_negative)]
    alpha: Option<f64>,
    /// Power of the classes' shares, 0 treating them alike (bel) [default: 0.75]
    #[arg(long, help_heading = SINGLE, value_parser = not_negative)]
    gamma: Option<f64>,
    /// Let no gradient flow through the weights of auxiliary images (bel; docs/results/README.md) [default:
    /// false, as in its authors' code]
    #[arg(long, value_name = "true|false", help_heading = SINGLE)]
    fixed_balance: Option<bool>,
    /// Weight of the loss that keeps confidence at the training accuracy (oecc) [default: 0.07]
    #[arg(long, value_name = "WEIGHT", help_heading = SINGLE, value_parser = not_negative)]
    confidence_weight: Option<f64>,
    /// That accuracy, 0 to 1 (oecc) [default: that of --init's last epoch]
    #[arg(long, value_name = "SHARE", help_heading = SINGLE, value_parser = share)]
    training_accuracy: Option<f64>,
    /// Weight of the contrastive loss (pascl) [default: 0.1; for 100 to 999 classes 0.02]
    #[arg(long, value_name = "WEIGHT", help_heading = SINGLE, value_parser = not_negative)]
    contrast_weight: Option<f64>,
    /// Temperature of the contrastive loss (pascl) [default: 0.07; for 100 to 999 classes 0.2]
    #[arg(long, help_heading = SINGLE, value_parser = positive)]
    temperature: Option<f64>,
    /// Share of the classes, the rarest, that are contrasted (pascl) [default: 0.4]
    #[arg(long, value_name = "SHARE", help_heading = SINGLE, value_parser = share)]
    tail: Option<f64>,
}

const SINGLE: &str = "Recipe of single methods";

impl MethodArgs {
    /// Refuses options that the method has no use for, and requires those that it needs.
    ///
    /// # Errors
    ///
    /// [`TrainError::Options`], saying what to do.
    pub(super) fn check(&self, has_auxiliary: bool) -> Result<(), TrainError> {
        let method = self.method;
        let traits = method.traits();
        let second_stage = method.is_second_stage() && self.init.is_none();
        let unknown_accuracy = self.init.is_none() && self.training_accuracy.is_none();
        let problem = match traits.auxiliary {
            Auxiliary::Needed if !has_auxiliary => {
                "learns from auxiliary images: give --aux, or another --method"
            }
            Auxiliary::Never if has_auxiliary => "has no use for auxiliary images: leave out --aux",
            _ if self.tau.is_some() && traits.tau.is_none() => {
                "does not adjust logits: leave out --tau, or use --method la"
            }
            _ if self.lambda.is_some() && traits.lambda.is_none() => {
                "has no loss that --lambda could weight: leave it out"
            }
            _ if self.projection.is_some() && traits.projection == Projection::None => {
                "has no projection head: leave out --projection"
            }
            _ if second_stage => "continues from a finished run: name it with --init",
            _ if method == MethodKind::Oecc && unknown_accuracy => {
                "keeps confidence at the accuracy of a trained network: name its run with --init, \
                 or give --training-accuracy"
            }
            _ => return self.check_single(),
        };
        Err(TrainError::Options(format!("--method {method} {problem}")))
    }

    /// Refuses options of other methods, which would change nothing.
    fn check_single(&self) -> Result<(), TrainError> {
        use MethodKind::{Bel, EnergyOe, Oecc, Pascl};
        let options: [(&str, bool, &[MethodKind]); 10] = [
            ("--energy-in", self.energy_in.is_some(), &[EnergyOe, Bel]),
            ("--energy-out", self.energy_out.is_some(), &[EnergyOe, Bel]),
            ("--alpha", self.alpha.is_some(), &[Bel]),
            ("--gamma", self.gamma.is_some(), &[Bel]),
            ("--fixed-balance", self.fixed_balance.is_some(), &[Bel]),
            (
                "--confidence-weight",
                self.confidence_weight.is_some(),
                &[Oecc],
            ),
            (
                "--training-accuracy",
                self.training_accuracy.is_some(),
                &[Oecc],
            ),
            (
                "--contrast-weight",
                self.contrast_weight.is_some(),
                &[Pascl],
            ),
            ("--temperature", self.temperature.is_some(), &[Pascl]),
            ("--tail", self.tail.is_some(), &[Pascl]),
        ];
        let needless = |(_, is_given, methods): &&(_, bool, &[MethodKind])| {
            *is_given && !methods.contains(&self.method)
        };
        match options.iter().find(needless) {
            None => Ok(()),
            Some((option, ..)) => Err(TrainError::Options(format!(
                "--method {} has no use for {option}: leave it out",
                self.method
            ))),
        }
    }

    /// τ and λ.
    pub(super) fn weights(&self) -> (f64, f64) {
        let traits = self.method.traits();
        let tau = self.tau.or(traits.tau).unwrap_or(0.0);
        (tau, self.lambda.or(traits.lambda).unwrap_or(0.0))
    }

    /// The optimiser if none is given: SGD to tune a run with a method whose authors do so, else the recipe's.
    pub(super) fn optimiser(&self, recipe: OptimiserKind) -> OptimiserKind {
        match self.tunes_gently() {
            true => OptimiserKind::Sgd,
            false => recipe,
        }
    }

    /// The learning rate if none is given.
    pub(super) fn learning_rate(&self, optimiser: OptimiserKind) -> f64 {
        // Those of second stages are PASCL's authors', who use SGD on ImageNet.
        match (optimiser, self.method.is_second_stage()) {
            (OptimiserKind::Adam, false) => 1e-3,
            (OptimiserKind::Adam, true) => 5e-4,
            (OptimiserKind::Sgd, false) if self.tunes_gently() => 1e-3,
            (OptimiserKind::Sgd, false) => 0.1,
            (OptimiserKind::Sgd, true) => 0.01,
        }
    }

    fn tunes_gently(&self) -> bool {
        self.init.is_some() && self.method.is_tuned_with_sgd()
    }

    /// The head besides the linear one.
    pub(super) fn projection(&self) -> Projection {
        let default = self.method.traits().projection;
        self.projection.unwrap_or(default)
    }

    /// The hyperparameters of single methods.
    ///
    /// # Errors
    ///
    /// [`TrainError`] if one of them has to be found with the run to start from, and that fails.
    pub(super) fn hyperparameters(
        &self,
        data: &TrainingData,
        init: Option<&Init>,
    ) -> Result<Hyperparameters, TrainError> {
        let mut default = Hyperparameters::for_classes(data.class_names.len());
        match (self.method, init) {
            (MethodKind::Oecc, Some(init)) if self.training_accuracy.is_none() => {
                default.training_accuracy = init.training_accuracy()?;
            }
            (MethodKind::Bel, Some(init)) => {
                default.auxiliary_prior = init.auxiliary_prior(&data.streams[1..])?;
            }
            _ => {}
        }
        let of = |given: Option<f64>, default: f64| given.unwrap_or(default);
        Ok(Hyperparameters {
            energy_in: of(self.energy_in, default.energy_in),
            energy_out: of(self.energy_out, default.energy_out),
            alpha: of(self.alpha, default.alpha),
            gamma: of(self.gamma, default.gamma),
            fixed_balance: self.fixed_balance.unwrap_or(default.fixed_balance),
            confidence_weight: of(self.confidence_weight, default.confidence_weight),
            training_accuracy: of(self.training_accuracy, default.training_accuracy),
            contrast_weight: of(self.contrast_weight, default.contrast_weight),
            temperature: of(self.temperature, default.temperature),
            tail: of(self.tail, default.tail),
            auxiliary_prior: default.auxiliary_prior,
        })
    }
}

/// Infinity could not be written into a checkpoint.
fn finite(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(value) if f64::is_finite(value) => Ok(value),
        _ => Err("not a number".into()),
    }
}

fn share(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(value) if (0.0..=1.0).contains(&value) => Ok(value),
        _ => Err("not a number from 0 to 1".into()),
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        method: MethodArgs,
    }

    #[test]
    fn options_of_other_methods_are_refused() {
        let check = |line: &str| Line::parse_from(line.split(' ')).method.check(true);
        for line in [
            "train --method energy-oe --alpha 100",
            "train --method oe --tail 0.2",
            "train --method rna --energy-in -20",
        ] {
            let error = check(line).unwrap_err().to_string();
            assert!(error.contains("leave it out"), "{line}: {error}");
        }
        check("train --method energy-oe --energy-in -20 --energy-out -4").unwrap();
        check("train --method pascl --tail 0.2").unwrap();
    }

    #[test]
    fn the_help_says_the_defaults() {
        let command = Line::command();
        let help = |option: &str| {
            let argument = command.get_arguments().find(|it| it.get_id() == option);
            argument.unwrap().get_help().unwrap().to_string()
        };
        let [few, many] = [10, 100].map(Hyperparameters::for_classes);
        for (option, few, many) in [
            ("energy_in", few.energy_in, many.energy_in),
            ("energy_out", few.energy_out, many.energy_out),
            ("alpha", few.alpha, many.alpha),
            ("gamma", few.gamma, many.gamma),
            (
                "confidence_weight",
                few.confidence_weight,
                many.confidence_weight,
            ),
            ("contrast_weight", few.contrast_weight, many.contrast_weight),
            ("temperature", few.temperature, many.temperature),
            ("tail", few.tail, many.tail),
        ] {
            let help = help(option);
            let said = help
                .split_once("[default: ")
                .unwrap()
                .1
                .trim_end_matches(']');
            let numbers = said
                .split([' ', ';'])
                .filter_map(|word| word.parse::<f64>().ok());
            let numbers: Vec<f64> = numbers
                .filter(|number| ![100.0, 999.0].contains(number) || *number == many)
                .collect();
            assert!(
                numbers.first() == Some(&few) && numbers.last() == Some(&many),
                "{help}"
            );
        }
    }

    #[test]
    fn what_tunes_a_trained_network_with_outliers_takes_small_steps_of_sgd_as_its_authors_do() {
        use OptimiserKind::{Adam, Sgd};
        for (method, recipe, [trained, tuned]) in [
            ("oe", Adam, [(Adam, 1e-3), (Sgd, 1e-3)]),
            ("oecc", Adam, [(Adam, 1e-3), (Sgd, 1e-3)]),
            ("bel", Sgd, [(Sgd, 0.1), (Sgd, 1e-3)]),
            ("rna", Adam, [(Adam, 1e-3), (Adam, 1e-3)]),
            ("rna", Sgd, [(Sgd, 0.1), (Sgd, 0.1)]),
            ("pascl-ft", Adam, [(Adam, 5e-4), (Adam, 5e-4)]),
        ] {
            for (init, expected) in [(None, trained), (Some("--init=run"), tuned)] {
                let line = ["train", "--method", method];
                let Line { method } = Line::parse_from(line.into_iter().chain(init));
                let optimiser = method.optimiser(recipe);
                let found = (optimiser, method.learning_rate(optimiser));
                assert_eq!(found, expected, "{line:?} {init:?}");
            }
        }
    }
}
