//! Workers share the model's weights.

use std::path::Path;

use normgate_core::manifest::METADATA_KEY;
use normgate_core::onnx::{Dim, GraphBuilder, Window};

use crate::models::manifest;
use crate::support::{Server, png};

const SIDE: usize = 8;
const CHANNELS: usize = 256;
const CONVOLUTIONS: usize = 8;
const WEIGHTS_KIB: u64 = (CONVOLUTIONS * CHANNELS * CHANNELS * 9 * 4 / 1024) as u64;

/// Writes a model with 18 MiB of weights, which needs little else.
fn write(path: &Path) {
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
        // Values keep their size, and no two layers are alike.
        let mean = 1.0 / (inputs * 9) as f32;
        let weights = (0..CHANNELS * inputs * 9).map(|n| mean * (1 + (n + layer) % 2) as f32);
        let shape = [CHANNELS, inputs, 3, 3];
        let weight = graph.floats(
            &format!("weight{layer}"),
            &shape,
            &weights.collect::<Vec<_>>(),
        );
        x = graph.conv(&format!("conv{layer}"), &x, &weight, None, window);
    }
    let mean = graph.global_average_pool("mean", &x);
    let representation = graph.flatten("representation", &mean);
    let weight = graph.floats("head", &[2, CHANNELS], &[0.1; 2 * CHANNELS]);
    let logits = graph.linear("logits", &representation, &weight, None);
    graph.output(&logits, &[Dim::Batch, Dim::Fixed(2)]);
    graph.output(&representation, &[Dim::Batch, Dim::Fixed(CHANNELS)]);
    let json = manifest("large", &["one", "two"], CHANNELS, SIDE)
        .to_json()
        .unwrap();
    std::fs::write(path, graph.finish(&[(METADATA_KEY, &json)]).unwrap()).unwrap();
}

#[test]
fn more_workers_take_no_more_memory_for_weights_not_even_while_they_are_loaded() {
    const MORE: u64 = 8;
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("large.onnx");
    write(&model);
    // Each has a session more than workers, so that the first shares, too.
    let memory = |workers: u64| {
        let workers = workers.to_string();
        let model = model.to_str().unwrap();
        let server = Server::with(&[
            "--model",
            model,
            "--workers",
            &workers,
            "--lone-threads",
            "1",
        ]);
        assert_eq!(server.classify("image/png", &png()).status, 200);
        [server.resident_kib(), server.peak_kib()]
    };
    let (few, many) = (memory(1), memory(1 + MORE));
    for (few, many, what) in [
        (few[0], many[0], "resident"),
        (few[1], many[1], "at the peak"),
    ] {
        let added = many.saturating_sub(few);
        assert!(
            added < MORE * WEIGHTS_KIB / 4,
            "{added} KiB more {what} for {MORE} more workers; the weights are {WEIGHTS_KIB}"
        );
    }
}
