//! libtorch's forward pass against ONNX Runtime's, on 1,000 images.

use std::collections::BTreeMap;

use indicatif::ProgressBar;
use normgate_core::manifest::Resize;
use normgate_core::runtime::Runtime;
use normgate_core::scores::{RepresentationNorm, ScoreKind};
use normgate_evaluation::datasets::{ImageSet, LoadOptions, load};
use normgate_evaluation::outputs;
use normgate_training::augment::{AugmentConfig, Crop};
use normgate_training::checkpoint::{Checkpoint, NamedTensor, Progress};
use normgate_training::config::{DataConfig, EpochEnd, Precision, Recipe, RunConfig};
use normgate_training::export::{ExportError, ExportOptions, WeightForm, export};
use normgate_training::input::Normalise;
use normgate_training::methods::{Hyperparameters, MethodKind};
use normgate_training::models::{Architecture, ModelConfig, Network, Projection, values};
use normgate_training::optimiser::OptimiserKind;
use rand::Rng;
use rand_pcg::Pcg64Mcg;
use tch::{Device, Tensor};

const IMAGES: usize = 1000;
const SIDE: usize = 32;

/// The first test images of CIFAR-10 if they are there, else noise.
fn images() -> ImageSet {
    if let Some(sets) = normgate_testing::image_sets("CIFAR-10's test images instead of noise") {
        let first: Vec<usize> = (0..IMAGES).collect();
        let test = load(&sets.join("cifar10_test"), &LoadOptions::test()).unwrap();
        return test.select(&first);
    }
    let mut random = Pcg64Mcg::new(1);
    let count = IMAGES * SIDE * SIDE * 3;
    ImageSet {
        name: "noise".into(),
        width: SIDE,
        height: SIDE,
        pixels: (0..count).map(|_| random.next_u32() as u8).collect(),
        labels: vec![None; IMAGES],
        ..ImageSet::default()
    }
}

/// [N, 3, 32, 32] in 0..=1.
fn tensor(set: &ImageSet) -> Vec<f32> {
    let channels = |image: usize| {
        let pixels = set.image(image).to_vec();
        (0..3).flat_map(move |channel| pixels.clone().into_iter().skip(channel).step_by(3))
    };
    let bytes = (0..set.len()).flat_map(channels);
    bytes.map(|byte| f32::from(byte) / 255.0).collect()
}

/// A ResNet18 with the images' batch statistics, so that every layer has an effect.
fn network(images: &[f32]) -> (Network, ModelConfig) {
    built(Architecture::Resnet18, 8, images)
}

/// The same with another architecture and width.
fn built(architecture: Architecture, width: usize, images: &[f32]) -> (Network, ModelConfig) {
    let config = ModelConfig {
        architecture,
        width,
        affine: false,
        shortcut_affine: true,
        classes: 10,
        projection: Projection::Mlp,
    };
    let network = Network::new(&config, Device::Cpu, 3).unwrap();
    let batch = Tensor::from_slice(images).reshape([-1, 3, SIDE as i64, SIDE as i64]);
    tch::no_grad(|| {
        for (name, parameter) in network.parameters().all() {
            // If γ and β stayed 1 and 0, it would not show if they were forgotten.
            if name.contains("shortcut.1.weight") || name.contains("shortcut.1.bias") {
                let _ = parameter.shallow_clone().uniform_(0.5, 1.5);
            }
        }
        for part in batch.split(200, 0) {
            let _ = network.representation(&part).unwrap();
        }
    });
    (network, config)
}

fn checkpoint(network: &Network, model: ModelConfig) -> Checkpoint {
    let plain = |tensor: &Tensor| NamedTensor {
        shape: tensor.size().iter().map(|&side| side as usize).collect(),
        values: values(tensor).unwrap(),
    };
    let tensors = network.parameters().all();
    let tensors: BTreeMap<_, _> = tensors
        .map(|(name, tensor)| (name.clone(), plain(tensor)))
        .collect();
    let config = RunConfig {
        command: "normgate-train train".into(),
        data: DataConfig {
            data: vec!["sets/id".into()],
            auxiliary: vec!["sets/aux#first=300".into()],
            auxiliary_weights: vec![],
            hold_out: vec!["c0=5".into()],
            imbalance: None,
            class_names: (0..10).map(|class| format!("c{class}")).collect(),
            class_counts: (1..=10).rev().collect(),
            digest: None,
            image_size: (SIDE, SIDE),
            normalise: Normalise::None,
            earlier: Default::default(),
        },
        augmentation: AugmentConfig::default(),
        model,
        recipe: Recipe {
            method: MethodKind::Rna,
            init: None,
            stage: 0,
            epochs: 3,
            epoch_end: EpochEnd::Data,
            batch_size: 128,
            auxiliary_batch_size: 128,
            optimiser: OptimiserKind::Adam,
            learning_rate: 1e-3,
            weight_decay: 5e-4,
            tau: 1.0,
            lambda: 0.5,
            hyperparameters: Hyperparameters::default(),
            seed: 7,
            precision: Precision::Fp32,
        },
        monitor: vec![],
    };
    Checkpoint {
        config,
        progress: Progress {
            epochs: 2,
            ..Progress::default()
        },
        tensors,
        moments: BTreeMap::new(),
    }
}

