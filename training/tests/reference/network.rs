//! The whole network: evaluation, and two training steps on joint batches.

use std::collections::BTreeMap;

use normgate_training::methods::{Method, Rna, Step};
use normgate_training::models::{Architecture, ModelConfig, Network, Projection};
use normgate_training::optimiser::{Optimiser, OptimiserKind};
use serde::Deserialize;
use tch::{Device, Tensor};

use crate::{assert_close, draw, filled, network, parameter, reference};

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
/// What 53 may.
const DEEPER: f32 = 1e-4;

fn compare(network: &Network, expected: &Evaluation, side: usize, tolerance: f32) {
    let shape = [3, 3, side as i64, side as i64];
    let images = normgate_training::models::values(&(draw(5, &shape) + 0.5)).unwrap();
    let (logits, representation) = network.forward_eval(&images, 3, (side, side)).unwrap();
    let logits = Tensor::from_slice(&logits);
    assert_close("logits", &logits, &expected.logits, tolerance);
    let representation = Tensor::from_slice(&representation);
    let of_network = &expected.representation;
    assert_close("representation", &representation, of_network, tolerance);
}

/// Evaluation, two steps on images of `side` pixels, and evaluation again.
fn follow(
    network: &Network,
    expected: &Expected,
    side: usize,
    (optimiser, rate): (OptimiserKind, f64),
    tolerance: f32,
) {
    compare(network, &expected.before, side, tolerance);

    let trained: Vec<Tensor> = network
        .parameters()
        .trainable()
        .iter()
        .map(|(_, tensor)| tensor.shallow_clone())
        .collect();
    let mut optimiser = Optimiser::new(optimiser, trained.iter(), 5e-4).unwrap();
    let counts: Vec<u64> = (1..=10).rev().collect();
    let rna = Rna::new(&counts, 1.0, 0.5, Device::Cpu).unwrap();
    let labels = Tensor::from_slice(&[0_i64, 1, 2, 9]);
    assert_eq!(expected.steps.len(), 2);
    for (seed, expected) in (20..).zip(&expected.steps) {
        let images = draw(seed, &[8, 3, side as i64, side as i64]) + 0.5;
        let all = network.representation(&images).unwrap();
        let (representation, auxiliary) = (all.narrow(0, 0, 4), all.narrow(0, 4, 4));
        let step = Step {
            network,
            representation: &representation,
            auxiliary: &auxiliary,
            labels: &labels,
        };
        let loss = rna.loss(&step).unwrap();
        assert_close("total", &loss.total, &[expected.total], tolerance);
        let classification = &loss.classification;
        let of_classes = [expected.classification];
        assert_close("classification", classification, &of_classes, tolerance);
        let (name, norm) = &loss.parts[0];
        assert_close(name, norm, &[-expected.norm], tolerance);
        let mut gradients = Tensor::run_backward(&[&loss.total], &trained, false, false);
        optimiser
            .step(trained.iter(), &mut gradients, rate)
            .unwrap();
    }

    compare(network, &expected.after, side, tolerance);
    for (name, expected) in &expected.tensors {
        assert_close(name, &parameter(network, name), expected, tolerance);
    }
}

#[test]
fn a_network_evaluates_and_trains_as_in_pytorch() {
    let adam = (OptimiserKind::Adam, 1e-3);
    follow(&network(2, 10), &reference().network, 16, adam, TOLERANCE);
}

#[test]
fn a_resnet50_evaluates_and_trains_as_in_pytorch() {
    let network = filled(ModelConfig {
        architecture: Architecture::Resnet50,
        width: 2,
        affine: false,
        shortcut_affine: true,
        classes: 10,
        projection: Projection::Mlp,
    });
    let sgd = (OptimiserKind::Sgd, 0.01);
    follow(&network, &reference().resnet50, 64, sgd, DEEPER);
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
