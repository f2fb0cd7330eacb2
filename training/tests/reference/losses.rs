//! Losses and their gradients on fixed representations.

use std::collections::{BTreeMap, BTreeSet};

use clap::ValueEnum;
use normgate_training::config::Recipe;
use normgate_training::methods::{
    CrossEntropy, Hyperparameters, LogitAdjustment, Loss, Method, MethodKind, Rna, Step, method,
};
use normgate_training::models::{Network, Projection};
use serde::Deserialize;
use tch::{Device, Kind, Tensor};

use crate::{assert_close, draw, network, network_with, parameter, recipe, reference};

#[derive(Deserialize)]
pub(crate) struct Expected {
    total: f32,
    classification: f32,
    parts: BTreeMap<String, f32>,
    representation_gradient: Vec<f32>,
    auxiliary_gradient: Option<Vec<f32>>,
    gradients: BTreeMap<String, Vec<f32>>,
}

const COUNTS: [u64; 4] = [50, 20, 7, 3];
const LABELS: [i64; 6] = [0, 3, 1, 2, 0, 3];
const TOLERANCE: f32 = 2e-6;
/// exp(similarity / 0.07) makes a rounding error up to 14 times as large.
const CONTRAST_TOLERANCE: f32 = 1e-5;

/// The inputs that `reference.py` gives a method.
struct Inputs {
    representation: Tensor,
    auxiliary: Tensor,
    labels: Tensor,
}

impl Inputs {
    fn of(views: usize) -> Self {
        let view = |seed| draw(seed, &[6, 8]) + 0.5;
        let (representation, labels) = match views {
            1 => (view(1), LABELS.to_vec()),
            _ => (Tensor::cat(&[view(1), view(3)], 0), LABELS.repeat(2)),
        };
        Self {
            representation: representation.set_requires_grad(true),
            auxiliary: (draw(2, &[5, 8]) + 0.5).set_requires_grad(true),
            labels: Tensor::from_slice(&labels),
        }
    }

    fn loss(&self, method: &dyn Method, network: &Network) -> Loss {
        let step = Step {
            network,
            representation: &self.representation,
            auxiliary: &self.auxiliary,
            labels: &self.labels,
        };
        method.loss(&step).unwrap()
    }
}

/// A recipe with the numbers of `reference.py`, if they are not the defaults.
fn test_recipe(kind: MethodKind) -> Recipe {
    Recipe {
        hyperparameters: Hyperparameters {
            energy_in: -1.95,
            energy_out: -1.9,
            alpha: 0.5,
            auxiliary_prior: vec![0.5, 0.25, 0.15, 0.1],
            training_accuracy: 0.6,
            ..Hyperparameters::default()
        },
        ..recipe(kind)
    }
}

fn compare(name: &str, kind: MethodKind, network: &Network, expected: &Expected) {
    let method = method(&test_recipe(kind), &COUNTS, Device::Cpu).unwrap();
    let inputs = Inputs::of(kind.views());
    let loss = inputs.loss(method.as_ref(), network);
    let tolerance = match kind {
        MethodKind::Pascl => CONTRAST_TOLERANCE,
        _ => TOLERANCE,
    };
    let close = |what: &str, found: &Tensor, expected: &[f32]| {
        assert_close(&format!("{name}: {what}"), found, expected, tolerance);
    };

    close("total", &loss.total, &[expected.total]);
    let classification = &loss.classification;
    close("classification", classification, &[expected.classification]);
    let parts: BTreeMap<&str, &Tensor> = loss.parts.iter().map(|(n, part)| (*n, part)).collect();
    assert_eq!(parts.len(), expected.parts.len(), "{name}");
    for (part, expected) in &expected.parts {
        close(part, parts[part.as_str()], &[*expected]);
    }

    let names: Vec<&String> = expected.gradients.keys().collect();
    let mut variables = vec![inputs.representation, inputs.auxiliary];
    variables.extend(names.iter().map(|name| parameter(network, name)));
    let gradients = Tensor::run_backward(&[&loss.total], &variables, false, false);
    let (of_inputs, of_network) = gradients.split_at(2);
    close(
        "representation",
        &of_inputs[0],
        &expected.representation_gradient,
    );
    match &expected.auxiliary_gradient {
        Some(expected) => close("auxiliary", &of_inputs[1], expected),
        None => assert!(!of_inputs[1].defined(), "{name}: auxiliary"),
    }
    for (name, gradient) in names.iter().zip(of_network) {
        close(name, gradient, &expected.gradients[*name]);
    }
}

#[test]
fn every_method_has_pytorchs_loss_and_gradients() {
    let expected = reference().losses;
    // A second stage has the loss of logit adjustment, and no expected values of its own.
    let all = MethodKind::value_variants().iter();
    let mut compared = BTreeSet::new();
    for &kind in all.filter(|kind| !kind.is_second_stage()) {
        let name = kind.to_string();
        compare(&name, kind, &network(1, 4), &expected[&name]);
        compared.insert(name);
    }
    for projection in [Projection::Linear, Projection::None] {
        let structure = format!("{projection:?}").to_lowercase();
        let name = format!("rna, {structure}");
        let network = network_with(projection, 1, 4);
        compare(&name, MethodKind::Rna, &network, &expected[&name]);
        compared.insert(name);
    }
    assert!(expected.keys().eq(&compared), "{compared:?}");
}

