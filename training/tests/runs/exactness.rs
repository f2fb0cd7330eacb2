//! The same seed gives the same weights, to the last bit, however often the run was interrupted.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use normgate_evaluation::datasets::{ImageSet, LoadOptions, load};
use normgate_training::augment::{AugmentConfig, Augmenter};
use normgate_training::batches::{Plan, Stream, Vary};
use normgate_training::checkpoint::{Checkpoint, FILE_NAME, Progress};
use normgate_training::config::{DataConfig, EpochEnd, Precision, Recipe, RunConfig};
use normgate_training::history::{self, Epoch};
use normgate_training::input::Normalise;
use normgate_training::methods::{Auxiliary, Hyperparameters, MethodKind};
use normgate_training::models::{Architecture, ModelConfig, Network};
use normgate_training::monitor::Monitor;
use normgate_training::optimiser::OptimiserKind;
use normgate_training::pictures::Part;
use normgate_training::trainer::{Execution, Outcome, Trainer};
use rand::Rng;
use rand_pcg::Pcg64Mcg;
use tch::Device;

use crate::write_images;

const EPOCHS: usize = 4;

pub(crate) fn images(seed: u128, count: usize) -> ImageSet {
    let mut random = Pcg64Mcg::new(seed);
    ImageSet {
        width: 8,
        height: 8,
        pixels: (0..count * 192).map(|_| random.next_u32() as u8).collect(),
        labels: (0..count).map(|index| Some((index % 3) as u16)).collect(),
        ..ImageSet::default()
    }
}

pub(crate) fn config(seed: u64, method: MethodKind, precision: Precision) -> RunConfig {
    let traits = method.traits();
    RunConfig {
        command: String::new(),
        data: DataConfig {
            data: Vec::new(),
            auxiliary: Vec::new(),
            auxiliary_weights: Vec::new(),
            hold_out: Vec::new(),
            imbalance: None,
            class_names: ["a", "b", "c"].map(String::from).to_vec(),
            class_counts: vec![8, 8, 7],
            digest: None,
            image_size: (8, 8),
            normalise: Normalise::None,
            earlier: Default::default(),
        },
        augmentation: AugmentConfig::default(),
        model: ModelConfig {
            architecture: Architecture::Resnet18,
            width: 8,
            affine: false,
            shortcut_affine: true,
            classes: 3,
            projection: traits.projection,
        },
        recipe: Recipe {
            method,
            init: None,
            stage: 0,
            epochs: EPOCHS,
            epoch_end: EpochEnd::Data,
            batch_size: 8,
            auxiliary_batch_size: 6,
            optimiser: OptimiserKind::Adam,
            learning_rate: 1e-2,
            weight_decay: 5e-4,
            tau: traits.tau.unwrap_or(0.0),
            lambda: traits.lambda.unwrap_or(0.0),
            hyperparameters: Hyperparameters::default(),
            seed,
            precision,
        },
        monitor: Vec::new(),
    }
}

pub(crate) fn trainer(
    run: &Path,
    config: &RunConfig,
    loaders: usize,
    resumed: Option<&Checkpoint>,
) -> Trainer {
    // The number of threads changes the order of sums.
    tch::set_num_threads(1);
    let execution = Execution {
        run: run.to_owned(),
        device: Device::Cpu,
        loaders,
        checkpoint_every: 1,
    };
    let mut streams = vec![Stream {
        images: images(1, 23),
        per_step: 8,
        part: Part::Whole,
    }];
    if config.recipe.method.traits().auxiliary != Auxiliary::Never {
        streams.push(Stream {
            images: images(2, 20),
            per_step: 6,
            part: Part::Whole,
        });
    }
    let augmenter = Augmenter::new(config.augmentation.clone());
    let plan = Plan {
        streams,
        seed: config.recipe.seed,
        views: config.recipe.method.views(),
        vary: Vary::OneByOne(Box::new(move |image, random, out| {
            augmenter.apply(image, random, out);
        })),
        normalise: Normalise::None,
    };
    Trainer::new(config.clone(), execution, plan, resumed).unwrap()
}

/// A run without a break.
fn straight(config: &RunConfig, loaders: usize) -> (Checkpoint, Vec<Epoch>) {
    let run = tempfile::tempdir().unwrap();
    let mut trainer = trainer(run.path(), config, loaders, None);
    assert_eq!(
        trainer.run(&AtomicBool::new(false)).unwrap(),
        Outcome::Finished
    );
    (
        Checkpoint::load(run.path()).unwrap(),
        history::load(run.path(), EPOCHS).unwrap(),
    )
}