fn options(weights: WeightForm) -> ExportOptions {
    ExportOptions {
        name: "parity".into(),
        version: "1".into(),
        description: None,
        weights,
    }
}

/// The largest difference of any image's logits, as a share of its largest logit.
fn logit_difference(found: &[f32], expected: &[f32]) -> f32 {
    let images = found.chunks_exact(10).zip(expected.chunks_exact(10));
    let differences = images.flat_map(|(found, expected)| {
        let largest = expected
            .iter()
            .fold(0.0f32, |most, logit| most.max(logit.abs()));
        let pairs = found.iter().zip(expected);
        pairs.map(move |(f, e)| ((f - e) / largest).abs())
    });
    // To `total_cmp`, NaN is the largest.
    differences.max_by(f32::total_cmp).unwrap()
}

fn norms(representations: &[f32], size: usize) -> Vec<f32> {
    let norm = |r: &[f32]| r.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>().sqrt() as f32;
    representations.chunks_exact(size).map(norm).collect()
}

fn norm_difference(found: &[f32], expected: &[f32]) -> f32 {
    let pairs = found.iter().zip(expected);
    let differences = pairs.map(|(f, e)| ((f - e) / e).abs());
    differences.max_by(f32::total_cmp).unwrap()
}

#[test]
fn onnx_runtime_answers_as_libtorch_does() {
    compare(Architecture::Resnet18, 8, &images());
}

#[test]
fn onnx_runtime_answers_as_libtorch_does_of_a_resnet50() {
    let some: Vec<usize> = (0..200).collect();
    compare(Architecture::Resnet50, 4, &images().select(&some));
}

fn compare(architecture: Architecture, width: usize, set: &ImageSet) {
    let pixels = tensor(set);
    let (network, config) = built(architecture, width, &pixels);
    let size = network.parameters().all();
    let size = size
        .filter(|(name, _)| name == "linear.weight")
        .map(|(_, head)| head.size()[1] as usize)
        .sum();
    let (logits, representation) = network
        .forward_eval(&pixels, set.len(), (SIDE, SIDE))
        .unwrap();
    let expected = norms(&representation, size);
    let weakest = expected.iter().copied().fold(f32::INFINITY, f32::min);
    assert!(weakest > 0.01, "the representations are alive: {weakest}");

    let checkpoint = checkpoint(&network, config);
    let runtime = Runtime::load(None).unwrap();
    // What each form may change: rounding; 11 bits of mantissa; 1/254 of a channel's range.
    let forms = [
        (WeightForm::Fp32, 1e-4, 1e-4),
        (WeightForm::Fp16, 0.01, 0.01),
        (WeightForm::Int8, 0.1, 0.1),
    ];
    let mut sizes = Vec::new();
    for (form, most_logits, most_norm) in forms {
        let model = export(&checkpoint, &options(form)).unwrap();
        let answers = outputs::run(&runtime, &model, set, 2, &ProgressBar::hidden()).unwrap();
        let logits = logit_difference(&answers.logits, &logits);
        let found = answers.scores(&RepresentationNorm);
        let found: Vec<f32> = found.into_iter().map(|score| -score).collect();
        let norm = norm_difference(&found, &expected);
        println!("{form:?}: logits differ by {logits:.1e}, norms by {norm:.1e}");
        assert!(logits <= most_logits, "{form:?}: logits differ by {logits}");
        assert!(norm <= most_norm, "{form:?}: norms differ by {norm}");
        sizes.push(model.bytes().len());
    }
    assert!(
        sizes[1] * 10 < sizes[0] * 6 && sizes[2] * 10 < sizes[0] * 4,
        "{sizes:?}"
    );
}

