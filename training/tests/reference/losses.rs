//! Losses and their gradients on fixed representations.

use std::collections::BTreeMap;

use normgate_training::methods::{CrossEntropy, Method, Rna, Step};
use serde::Deserialize;
use tch::{Device, Tensor};

use crate::{assert_close, draw, network, parameter, reference};

#[derive(Deserialize)]
pub(crate) struct Expected {
    total: f32,
    classification: f32,
    norm: Option<f32>,
    representation_gradient: Vec<f32>,
    gradients: BTreeMap<String, Vec<f32>>,
}

const TOLERANCE: f32 = 2e-6;

fn compare(method: &dyn Method, expected: &Expected) {
    let network = network(1, 4);
    let representation = (draw(1, &[6, 8]) + 0.5).set_requires_grad(true);
    let labels = Tensor::from_slice(&[0_i64, 3, 1, 2, 0, 3]);
    let step = Step {
        network: &network,
        representation: &representation,
        labels: &labels,
    };
    let loss = method.loss(&step).unwrap();

    assert_close("total", &loss.total, &[expected.total], TOLERANCE);
    assert_close(
        "classification",
        &loss.classification,
        &[expected.classification],
        TOLERANCE,
    );
    assert_eq!(loss.norm.is_some(), expected.norm.is_some());
    if let (Some(norm), Some(expected)) = (&loss.norm, expected.norm) {
        assert_close("norm", norm, &[expected], TOLERANCE);
    }

    let names: Vec<&String> = expected.gradients.keys().collect();
    let mut inputs = vec![representation.shallow_clone()];
    inputs.extend(names.iter().map(|name| parameter(&network, name)));
    let gradients = Tensor::run_backward(&[&loss.total], &inputs, false, false);
    let (first, heads) = gradients.split_first().unwrap();
    assert_close(
        "representation",
        first,
        &expected.representation_gradient,
        TOLERANCE,
    );
    for (name, gradient) in names.iter().zip(heads) {
        assert_close(name, gradient, &expected.gradients[*name], TOLERANCE);
    }
}

#[test]
fn rna_has_pytorchs_loss_and_gradients() {
    let expected = &reference().losses["rna"];
    assert_eq!(
        expected.gradients.len(),
        6,
        "linear and both layers of the projection"
    );
    compare(
        &Rna::new(&[50, 20, 7, 3], 1.0, 0.5, Device::Cpu).unwrap(),
        expected,
    );
}

#[test]
fn cross_entropy_has_pytorchs_loss_and_gradients() {
    compare(&CrossEntropy, &reference().losses["ce"]);
}

#[test]
fn without_adjustment_and_norm_rna_is_cross_entropy() {
    let network = network(1, 4);
    let representation = draw(1, &[6, 8]) + 0.5;
    let labels = Tensor::from_slice(&[0_i64, 3, 1, 2, 0, 3]);
    let step = Step {
        network: &network,
        representation: &representation,
        labels: &labels,
    };
    let rna = Rna::new(&[50, 20, 7, 3], 0.0, 0.0, Device::Cpu)
        .unwrap()
        .loss(&step)
        .unwrap();
    let ce = CrossEntropy.loss(&step).unwrap();
    assert_eq!(rna.total.double_value(&[]), ce.total.double_value(&[]));
}

#[test]
fn a_representation_of_zero_gives_finite_gradients() {
    // With all-zero biases too, the projection is 0, where the norm has no derivative.
    let network = network(1, 4);
    for name in ["projection.0.bias", "projection.2.bias"] {
        let _ = tch::no_grad(|| parameter(&network, name).zero_());
    }
    let representation = Tensor::zeros([6, 8], tch::kind::FLOAT_CPU).set_requires_grad(true);
    let labels = Tensor::from_slice(&[0_i64, 3, 1, 2, 0, 3]);
    let step = Step {
        network: &network,
        representation: &representation,
        labels: &labels,
    };
    let rna = Rna::new(&[50, 20, 7, 3], 1.0, 0.5, Device::Cpu).unwrap();
    let total = rna.loss(&step).unwrap().total;
    let gradients = Tensor::run_backward(&[&total], &[&representation], false, false);
    assert!(bool::try_from(gradients[0].isfinite().all()).unwrap());
}
