//! A model that takes its time, so that a few clients are enough to overload a server.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use normgate_core::{
    manifest::METADATA_KEY,
    onnx::{Dim, GraphBuilder, Window},
};

use crate::{
    models::manifest,
    support::{Server, png},
};

const CHANNELS: usize = 64;
const SIDE: usize = 32;

/// A server with one worker of such a model; `convolutions` are as in [`write`].
pub fn server(convolutions: usize, arguments: &[&str]) -> Server {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let model = write(folder.path(), convolutions);
    let model = model.to_str().expect("the path is UTF-8");
    Server::with(&[&["--model", model, "--workers", "1"], arguments].concat())
}

/// How many convolutions take about this long on this machine, as busy as it is.
pub fn convolutions_in(time: Duration) -> usize {
    const TRIED: usize = 100;
    let server = server(TRIED, &[]);
    let image = png();
    let began = Instant::now();
    assert_eq!(server.classify("image/png", &image).status, 200);
    let times = time.as_secs_f64() / began.elapsed().as_secs_f64();
    (TRIED as f64 * times).ceil() as usize
}

/// Writes a model in which each image takes this many convolutions of 75 million operations: two of
/// these are about as much as a light network, a hundred as a heavy one.
fn write(folder: &Path, convolutions: usize) -> PathBuf {
    let mut graph = GraphBuilder::new("slow");
    let three = Dim::Fixed(3);
    let side = Dim::Fixed(SIDE);
    let image = graph.input("image", &[Dim::Batch, three, side, side]);
    let same = |padding| Window { stride: 1, padding };
    let first = graph.floats("first", &[CHANNELS, 3, 1, 1], &[0.1; CHANNELS * 3]);
    let mut x = graph.conv("conv", &image, &first, None, same(0));
    // Values keep their size: each output is the mean of what it sees.
    let weight = 1.0 / (CHANNELS * 9) as f32;
    let weights = vec![weight; CHANNELS * CHANNELS * 9];
    let kernel = graph.floats("kernel", &[CHANNELS, CHANNELS, 3, 3], &weights);
    for n in 0..convolutions {
        x = graph.conv(&format!("conv{n}"), &x, &kernel, None, same(1));
    }
    let mean = graph.global_average_pool("mean", &x);
    let representation = graph.flatten("representation", &mean);
    let weight = graph.floats("weight", &[3, CHANNELS], &[0.1; 3 * CHANNELS]);
    let logits = graph.linear("logits", &representation, &weight, None);
    graph.output(&logits, &[Dim::Batch, three]);
    graph.output(&representation, &[Dim::Batch, Dim::Fixed(CHANNELS)]);
    let json = manifest("slow", &["a", "b", "c"], CHANNELS, SIDE)
        .to_json()
        .expect("a manifest has a JSON form");
    let bytes = graph
        .finish(&[(METADATA_KEY, &json)])
        .expect("the graph is right");
    let path = folder.join("slow.onnx");
    std::fs::write(&path, bytes).expect("the folder can be written to");
    path
}
