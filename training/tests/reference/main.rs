//! The trainer against PyTorch: see `fixtures/reference.py`, which computed the expected values.
#![forbid(unsafe_code)]

mod batch_norm;
mod losses;
mod network;
mod optimiser;
mod trainer;

use std::collections::BTreeMap;

use normgate_training::config::{EpochEnd, Precision, Recipe};
use normgate_training::methods::{Hyperparameters, MethodKind};
use normgate_training::models::{Architecture, ModelConfig, Network, Projection};
use normgate_training::optimiser::OptimiserKind;
use serde::Deserialize;
use tch::{Device, Tensor, no_grad};

/// What PyTorch computed.
#[derive(Deserialize)]
pub(crate) struct Reference {
    pub(crate) losses: BTreeMap<String, losses::Expected>,
    pub(crate) batch_norm: batch_norm::Expected,
    pub(crate) adam: Vec<Vec<Vec<f32>>>,
    pub(crate) sgd: Vec<Vec<Vec<f32>>>,
    pub(crate) cosine: Vec<f64>,
    pub(crate) network: network::Expected,
    pub(crate) resnet50: network::Batch,
}

pub(crate) fn reference() -> Reference {
    serde_json::from_str(include_str!("../fixtures/reference.json")).unwrap()
}

/// The numbers of `reference.py`'s `draw`.
pub(crate) fn draw(seed: u32, shape: &[i64]) -> Tensor {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 24) as f32 - 0.5
    };
    let values: Vec<f32> = (0..shape.iter().product::<i64>()).map(|_| next()).collect();
    Tensor::from_slice(&values).reshape(shape)
}

/// A recipe with a method's own defaults.
pub(crate) fn recipe(method: MethodKind) -> Recipe {
    let traits = method.traits();
    Recipe {
        method,
        init: None,
        stage: 0,
        epochs: 2,
        epoch_end: EpochEnd::Data,
        batch_size: 4,
        auxiliary_batch_size: 4,
        optimiser: OptimiserKind::Adam,
        learning_rate: 1e-3,
        weight_decay: 5e-4,
        tau: traits.tau.unwrap_or(0.0),
        lambda: traits.lambda.unwrap_or(0.0),
        hyperparameters: Hyperparameters::default(),
        seed: 0,
        precision: Precision::Fp32,
    }
}

/// A network with the paper's projection head, filled as `reference.py`'s `fill` does.
pub(crate) fn network(width: usize, classes: usize) -> Network {
    network_with(Projection::Mlp, width, classes)
}

/// The same with another head.
pub(crate) fn network_with(projection: Projection, width: usize, classes: usize) -> Network {
    filled(ModelConfig {
        architecture: Architecture::Resnet18,
        width,
        affine: false,
        shortcut_affine: true,
        classes,
        projection,
    })
}

/// A network filled as `reference.py`'s `fill` does.
pub(crate) fn filled(config: ModelConfig) -> Network {
    let network = Network::new(&config, Device::Cpu, 0).unwrap();
    let sorted: BTreeMap<&String, &Tensor> = network
        .parameters()
        .all()
        .map(|(name, tensor)| (name, tensor))
        .collect();
    for (seed, (name, tensor)) in (1000..).zip(sorted) {
        let shape = tensor.size();
        let mut drawn = draw(seed, &shape);
        if name.ends_with("running_var") {
            drawn += 1.0;
        } else if shape.len() > 1 {
            let fan_in: i64 = shape[1..].iter().product();
            drawn = drawn * 4.0 / (fan_in as f64).sqrt();
        }
        no_grad(|| tensor.shallow_clone().copy_(&drawn));
    }
    network
}

/// The tensor of this name.
pub(crate) fn parameter(network: &Network, name: &str) -> Tensor {
    let mut all = network.parameters().all();
    let found = all.find(|(candidate, _)| candidate == name);
    found
        .unwrap_or_else(|| panic!("there is no {name}"))
        .1
        .shallow_clone()
}

/// Asserts that values differ by no more than `tolerance` of the largest expected one.
pub(crate) fn assert_close(what: &str, found: &Tensor, expected: &[f32], tolerance: f32) {
    let found = normgate_training::models::values(found).unwrap();
    assert_eq!(found.len(), expected.len(), "{what}");
    let scale = expected
        .iter()
        .fold(f32::MIN_POSITIVE, |scale, value| scale.max(value.abs()));
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        let difference = (found - expected).abs() / scale;
        assert!(
            difference <= tolerance,
            "{what}[{index}]: {found}, but PyTorch has {expected} ({difference:e} of the largest)"
        );
    }
}
