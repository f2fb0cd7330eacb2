//! The training loop itself, on PyTorch's batches: images of the classes first, then the others.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use normgate_evaluation::datasets::ImageSet;
use normgate_training::augment::AugmentConfig;
use normgate_training::batches::{Plan, Stream, Vary};
use normgate_training::checkpoint::{Checkpoint, NamedTensor, Progress};
use normgate_training::config::{DataConfig, RunConfig};
use normgate_training::input::Normalise;
use normgate_training::methods::MethodKind;
use normgate_training::models::{Architecture, ModelConfig, Projection, values};
use normgate_training::pictures::Part;
use normgate_training::trainer::{Execution, Trainer};
use tch::{Device, Tensor};

use crate::{draw, network, recipe, reference};

const SIDE: usize = 16;
const PIXELS: usize = 3 * SIDE * SIDE;

/// Four images whose every value is their number within the batch.
fn stream(first: u8, labels: [Option<u16>; 4]) -> Stream {
    let numbers = first..first + 4;
    Stream {
        images: ImageSet {
            width: SIDE,
            height: SIDE,
            pixels: numbers.flat_map(|number| [number; PIXELS]).collect(),
            labels: labels.to_vec(),
            ..ImageSet::default()
        },
        per_step: 4,
        part: Part::Whole,
    }
}

fn config() -> RunConfig {
    RunConfig {
        command: String::new(),
        data: DataConfig {
            data: Vec::new(),
            auxiliary: Vec::new(),
            auxiliary_weights: Vec::new(),
            hold_out: Vec::new(),
            imbalance: None,
            class_names: (0..10).map(|class| class.to_string()).collect(),
            class_counts: (1..=10).rev().collect(),
            digest: None,
            image_size: (SIDE, SIDE),
            normalise: Normalise::None,
            earlier: Default::default(),
        },
        augmentation: AugmentConfig::default(),
        model: ModelConfig {
            architecture: Architecture::Resnet18,
            width: 8,
            affine: false,
            shortcut_affine: true,
            classes: 10,
            projection: Projection::Mlp,
        },
        recipe: recipe(MethodKind::Rna),
        monitor: Vec::new(),
    }
}

/// The reference's network as a run that has not taken a step yet.
fn beginning() -> Checkpoint {
    let network = network(8, 10);
    let named = |tensor: &Tensor| NamedTensor {
        shape: tensor
            .size()
            .iter()
            .map(|&length| length as usize)
            .collect(),
        values: values(tensor).unwrap(),
    };
    let parameters = network.parameters();
    let zeros = |tensor: &Tensor| vec![named(&tensor.zeros_like()); 2];
    let all = parameters.all();
    let trained = parameters.trainable();
    Checkpoint {
        config: config(),
        progress: Progress::default(),
        tensors: all
            .map(|(name, tensor)| (name.to_owned(), named(tensor)))
            .collect(),
        moments: trained
            .iter()
            .map(|(name, tensor)| (name.to_string(), zeros(tensor)))
            .collect(),
    }
}

#[test]
fn the_training_loop_has_pytorchs_losses() {
    let batches: [Vec<f32>; 2] =
        [20, 21].map(|seed| values(&(draw(seed, &[8, 3, 16, 16]) + 0.5)).unwrap());
    // One thread prepares the batches, one after another.
    let prepared = AtomicUsize::new(0);
    let plan = Plan {
        streams: vec![stream(0, [0, 1, 2, 9].map(Some)), stream(4, [None; 4])],
        seed: 0,
        views: 1,
        vary: Vary::OneByOne(Box::new(move |image, _, out| {
            let step = prepared.fetch_add(1, Ordering::Relaxed) / 8;
            let start = usize::from(image[0]) * PIXELS;
            out.copy_from_slice(&batches[step][start..start + PIXELS]);
        })),
        normalise: Normalise::None,
    };
    let run = tempfile::tempdir().unwrap();
    let execution = Execution {
        run: run.path().to_owned(),
        device: Device::Cpu,
        loaders: 1,
        checkpoint_every: 1,
    };
    let mut trainer = Trainer::new(config(), execution, plan, Some(&beginning())).unwrap();
    trainer.run(&AtomicBool::new(false)).unwrap();
    let expected = reference().network.steps;
    assert_eq!(trainer.history().len(), expected.len());
    for (epoch, expected) in trainer.history().iter().zip(&expected) {
        for (what, found, expected) in [
            ("total", epoch.loss, expected.total),
            (
                "classification",
                epoch.classification_loss,
                expected.classification,
            ),
            ("norm", -epoch.parts["norm_loss"], expected.norm),
        ] {
            let difference = (found - f64::from(expected)).abs() / f64::from(expected).abs();
            assert!(
                difference < 2e-5,
                "{what} of epoch {}: {found} {expected}",
                epoch.epoch
            );
        }
    }
}
