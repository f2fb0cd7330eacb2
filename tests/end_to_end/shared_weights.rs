//! Workers share the model's weights.

use std::path::Path;

use normgate_core::manifest::METADATA_KEY;
use normgate_core::onnx::{Dim, GraphBuilder, Window};

use crate::models::manifest;
use crate::support::{Server, normgate, png, through};

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
        let weights = (0..CHANNELS * inputs * 9)
            .map(|n| mean * (0.5 + ((n * 7919 + layer * 131) % 1009) as f32 / 1009.0));
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
    let model = model.to_str().unwrap();
    // With a session more than workers, so that even a single worker shares.
    let memory = |workers: u64| {
        let workers = workers.to_string();
        let lone = ["--lone-threads", "1", "--workers", &workers];
        let server = Server::with(&[&["--model", model], &lone[..]].concat());
        assert_eq!(server.classify("image/png", &png()).status, 200);
        [server.resident_kib(), server.peak_kib()]
    };
    let [few, many] = [1, 1 + MORE].map(memory);
    println!("resident and at the peak: {few:?} and {many:?} KiB");
    for (few, many) in few.into_iter().zip(many) {
        let added = many.saturating_sub(few);
        assert!(
            added < MORE * WEIGHTS_KIB / 4,
            "{added} KiB more for {MORE} more workers; the weights are {WEIGHTS_KIB}"
        );
    }
    let [resident, peak] = many;
    assert!(
        peak - resident < 4 * WEIGHTS_KIB,
        "{} KiB more at the peak; the weights are {WEIGHTS_KIB}",
        peak - resident
    );
}

#[test]
fn a_server_that_may_not_write_large_files_starts_all_the_same() {
    let mut inner = normgate();
    inner.args(["serve", "--listen", "127.0.0.1:0", "--workers", "2"]);
    let limited = ["sh", "-c", "ulimit -f 200 && exec \"$0\" \"$@\""];
    let server = Server::spawn(through(&limited, &inner));
    assert_eq!(server.classify("image/png", &png()).status, 200);
}