/// If Z(x) is taken as given, only energies move: λ·2·(Z / ΣZ)·max(0, m_out − E + α·Z)·softmax, since −E = log Σₖ
/// exp zₖ has the gradient softmax.
#[test]
fn with_a_fixed_balance_bel_has_the_same_loss_and_moves_energies_alone() {
    let network = network(1, 4);
    let inputs = Inputs::of(1);
    let mut recipe = test_recipe(MethodKind::Bel);
    let mut loss_and_gradient = |fixed| {
        recipe.hyperparameters.fixed_balance = fixed;
        let method = method(&recipe, &COUNTS, Device::Cpu).unwrap();
        let total = inputs.loss(method.as_ref(), &network).total;
        let gradient = Tensor::run_backward(&[&total], &[&inputs.auxiliary], false, false);
        (
            total.double_value(&[]),
            gradient.into_iter().next().unwrap(),
        )
    };
    let (total, through) = loss_and_gradient(false);
    let (same, fixed) = loss_and_gradient(true);
    assert_eq!(total, same);
    let largest = |tensor: &Tensor| tensor.abs().max().double_value(&[]);
    assert!(largest(&(&through - &fixed)) > 0.01 * largest(&fixed));

    let more = &test_recipe(MethodKind::Bel).hyperparameters;
    let powers = Tensor::from_slice(&more.auxiliary_prior).pow_tensor_scalar(more.gamma);
    let weights = (&powers / powers.sum(Kind::Double)).to_kind(Kind::Float);
    let logits = network.logits(&inputs.auxiliary).unwrap().detach();
    let softmax = logits.softmax(1, Kind::Float);
    let balance = softmax.matmul(&weights);
    let residual = (logits.logsumexp([1], false) + more.alpha * &balance + more.energy_out).relu();
    assert!(residual.max().double_value(&[]) > 0.0);
    let each: Tensor = 0.2 * (&balance / balance.sum(Kind::Float)) * residual;
    let expected = (each.unsqueeze(1) * softmax).matmul(&parameter(&network, "linear.weight"));
    let expected: Vec<f32> = Vec::try_from(expected.flatten(0, -1)).unwrap();
    assert_close("auxiliary", &fixed, &expected, TOLERANCE);
}

#[test]
fn without_adjustment_and_norm_rna_is_cross_entropy() {
    let network = network(1, 4);
    let inputs = Inputs::of(1);
    let rna = Rna::new(
        LogitAdjustment::new(&COUNTS, 0.0, Device::Cpu).unwrap(),
        0.0,
    );
    let rna = inputs.loss(&rna, &network);
    let ce = inputs.loss(&CrossEntropy, &network);
    assert_eq!(rna.total.double_value(&[]), ce.total.double_value(&[]));
}

#[test]
fn an_adjustment_makes_oe_what_the_paper_calls_la_oe() {
    let network = network(1, 4);
    let total = |recipe: &Recipe| {
        let method = method(recipe, &COUNTS, Device::Cpu).unwrap();
        let loss = Inputs::of(1).loss(method.as_ref(), &network);
        loss.total.double_value(&[])
    };
    let mut adjusted = recipe(MethodKind::Oe);
    assert_ne!(total(&adjusted), total(&recipe(MethodKind::LaOe)));
    adjusted.tau = 1.0;
    assert_eq!(total(&adjusted), total(&recipe(MethodKind::LaOe)));
}

#[test]
fn a_batch_without_rare_classes_leaves_pascl_outlier_exposure() {
    let network = network(1, 4);
    let mut inputs = Inputs::of(1);
    inputs.labels = Tensor::from_slice(&[0_i64, 1, 0, 0, 1, 1]);
    let of = |kind| method(&recipe(kind), &COUNTS, Device::Cpu).unwrap();
    let pascl = inputs.loss(of(MethodKind::Pascl).as_ref(), &network);
    let oe = inputs.loss(of(MethodKind::Oe).as_ref(), &network);
    assert_eq!(pascl.total.double_value(&[]), oe.total.double_value(&[]));
    // The optimiser needs the projection's gradient in every step.
    let projection = parameter(&network, "projection.0.weight");
    let gradients = Tensor::run_backward(&[&pascl.total], &[&projection], false, false);
    assert_eq!(gradients[0].abs().max().double_value(&[]), 0.0);
}

#[test]
fn a_representation_of_zero_gives_finite_gradients() {
    // With all-zero biases too, the projection is 0, where the norm has no derivative.
    let network = network(1, 4);
    for name in ["projection.0.bias", "projection.2.bias"] {
        let _ = tch::no_grad(|| parameter(&network, name).zero_());
    }
    let zeros = |rows| Tensor::zeros([rows, 8], tch::kind::FLOAT_CPU).set_requires_grad(true);
    for kind in [
        MethodKind::Rna,
        MethodKind::RnaOe,
        MethodKind::RnaAttenuation,
        MethodKind::Pascl,
    ] {
        let inputs = Inputs {
            representation: zeros(6),
            auxiliary: zeros(5),
            labels: Tensor::from_slice(&LABELS),
        };
        let method = method(&recipe(kind), &COUNTS, Device::Cpu).unwrap();
        let total = inputs.loss(method.as_ref(), &network).total;
        let variables = [&inputs.representation];
        let gradients = Tensor::run_backward(&[&total], &variables, false, false);
        assert!(
            bool::try_from(gradients[0].isfinite().all()).unwrap(),
            "{kind}"
        );
    }
}
