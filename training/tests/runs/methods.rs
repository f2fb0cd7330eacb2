//! Every method trains on a few images that can be told apart, and its loss falls.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;

use clap::ValueEnum;
use normgate_evaluation::datasets::ImageSet;
use normgate_training::batches::{Plan, Stream, Vary};
use normgate_training::checkpoint::{Checkpoint, FILE_NAME};
use normgate_training::config::{Precision, RunConfig};
use normgate_training::history::Epoch;
use normgate_training::init::Init;
use normgate_training::input::Normalise;
use normgate_training::methods::{Auxiliary, MethodKind};
use normgate_training::models::Network;
use normgate_training::pictures::Part;
use normgate_training::trainer::{Execution, Trainer};
use tch::Device;

use crate::exactness;

const EPOCHS: usize = 12;

/// Noise in which one colour is brighter: that of the class. Auxiliary images have none.
fn images(seed: u128, count: usize, has_classes: bool) -> ImageSet {
    let mut images = exactness::images(seed, count);
    if has_classes {
        let pixels = images.pixels.chunks_exact_mut(3).enumerate();
        for (number, pixel) in pixels {
            let class = number / 64 % 3;
            pixel[class] = pixel[class] / 2 + 128;
        }
    }
    images
}

fn stream(images: ImageSet, per_step: usize) -> Stream {
    Stream {
        images,
        per_step,
        part: Part::Whole,
    }
}

/// A run from its first step, possibly with another's weights.
fn train(config: &RunConfig, init: Option<&Checkpoint>) -> (Vec<Epoch>, Checkpoint) {
    tch::set_num_threads(1);
    let run = tempfile::tempdir().unwrap();
    let execution = Execution {
        run: run.path().to_owned(),
        device: Device::Cpu,
        loaders: 1,
        checkpoint_every: EPOCHS,
    };
    let mut streams = vec![stream(images(1, 36, true), 12)];
    if config.recipe.method.traits().auxiliary != Auxiliary::Never {
        streams.push(stream(images(2, 24, false), 12));
    }
    let plan = Plan {
        streams,
        seed: 0,
        views: config.recipe.method.views(),
        vary: Vary::OneByOne(Box::new(|image, _, out| {
            let planes = out.chunks_exact_mut(64).enumerate();
            for (channel, plane) in planes {
                for (value, pixel) in plane.iter_mut().zip(image.chunks_exact(3)) {
                    *value = f32::from(pixel[channel]) / 255.0;
                }
            }
        })),
        normalise: Normalise::None,
    };
    let mut trainer = Trainer::new(config.clone(), execution, plan, None).unwrap();
    if let Some(init) = init {
        trainer.adopt(init).unwrap();
    }
    trainer.run(&AtomicBool::new(false)).unwrap();
    let history = trainer.history().to_vec();
    (history, Checkpoint::load(run.path()).unwrap())
}

fn config(method: MethodKind) -> RunConfig {
    let mut config = exactness::config(5, method, Precision::Fp32);
    config.recipe.epochs = EPOCHS;
    config.data.class_counts = vec![12; 3];
    config
}

#[test]
fn every_method_lowers_its_loss() {
    let kinds = MethodKind::value_variants().iter();
    for &method in kinds.filter(|kind| !kind.is_second_stage()) {
        let (history, _) = train(&config(method), None);
        let (first, last) = (&history[0], &history[EPOCHS - 1]);
        assert!(
            last.loss < first.loss,
            "{method}: {} {}",
            first.loss,
            last.loss
        );
        let has_auxiliary = method.traits().auxiliary != Auxiliary::Never;
        assert_eq!(last.auxiliary_norm.is_some(), has_auxiliary, "{method}");
        // The parts of a loss in the history add up to it.
        let weight = |part: &str| match part {
            "contrast_loss" => config(method).recipe.hyperparameters.contrast_weight,
            "confidence_loss" => config(method).recipe.hyperparameters.confidence_weight,
            _ => config(method).recipe.lambda,
        };
        let parts: f64 = last
            .parts
            .iter()
            .map(|(name, part)| weight(name) * part)
            .sum();
        let difference = (last.classification_loss + parts - last.loss).abs();
        assert!(
            difference < 1e-4 * last.loss.abs().max(1.0),
            "{method}: {last:?}"
        );
    }
}

