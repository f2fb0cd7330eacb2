//! The whole network: evaluation, and two training steps on joint batches.

use std::collections::BTreeMap;

use normgate_training::methods::{LogitAdjustment, Loss, Method, Rna, Step};
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

/// What is expected of a network that takes no step.
#[derive(Deserialize)]
pub(crate) struct Batch {
    before: Evaluation,
    losses: Losses,
    gradients: BTreeMap<String, Vec<f32>>,
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

/// How far 20 layers may differ by rounding in another memory layout.
const TOLERANCE: f32 = 2e-5;
/// How far 53 may in train mode, where each normalises what the one before has rounded.
const DEEPER: f32 = 5e-4;
/// How far their gradients may: PyTorch's own differ by 0.035 between two ways of convolving.
const GRADIENTS: f32 = 0.1;

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

#[test]
fn a_network_evaluates_and_trains_as_in_pytorch() {
    let expected = reference().network;
    let network = network(8, 10);
    compare(&network, &expected.before, 16, TOLERANCE);

    let trained: Vec<Tensor> = network
        .parameters()
        .trainable()
        .iter()
        .map(|(_, tensor)| tensor.shallow_clone())
        .collect();
    let mut adam = Optimiser::new(OptimiserKind::Adam, trained.iter(), 5e-4).unwrap();
    assert_eq!(expected.steps.len(), 2);
    for (seed, expected) in (20..).zip(&expected.steps) {
        let images = draw(seed, &[8, 3, 16, 16]) + 0.5;
        let loss = rna_loss(&network, &images, &[0, 1, 2, 9]);
        assert_losses(&loss, expected, TOLERANCE);
        let mut gradients = Tensor::run_backward(&[&loss.total], &trained, false, false);
        adam.step(trained.iter(), &mut gradients, 1e-3).unwrap();
    }

    compare(&network, &expected.after, 16, TOLERANCE);
    for (name, expected) in &expected.tensors {
        assert_close(name, &parameter(&network, name), expected, TOLERANCE);
    }
}

#[test]
fn a_resnet50_evaluates_and_learns_as_in_pytorch() {
    let expected = reference().resnet50;
    let network = filled(ModelConfig {
        architecture: Architecture::Resnet50,
        width: 8,
        affine: false,
        shortcut_affine: true,
        classes: 10,
        projection: Projection::Mlp,
    });
    compare(&network, &expected.before, 64, TOLERANCE);
    let labels = [0_i64, 1, 2, 9].repeat(4);
    let images = draw(20, &[32, 3, 64, 64]) + 0.5;
    let loss = rna_loss(&network, &images, &labels);
    assert_losses(&loss, &expected.losses, DEEPER);
    let names = expected.gradients.keys();
    let tensors: Vec<Tensor> = names.map(|name| parameter(&network, name)).collect();
    let gradients = Tensor::run_backward(&[&loss.total], &tensors, false, false);
    for (gradient, (name, expected)) in gradients.iter().zip(&expected.gradients) {
        assert_close(name, gradient, expected, GRADIENTS);
    }
}

/// RNA's loss of a batch whose first half has these classes.
fn rna_loss(network: &Network, images: &Tensor, labels: &[i64]) -> Loss {
    let counts: Vec<u64> = (1..=10).rev().collect();
    let rna = Rna::new(
        LogitAdjustment::new(&counts, 1.0, Device::Cpu).unwrap(),
        0.5,
    );
    let all = network.representation(images).unwrap();
    let half = labels.len() as i64;
    let (representation, auxiliary) = (all.narrow(0, 0, half), all.narrow(0, half, half));
    let step = Step {
        network,
        representation: &representation,
        auxiliary: &auxiliary,
        labels: &Tensor::from_slice(labels),
    };
    rna.loss(&step).unwrap()
}

fn assert_losses(found: &Loss, expected: &Losses, tolerance: f32) {
    assert_close("total", &found.total, &[expected.total], tolerance);
    let classification = &found.classification;
    let of_classes = [expected.classification];
    assert_close("classification", classification, &of_classes, tolerance);
    let (name, norm) = &found.parts[0];
    assert_close(name, norm, &[-expected.norm], tolerance);
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
