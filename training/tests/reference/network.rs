//! The whole network: evaluation, and two training steps on joint batches.

use std::collections::BTreeMap;

use normgate_training::methods::{Method, Rna, Step};
use normgate_training::models::Network;
use normgate_training::optimiser::Adam;
use serde::Deserialize;
use tch::{Device, Tensor};

use crate::{assert_close, draw, network, parameter, reference};

#[derive(Deserialize)]
pub(crate) struct Expected {
    before: Evaluation,
    pub(crate) steps: Vec<Losses>,
    after: Evaluation,
    tensors: BTreeMap<String, Vec<f32>>,
}

#[derive(Deserialize)]
struct Evaluation {
    logits: Vec<f32>,
    representation: Vec<f32>,
}

#[derive(Deserialize)]
pub(crate) struct Losses {
    pub(crate) total: f32,
    pub(crate) classification: f32,
    pub(crate) norm: f32,
}

/// What 20 layers in another memory layout may round differently.
const TOLERANCE: f32 = 2e-5;

fn compare(network: &Network, expected: &Evaluation) {
    let images = normgate_training::models::values(&(draw(5, &[3, 3, 16, 16]) + 0.5)).unwrap();
    let (logits, representation) = network.forward_eval(&images, 3, (16, 16)).unwrap();
    assert_close(
        "logits",
        &Tensor::from_slice(&logits),
        &expected.logits,
        TOLERANCE,
    );
    let representation = Tensor::from_slice(&representation);
    assert_close(
        "representation",
        &representation,
        &expected.representation,
        TOLERANCE,
    );
}

#[test]
fn a_network_evaluates_and_trains_as_in_pytorch() {
    let expected = reference().network;
    let network = network(2, 10);
    compare(&network, &expected.before);

    let trained: Vec<Tensor> = network
        .parameters()
        .trainable()
        .iter()
        .map(|(_, tensor)| tensor.shallow_clone())
        .collect();
    let mut adam = Adam::new(trained.iter(), 5e-4).unwrap();
    let counts: Vec<u64> = (1..=10).rev().collect();
    let rna = Rna::new(&counts, 1.0, 0.5, Device::Cpu).unwrap();
    let labels = Tensor::from_slice(&[0_i64, 1, 2, 9]);
    assert_eq!(expected.steps.len(), 2);
    for (seed, expected) in (20..).zip(&expected.steps) {
        let images = draw(seed, &[8, 3, 16, 16]) + 0.5;
        let all = network.representation(&images).unwrap();
        let (representation, auxiliary) = (all.narrow(0, 0, 4), all.narrow(0, 4, 4));
        let step = Step {
            network: &network,
            representation: &representation,
            auxiliary: &auxiliary,
            labels: &labels,
        };
        let loss = rna.loss(&step).unwrap();
        assert_close("total", &loss.total, &[expected.total], TOLERANCE);
        let classification = &loss.classification;
        assert_close(
            "classification",
            classification,
            &[expected.classification],
            TOLERANCE,
        );
        let (name, norm) = &loss.parts[0];
        assert_close(name, norm, &[-expected.norm], TOLERANCE);
        let mut gradients = Tensor::run_backward(&[&loss.total], &trained, false, false);
        adam.step(trained.iter(), &mut gradients, 1e-3).unwrap();
    }

    compare(&network, &expected.after);
    for (name, expected) in &expected.tensors {
        assert_close(name, &parameter(&network, name), expected, TOLERANCE);
    }
}

#[test]
fn images_of_another_size_than_announced_are_refused() {
    let error = network(1, 2)
        .forward_eval(&[0.0; 100], 1, (16, 16))
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("100 values are not 1 images of 3×16×16"),
        "{error}"
    );
}
