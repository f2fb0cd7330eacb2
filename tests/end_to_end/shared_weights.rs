//! Workers share the model's weights.

use std::path::Path;

use normgate_core::manifest::METADATA_KEY;
use normgate_core::onnx::{Dim, GraphBuilder, Window};
use normgate_core::{Calibration, Filter, Manifest, Preprocessing, Resize, ScoreKind};

use crate::support::{Server, png};

const SIDE: usize = 8;
const CHANNELS: usize = 256;
const CONVOLUTIONS: usize = 8;
const WEIGHTS_KIB: u64 = (CONVOLUTIONS * CHANNELS * CHANNELS * 9 * 4 / 1024) as u64;

/// Writes a model with 18 MiB of weights, which needs little else.
fn write(path: &Path) {
    let scores: Vec<f32> = (0..100).map(|n| n as f32 / 100.0).collect();
    let manifest = Manifest {
        schema_version: 1,
        name: "large".into(),
        version: "1".into(),
        description: None,
        labels: ["one", "two"].map(String::from).into(),
        representation_size: CHANNELS,
        preprocessing: Preprocessing {
            width: SIDE as u32,
            height: SIDE as u32,
            resize: Resize::Stretch,
            filter: Filter::Bilinear,
            mean: [0.0; 3],
            std: [1.0; 3],
        },
        score: ScoreKind::RepresentationNorm,
        calibration: Calibration::id_positive(&scores, 0.95).ok(),
        training: None,
        quantization: None,
    };
    let mut graph = GraphBuilder::new("large");
    let (side, window) = (
        Dim::Fixed(SIDE),
        Window {
            stride: 1,
            padding: 1,
        },
    );
    let mut x = graph.input("image", &[Dim::Batch, Dim::Fixed(3), side, side]);
    for layer in 0..=CONVOLUTIONS {
        let inputs = if layer == 0 { 3 } else { CHANNELS };
        // Values keep their size: each output is the mean of what it sees.
        let weights = vec![1.0 / (inputs * 9) as f32; CHANNELS * inputs * 9];
        let weight = graph.floats(
            &format!("weight{layer}"),
            &[CHANNELS, inputs, 3, 3],
            &weights,
        );
        x = graph.conv(&format!("conv{layer}"), &x, &weight, None, window);
    }
    let mean = graph.global_average_pool("mean", &x);
    let representation = graph.flatten("representation", &mean);
    let weight = graph.floats("head", &[2, CHANNELS], &[0.1; 2 * CHANNELS]);
    let logits = graph.linear("logits", &representation, &weight, None);
    graph.output(&logits, &[Dim::Batch, Dim::Fixed(2)]);
    graph.output(&representation, &[Dim::Batch, Dim::Fixed(CHANNELS)]);
    let manifest = manifest.to_json().unwrap();
    std::fs::write(path, graph.finish(&[(METADATA_KEY, &manifest)]).unwrap()).unwrap();
}

#[test]
fn more_workers_take_no_more_memory_for_weights() {
    const MORE: u64 = 8;
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("large.onnx");
    write(&model);
    let resident = |workers: u64| {
        let workers = workers.to_string();
        let model = model.to_str().unwrap();
        let server = Server::with(&["--model", model, "--workers", &workers]);
        assert_eq!(server.classify("image/png", &png()).status, 200);
        server.resident_kib()
    };
    let (one, many) = (resident(1), resident(1 + MORE));
    assert!(one > WEIGHTS_KIB, "{one} KiB with one worker");
    let added = many.saturating_sub(one);
    assert!(
        added < MORE * WEIGHTS_KIB / 4,
        "{added} KiB more for {MORE} more workers; the weights are {WEIGHTS_KIB}"
    );
}