#[test]
fn the_manifest_says_how_the_model_was_trained() {
    let pixels = tensor(&images().select(&(0..200).collect::<Vec<_>>()));
    let (network, config) = network(&pixels);
    let mut checkpoint = checkpoint(&network, config);
    let model = export(&checkpoint, &options(WeightForm::Fp32)).unwrap();
    let manifest = model.manifest();
    assert_eq!(manifest.labels[9], "c9");
    assert_eq!(manifest.representation_size, 64);
    assert_eq!(manifest.score, ScoreKind::RepresentationNorm);
    assert_eq!(manifest.calibration, None);
    let resize = Resize::CentreCrop { shorter_side: 32 };
    assert_eq!(manifest.preprocessing.resize, resize);
    assert_eq!(manifest.preprocessing.std, [1.0; 3]);
    let training = manifest.training.clone().unwrap();
    assert_eq!((training.epochs, training.seed), (2, 7));
    assert_eq!(training.class_counts, (1..=10).rev().collect::<Vec<u64>>());
    assert_eq!(training.data, ["id (held out: c0=5)"]);
    assert_eq!(training.auxiliary, ["aux#first=300"]);
    assert_eq!(training.command.as_deref(), Some("normgate-train train"));

    checkpoint.config.augmentation.crop = Crop::Resized;
    checkpoint.config.data.normalise = Normalise::Imagenet;
    checkpoint.config.recipe.method = MethodKind::Ce;
    let model = export(&checkpoint, &options(WeightForm::Fp32)).unwrap();
    assert_eq!(model.manifest().score, ScoreKind::Msp);
    let resize = Resize::CentreCrop { shorter_side: 37 };
    assert_eq!(model.manifest().preprocessing.resize, resize);
    let std = model.manifest().preprocessing.std;
    assert_eq!(std, [0.229, 0.224, 0.225]);
    assert!(
        model
            .manifest()
            .training
            .clone()
            .unwrap()
            .auxiliary
            .is_empty()
    );
}

#[test]
fn a_model_has_the_score_that_its_method_trains_for_and_no_head_but_the_linear_one() {
    let pixels = tensor(&images().select(&(0..200).collect::<Vec<_>>()));
    let (network, config) = network(&pixels);
    let mut checkpoint = checkpoint(&network, config);
    for (method, score) in [
        (MethodKind::LaOe, ScoreKind::Msp),
        (MethodKind::Oecc, ScoreKind::Msp),
        (MethodKind::PasclFt, ScoreKind::Msp),
        (MethodKind::EnergyOe, ScoreKind::Energy),
        (MethodKind::BelFt, ScoreKind::Energy),
        (MethodKind::RnaOe, ScoreKind::RepresentationNorm),
        (MethodKind::RnaAttenuation, ScoreKind::RepresentationNorm),
    ] {
        checkpoint.config.recipe.method = method;
        let model = export(&checkpoint, &options(WeightForm::Fp32)).unwrap();
        assert_eq!(model.manifest().score, score, "{method}");
        let training = model.manifest().training.clone().unwrap();
        assert_eq!(training.method, method.to_string());
        let named = |name: &[u8]| model.bytes().windows(name.len()).any(|part| part == name);
        assert!(named(b"linear.weight") && !named(b"projection"), "{method}");
    }
}

#[test]
fn a_checkpoint_of_another_network_is_refused_with_the_tensor_named() {
    let pixels = tensor(&images().select(&(0..200).collect::<Vec<_>>()));
    let (network, config) = network(&pixels);
    let whole = checkpoint(&network, config);

    let mut broken = whole.clone();
    broken.tensors.remove("layer3.0.bn2.running_var");
    let error = export(&broken, &options(WeightForm::Fp32)).err().unwrap();
    assert!(
        error.to_string().contains("layer3.0.bn2.running_var"),
        "{error}"
    );

    let mut broken = whole.clone();
    let weight = broken.tensors.get_mut("layer1.1.conv1.weight").unwrap();
    weight.shape = vec![8, 72];
    let error = export(&broken, &options(WeightForm::Fp32)).err().unwrap();
    assert!(
        error.to_string().contains("layer1.1.conv1.weight"),
        "{error}"
    );

    let mut untrained = whole;
    untrained.progress.epochs = 0;
    let error = export(&untrained, &options(WeightForm::Fp32))
        .err()
        .unwrap();
    assert!(matches!(error, ExportError::Untrained), "{error}");
}
