mod compare;
mod graphs;
mod layers;
mod said;
mod shipped;
mod simplify;
mod weights;

use normgate_core::manifest::{Filter, METADATA_KEY, Manifest, Preprocessing, Resize};
use normgate_core::onnx::proto::{GraphProto, NodeProto, TensorProto};
use normgate_core::onnx::{Dim, GraphBuilder, Value, Window};
use normgate_core::runtime::{Outputs, Runtime, Session, SessionOptions};
use normgate_core::scores::ScoreKind;

use super::*;

const SIDE: usize = 8;
const SAME: Window = Window {
    stride: 1,
    padding: 1,
};

fn manifest() -> Manifest {
    Manifest {
        schema_version: 1,
        name: "small".into(),
        version: "1".into(),
        description: None,
        labels: vec!["a".into(), "b".into(), "c".into()],
        representation_size: 8,
        preprocessing: Preprocessing {
            width: SIDE as u32,
            height: SIDE as u32,
            resize: Resize::Stretch,
            filter: Filter::Bilinear,
            mean: [0.0; 3],
            std: [1.0; 3],
        },
        score: ScoreKind::RepresentationNorm,
        calibration: None,
        training: None,
        quantization: None,
    }
}

/// The same numbers in every run, between −1 and 1.
fn noise(seed: u64, count: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

/// A residual network as PyTorch exports it: with separate normalisation, pooling, and a residual sum.
fn network(change: impl FnOnce(&mut ModelProto)) -> Model {
    let mut graph = GraphBuilder::new("small");
    let side = Dim::Fixed(SIDE);
    let x = graph.input("image", &[Dim::Batch, Dim::Fixed(3), side, side]);
    let x = layer(&mut graph, "one", &x, 3);
    let x = graph.relu("one.relu", &x);
    let half = Window { stride: 2, ..SAME };
    let x = graph.max_pool("pool", &x, 3, half);
    let y = layer(&mut graph, "two", &x, 8);
    let y = graph.relu("two.relu", &y);
    let y = layer(&mut graph, "three", &y, 8);
    let x = graph.add("sum", &y, &x);
    let x = graph.relu("sum.relu", &x);
    with_head(graph, &x, change)
}

/// The mean of eight channels is the representation, and a linear layer makes logits of it.
fn with_head(mut graph: GraphBuilder, x: &Value, change: impl FnOnce(&mut ModelProto)) -> Model {
    let x = graph.global_average_pool("mean", x);
    let representation = graph.flatten("representation", &x);
    let weight = graph.floats("linear.weight", &[3, 8], &noise(9, 24));
    let bias = graph.floats("linear.bias", &[3], &noise(10, 3));
    let logits = graph.linear("logits", &representation, &weight, Some(&bias));
    graph.output(&logits, &[Dim::Batch, Dim::Fixed(3)]);
    graph.output(&representation, &[Dim::Batch, Dim::Fixed(8)]);
    let json = manifest().to_json().unwrap();
    let bytes = graph.finish(&[(METADATA_KEY, &json)]).unwrap();
    let mut onnx = onnx::decode(&bytes).unwrap();
    change(&mut onnx);
    Model::from_bytes(onnx::encode(&onnx)).unwrap()
}

/// Convolution to 8 channels, and its normalisation.
fn layer(graph: &mut GraphBuilder, name: &str, x: &Value, channels: usize) -> Value {
    let seed = name.len() as u64;
    let mut constant = |of: &str, dims: &[usize], values: Vec<f32>| {
        graph.floats(&format!("{name}.{of}"), dims, &values)
    };
    let weight = constant("weight", &[8, channels, 3, 3], noise(seed, 72 * channels));
    let positive = |seed| noise(seed, 8).iter().map(|v| 1.0 + v / 2.0).collect();
    let gamma = constant("gamma", &[8], positive(seed + 1));
    let beta = constant("beta", &[8], noise(seed + 2, 8));
    let mean = constant("mean", &[8], noise(seed + 3, 8));
    let variance = constant("variance", &[8], positive(seed + 4));
    let x = graph.conv(&format!("{name}.conv"), x, &weight, None, SAME);
    let inputs = [&x, &gamma, &beta, &mean, &variance];
    graph.node(
        &format!("{name}.norm"),
        "BatchNormalization",
        &inputs,
        vec![],
    )
}

fn images(count: usize, side: usize) -> ImageSet {
    let pixels = noise(77, count * side * side * 3);
    ImageSet {
        name: "noise".into(),
        width: side,
        height: side,
        pixels: pixels.iter().map(|v| (127.5 + 127.5 * v) as u8).collect(),
        labels: vec![None; count],
        ..Default::default()
    }
}

fn runtime() -> Runtime {
    Runtime::load(None).unwrap()
}

fn graph_of(model: &Model) -> GraphProto {
    onnx::decode(model.bytes()).unwrap().graph.unwrap()
}

fn nodes(onnx: &mut ModelProto) -> &mut Vec<NodeProto> {
    &mut onnx.graph.as_mut().unwrap().node
}

fn node<'a>(onnx: &'a mut ModelProto, name: &str) -> &'a mut NodeProto {
    let mut nodes = nodes(onnx).iter_mut();
    nodes.find(|node| node.name == name).unwrap()
}

fn tensor<'a>(onnx: &'a mut ModelProto, name: &str) -> &'a mut TensorProto {
    let mut tensors = onnx.graph.as_mut().unwrap().initializer.iter_mut();
    tensors.find(|tensor| tensor.name == name).unwrap()
}

fn quantized(model: &Model, keep_fp32: &[KeepFp32]) -> Result<Model, QuantizeError> {
    let options = Options {
        keep_fp32: keep_fp32.into(),
        ..Options::default()
    };
    let side = model.manifest().preprocessing.width as usize;
    quantize(&runtime(), model, &images(100, side), &options)
}

fn answers(model: &Model) -> Outputs {
    let mut session = Session::new(&runtime(), model, &SessionOptions::default()).unwrap();
    let mut outputs = Outputs::default();
    let input: Vec<f32> = images(50, SIDE)
        .pixels
        .iter()
        .map(|p| f32::from(*p) / 255.0)
        .collect();
    session.run(&input, 50, &mut outputs).unwrap();
    outputs
}

/// The largest difference; NaN counts as larger than any number.
fn distance(one: &[f32], other: &[f32]) -> f32 {
    let differences = one.iter().zip(other).map(|(a, b)| (a - b).abs());
    differences.max_by(f32::total_cmp).unwrap()
}

/// Checks that the other model's logits are off by less than a share of the largest.
fn check_near(model: &Model, other: &Model, share: f32) {
    let (exact, found) = (answers(model), answers(other));
    let worst = distance(&exact.logits, &found.logits);
    let largest = exact.logits.iter().fold(0.0f32, |a, b| a.max(b.abs()));
    assert!(worst < share * largest, "{worst} of {largest}");
}