#[test]
fn a_second_stage_leaves_the_convolutions_as_they_were() {
    let affine = |method| {
        let mut config = config(method);
        config.model.affine = true;
        config
    };
    let (history, first) = train(&affine(MethodKind::Pascl), None);
    let (tuned_history, tuned) = train(&affine(MethodKind::PasclFt), Some(&first));
    assert!(tuned_history[EPOCHS - 1].loss < tuned_history[0].loss);
    assert!(tuned_history[EPOCHS - 1].accuracy > history[0].accuracy);
    let mut changed: BTreeMap<bool, Vec<&String>> = BTreeMap::new();
    for (name, tensor) in &tuned.tensors {
        changed
            .entry(*tensor != first.tensors[name])
            .or_default()
            .push(name);
    }
    let convolution = |name: &str| name.contains("conv") || name.contains("shortcut.0.");
    assert!(
        changed[&false].iter().all(|name| convolution(name)),
        "{changed:?}"
    );
    assert!(
        !changed[&true].iter().any(|name| convolution(name)),
        "{changed:?}"
    );
    assert!(tuned.moments.keys().all(|name| !convolution(name)));
    assert!(tuned.moments.contains_key("layer1.0.bn1.weight"));
}

#[test]
fn the_prior_is_what_the_first_network_takes_the_auxiliary_images_for() {
    let (_, checkpoint) = train(&config(MethodKind::Ce), None);
    let network = Network::from_checkpoint(&checkpoint, Device::Cpu).unwrap();
    let run = tempfile::tempdir().unwrap();
    checkpoint.save(&run.path().join(FILE_NAME)).unwrap();
    let init = Init::load(run.path(), Device::Cpu).unwrap();
    // More images than fit into one forward pass, and a second set, of which a step takes a third as many.
    let sets = [(3, 600, 9), (4, 30, 3)];
    let streams = sets.map(|(seed, count, per_step)| stream(images(seed, count, false), per_step));
    let found = init.auxiliary_prior(&streams).unwrap();

    let mut expected = [0.0; 3];
    for (stream, weight) in streams.iter().zip([0.75, 0.25]) {
        for number in 0..stream.images.len() {
            let pixels = stream.images.image(number);
            let plane = |channel| pixels.iter().skip(channel).step_by(3);
            let planes = (0..3).flat_map(plane);
            let input: Vec<f32> = planes.map(|&byte| f32::from(byte) / 255.0).collect();
            let (logits, _) = network.forward_eval(&input, 1, (8, 8)).unwrap();
            let places = (0..3).max_by(|&a, &b| logits[a].total_cmp(&logits[b]));
            expected[places.unwrap()] += weight / stream.images.len() as f64;
        }
    }
    assert!(
        expected.iter().filter(|&&share| share > 0.0).count() > 1,
        "{expected:?}"
    );
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() < 0.01, "{found} {expected}");
    }
}

#[test]
fn a_run_can_start_from_another_methods_weights() {
    let (_, first) = train(&config(MethodKind::Ce), None);
    let mut tuning = config(MethodKind::Rna);
    tuning.recipe.epochs = 1;
    tuning.recipe.learning_rate = 1e-9;
    tuning.recipe.weight_decay = 0.0;
    let (_, tuned) = train(&tuning, Some(&first));
    assert_eq!(tuned.progress.epochs, 1);
    let weights = |checkpoint: &Checkpoint| checkpoint.tensors["conv1.weight"].values.clone();
    for (tuned, first) in weights(&tuned).iter().zip(weights(&first)) {
        assert!((tuned - first).abs() < 1e-6);
    }
    assert!(
        tuned.tensors.contains_key("projection.0.weight"),
        "drawn anew"
    );
}