/// All of the history except its times.
fn figures(history: &[Epoch]) -> Vec<Epoch> {
    let timeless = |epoch: &Epoch| Epoch {
        images_per_second: 0.0,
        seconds: 0.0,
        ..epoch.clone()
    };
    history.iter().map(timeless).collect()
}

/// The same run with two sets that are monitored.
fn watching(config: RunConfig, folder: &Path) -> RunConfig {
    write_images(&folder.join("one"), 5, 3);
    // More images than one forward pass takes.
    write_images(&folder.join("many"), 6, 300);
    let set = |name: &str| format!("{name} images={}", folder.join(name).display());
    RunConfig {
        monitor: vec![set("one"), set("many")],
        ..config
    }
}

#[test]
fn a_run_is_the_same_whether_it_is_monitored_or_not() {
    for (method, precision) in [
        (MethodKind::Rna, Precision::Fp32),
        (MethodKind::Rna, Precision::Bf16),
    ] {
        let sets = tempfile::tempdir().unwrap();
        let config = config(4, method, precision);
        let (unwatched, without) = straight(&config, 1);
        let (watched, with) = straight(&watching(config, sets.path()), 1);
        assert_eq!(watched.tensors, unwatched.tensors);
        assert_eq!(watched.moments, unwatched.moments);
        assert!(without.iter().all(|epoch| epoch.monitored_norms.is_empty()));
        let stripped = with.iter().map(|epoch| Epoch {
            monitored_norms: BTreeMap::new(),
            ..epoch.clone()
        });
        assert_eq!(
            figures(&stripped.collect::<Vec<_>>()),
            figures(&without),
            "{precision}"
        );
    }
}

#[test]
fn the_last_epoch_s_monitored_norm_is_that_of_the_network_that_is_left() {
    let sets = tempfile::tempdir().unwrap();
    let config = watching(config(4, MethodKind::Rna, Precision::Bf16), sets.path());
    let (checkpoint, history) = straight(&config, 1);
    let network = Network::from_checkpoint(&checkpoint, Device::Cpu).unwrap();
    let monitor = Monitor::load(&config, &network).unwrap();
    let expected = monitor.norms(&network).unwrap();
    assert_eq!(history[EPOCHS - 1].monitored_norms, expected);
    assert_ne!(history[0].monitored_norms, expected);

    // By hand, one image at a time.
    let options = LoadOptions {
        preprocessing: Some(config.preprocessing()),
        ..LoadOptions::test()
    };
    let set = load(&sets.path().join("many"), &options).unwrap();
    let norm = |index: usize| {
        let pixels = set.image(index);
        let plane = |channel| pixels.iter().skip(channel).step_by(3);
        let planes = (0..3).flat_map(plane).map(|&byte| f32::from(byte) / 255.0);
        let input: Vec<f32> = planes.collect();
        let (_, representation) = network.forward_eval(&input, 1, (8, 8)).unwrap();
        let squares = representation.iter().map(|value| f64::from(*value).powi(2));
        squares.sum::<f64>().sqrt()
    };
    let mean = (0..set.len()).map(norm).sum::<f64>() / set.len() as f64;
    let found = expected["many images"];
    assert!((found - mean).abs() < 1e-4 * mean, "{found} {mean}");
}

#[test]
fn a_run_stopped_after_every_step_ends_as_one_without_a_break() {
    for (method, precision, optimiser) in [
        (MethodKind::Rna, Precision::Fp32, OptimiserKind::Adam),
        (MethodKind::Rna, Precision::Fp32, OptimiserKind::Sgd),
        (MethodKind::Ce, Precision::Bf16, OptimiserKind::Adam),
        (MethodKind::Pascl, Precision::Fp32, OptimiserKind::Adam),
        (MethodKind::PasclFt, Precision::Fp32, OptimiserKind::Sgd),
    ] {
        let sets = tempfile::tempdir().unwrap();
        let mut config = watching(config(7, method, precision), sets.path());
        config.recipe.optimiser = optimiser;
        let (expected, expected_history) = straight(&config, 1);

        let run = tempfile::tempdir().unwrap();
        let stop = AtomicBool::new(true);
        let mut stops = 0;
        let mut resumed = None;
        while trainer(run.path(), &config, 1, resumed.as_ref())
            .run(&stop)
            .unwrap()
            == Outcome::Interrupted
        {
            stops += 1;
            assert!(stops <= EPOCHS * 2, "the run does not get on");
            let reached = Checkpoint::load(run.path()).unwrap();
            assert_eq!(Progress::of(run.path()).unwrap(), reached.progress);
            resumed = Some(reached);
        }
        // Two steps in each epoch, and a stop after each, the last included.
        assert_eq!(stops, EPOCHS * 2);
        let history = history::load(run.path(), EPOCHS).unwrap();
        let found = Checkpoint::load(run.path()).unwrap();
        assert_eq!(found.tensors, expected.tensors);
        assert_eq!(found.moments, expected.moments);
        assert_eq!(found.progress.optimiser_steps, (EPOCHS * 2) as u64);
        assert_eq!(figures(&history), figures(&expected_history));
    }
}

#[test]
fn a_seed_gives_the_same_weights_twice_and_another_seed_others() {
    let (first, history) = straight(&config(1, MethodKind::Rna, Precision::Fp32), 1);
    let (again, history_again) = straight(&config(1, MethodKind::Rna, Precision::Fp32), 3);
    let (other, _) = straight(&config(2, MethodKind::Rna, Precision::Fp32), 1);
    assert_eq!(
        first.tensors, again.tensors,
        "whatever the number of loaders"
    );
    assert_eq!(figures(&history), figures(&history_again));
    assert_ne!(first.tensors, other.tensors);
}

#[test]
fn a_checkpoint_holds_the_network_that_was_trained() {
    let config = config(3, MethodKind::Rna, Precision::Fp32);
    let (checkpoint, history) = straight(&config, 1);
    assert_eq!(checkpoint.config, config);
    assert_eq!(checkpoint.progress.epochs, EPOCHS);
    assert_eq!(history.len(), EPOCHS);
    assert!(history.iter().all(|epoch| epoch.parts["norm_loss"] < 0.0));

    let network = Network::from_checkpoint(&checkpoint, Device::Cpu).unwrap();
    let input: Vec<f32> = images(9, 5)
        .pixels
        .iter()
        .map(|&byte| f32::from(byte) / 255.0)
        .collect();
    let (logits, representation) = network.forward_eval(&input, 5, (8, 8)).unwrap();
    assert_eq!((logits.len(), representation.len()), (5 * 3, 5 * 64));

    // The head, by hand: the file has under these names what the network computes with.
    let weight = &checkpoint.tensors["linear.weight"];
    assert_eq!(weight.shape, [3, 64]);
    let bias = &checkpoint.tensors["linear.bias"].values;
    for (image, logits) in representation.chunks(64).zip(logits.chunks(3)) {
        for (class, row) in weight.values.chunks(64).enumerate() {
            let sum: f32 = row.iter().zip(image).map(|(a, b)| a * b).sum();
            assert!((sum + bias[class] - logits[class]).abs() < 1e-4);
        }
    }
}

#[test]
fn a_damaged_checkpoint_is_refused_by_name() {
    let run = tempfile::tempdir().unwrap();
    let missing = Checkpoint::load(run.path()).unwrap_err().to_string();
    assert!(
        missing.contains(FILE_NAME) && missing.contains("there is no"),
        "{missing}"
    );

    let config = config(3, MethodKind::Ce, Precision::Fp32);
    trainer(run.path(), &config, 1, None)
        .run(&AtomicBool::new(true))
        .unwrap();
    let path = run.path().join(FILE_NAME);
    let bytes = std::fs::read(&path).unwrap();
    for length in [0, 7, 100, bytes.len() / 2, bytes.len() - 1] {
        std::fs::write(&path, &bytes[..length]).unwrap();
        let error = Checkpoint::load(run.path()).unwrap_err().to_string();
        assert!(
            error.contains("is not a complete safetensors file"),
            "{length}: {error}"
        );
    }
    for length in [0, 7, 100] {
        std::fs::write(&path, &bytes[..length]).unwrap();
        let error = Progress::of(run.path()).unwrap_err().to_string();
        assert!(
            error.contains("is not a complete safetensors file"),
            "{length}: {error}"
        );
    }
    // A safetensors file without our metadata.
    let foreign = [&2_u64.to_le_bytes()[..], b"{}"].concat();
    std::fs::write(&path, foreign).unwrap();
    let error = Checkpoint::load(run.path()).unwrap_err().to_string();
    assert!(error.contains("normgate.config"), "{error}");
}

#[test]
fn a_checkpoint_of_another_network_is_refused_with_the_tensor() {
    let config = config(3, MethodKind::Ce, Precision::Fp32);
    let (mut checkpoint, _) = straight(&config, 1);
    checkpoint.config.model.width = 4;
    let error = Network::from_checkpoint(&checkpoint, Device::Cpu)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("`conv1.weight`") && error.contains("[8, 3, 3, 3]"),
        "{error}"
    );
    checkpoint.tensors.remove("conv1.weight");
    let error = Network::from_checkpoint(&checkpoint, Device::Cpu)
        .unwrap_err()
        .to_string();
    assert!(error.contains("no tensor `conv1.weight`"), "{error}");
}
