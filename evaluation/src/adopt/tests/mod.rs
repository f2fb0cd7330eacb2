use std::path::{Path, PathBuf};

use clap::Parser;
use normgate_core::onnx::proto::{
    AttributeProto, AttributeType, DataType, DimensionValue, StringStringEntryProto, TensorType,
};
use normgate_core::onnx::{Dim, GraphBuilder, TensorData, Value, Window, decode};
use normgate_core::runtime::{Outputs, Runtime, Session, SessionOptions};
use normgate_testing::passes_the_onnx_checker;
use tempfile::TempDir;

use super::*;

mod files;
mod heads;
mod said;
mod training;

const SIDE: usize = 4;

/// Classes by features: `z = W h + b`, where h are the means of the three channels.
const WEIGHTS: [f32; 6] = [1.0, 0.5, -1.0, -2.0, 0.25, 3.0];
const BIAS: [f32; 2] = [0.125, -0.5];

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    args: AdoptArgs,
}

struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a model with this batch axis, and with this head behind the features.
    fn model(&self, batch: Dim, head: impl FnOnce(&mut GraphBuilder, &Value)) -> PathBuf {
        let mut graph = GraphBuilder::new("foreign");
        let axes = [batch, Dim::Fixed(3), Dim::Fixed(SIDE), Dim::Fixed(SIDE)];
        let image = graph.input("image", &axes);
        let mean = graph.global_average_pool("mean", &image);
        let features = graph.flatten("features", &mean);
        head(&mut graph, &features);
        let path = self.file("foreign.onnx");
        std::fs::write(&path, graph.finish(&[]).unwrap()).unwrap();
        path
    }

    /// Writes a model with a linear layer, and nothing unusual.
    fn plain_model(&self) {
        self.model(Dim::Batch, |graph, features| {
            let out = linear(graph, "out", features);
            graph.output(&out, &CLASSES);
        });
    }

    fn adopt(&self, more: &[&str]) -> Result<AdoptReport, EvaluationError> {
        let (model, out) = (self.file("foreign.onnx"), self.file("out.onnx"));
        let mut line = vec!["adopt", model.to_str().unwrap()];
        if !more.contains(&"--out") {
            line.extend(["--out", out.to_str().unwrap()]);
        }
        if !more.contains(&"--labels") {
            line.extend(["--labels", "a,b"]);
        }
        if !more.contains(&"--preprocessing") && !more.contains(&"--normalise") {
            line.extend(["--normalise", "none"]);
        }
        line.extend(more);
        adopt(&Cli::try_parse_from(line).unwrap().args)
    }

    fn refused(&self, more: &[&str]) -> String {
        let error = self.adopt(more).unwrap_err().to_string();
        assert!(!self.file("out.onnx").exists());
        error
    }
}

fn linear(graph: &mut GraphBuilder, name: &str, features: &Value) -> Value {
    let weights = graph.floats("weights", &[2, 3], &WEIGHTS);
    let bias = graph.floats("bias", &[2], &BIAS);
    graph.linear(name, features, &weights, Some(&bias))
}

fn softmax(graph: &mut GraphBuilder, name: &str, logits: &Value) -> Value {
    graph.node(name, "Softmax", &[logits], vec![])
}

const CLASSES: [Dim; 2] = [Dim::Batch, Dim::Fixed(2)];
const FEATURES: [Dim; 2] = [Dim::Batch, Dim::Fixed(3)];

/// Checks what the adopted model answers to an image whose three channels are uniform.
fn check_answers(path: &Path) {
    let model = Model::open(path).unwrap();
    let runtime = Runtime::load(None).unwrap();
    let mut session = Session::new(&runtime, &model, &SessionOptions::default()).unwrap();
    let channels = [0.25_f32, 0.5, 1.0];
    let image: Vec<f32> = channels
        .iter()
        .flat_map(|value| [*value; SIDE * SIDE])
        .collect();
    let mut outputs = Outputs::default();
    session.run(&image, 1, &mut outputs).unwrap();
    let row = |row: &[f32]| -> f32 { row.iter().zip(channels).map(|(w, h)| w * h).sum() };
    let logits = [row(&WEIGHTS[..3]) + BIAS[0], row(&WEIGHTS[3..]) + BIAS[1]];
    let close = |a: &[f32], b: &[f32]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-5);
    assert!(
        close(&outputs.logits, &logits),
        "{:?} {logits:?}",
        outputs.logits
    );
    assert!(
        close(&outputs.representation, &channels),
        "{:?}",
        outputs.representation
    );
}

#[test]
fn a_fixed_batch_of_one_is_served_so_and_a_larger_one_refused() {
    let place = Place::new();
    let head = |batch| {
        move |graph: &mut GraphBuilder, features: &Value| {
            let out = linear(graph, "out", features);
            graph.output(&out, &[batch, Dim::Fixed(2)]);
        }
    };
    place.model(Dim::Fixed(1), head(Dim::Fixed(1)));
    let report = place.adopt(&[]).unwrap();
    assert!(!report.is_batched && report.to_string().contains("one image at a time"));
    check_answers(&report.written);
    std::fs::remove_file(&report.written).unwrap();
    place.model(Dim::Fixed(4), head(Dim::Fixed(4)));
    let error = place.refused(&[]);
    assert!(
        error.contains("float [4, 3, 4, 4]") && error.contains("dynamic"),
        "{error}"
    );
}

#[test]
fn a_batch_of_minus_one_is_one_of_any_number() {
    let place = Place::new();
    place.plain_model();
    let path = place.file("foreign.onnx");
    let mut model = decode(&std::fs::read(&path).unwrap()).unwrap();
    let graph = model.graph.as_mut().unwrap();
    let input = graph.input[0].r#type.as_mut().unwrap();
    let shape = input.tensor_type.as_mut().unwrap().shape.as_mut().unwrap();
    shape.dim[0].value = Some(DimensionValue::Fixed(-1));
    std::fs::write(&path, onnx::encode(&model)).unwrap();
    let report = place.adopt(&[]).unwrap();
    assert!(report.is_batched);
    check_answers(&report.written);
    passes_the_onnx_checker(&report.written);
}

#[test]
fn training_mode_is_refused_and_so_are_answers_that_depend_on_what_is_beside() {
    let place = Place::new();
    place.model(Dim::Fixed(1), |graph, features| {
        let [one, two] = ["one", "two"].map(|name| graph.floats(name, &[3], &[1.0; 3]));
        let mode = vec![AttributeProto::int("training_mode", 1)];
        let inputs = [features, &one, &two, &one, &two];
        let normal = graph.node("normal", "BatchNormalization", &inputs, mode);
        let out = linear(graph, "out", &normal);
        graph.output(&out, &CLASSES);
    });
    let error = place.refused(&[]);
    assert!(error.contains("model.eval()"), "{error}");

    place.model(Dim::Batch, |graph, features| {
        let zero = graph.constant("zero", &[], TensorData::I64(&[0]));
        let first = graph.node("first", "Gather", &[features, &zero], vec![]);
        let apart = graph.node("apart", "Sub", &[features, &first], vec![]);
        let out = linear(graph, "out", &apart);
        graph.output(&out, &CLASSES);
    });
    let error = place.refused(&[]);
    assert!(error.contains("depends on the images beside it"), "{error}");
}

#[test]
fn answers_that_are_numbers_of_images_alone_and_not_in_a_batch_are_refused() {
    let place = Place::new();
    place.model(Dim::Batch, |graph, features| {
        let zero = graph.constant("zero", &[], TensorData::I64(&[0]));
        let first = graph.node("first", "Gather", &[features, &zero], vec![]);
        let apart = graph.node("apart", "Sub", &[features, &first], vec![]);
        let distance = graph.node("distance", "Abs", &[&apart], vec![]);
        let below = graph.node("below", "Neg", &[&distance], vec![]);
        let root = graph.node("root", "Sqrt", &[&below], vec![]);
        let out = linear(graph, "out", &root);
        graph.output(&out, &CLASSES);
    });
    let error = place.refused(&[]);
    assert!(error.contains("is not finite"), "{error}");
}

#[test]
fn a_gamma_on_pixels_is_tried_on_pixels_as_they_are_normalised() {
    let place = Place::new();
    place.model(Dim::Batch, |graph, features| {
        let gamma = graph.floats("gamma", &[], &[2.2]);
        let lit = graph.node("lit", "Pow", &[features, &gamma], vec![]);
        let out = linear(graph, "out", &lit);
        graph.output(&out, &CLASSES);
    });
    place.adopt(&[]).unwrap();
    std::fs::remove_file(place.file("out.onnx")).unwrap();
    let error = place.refused(&["--normalise", "2/1"]);
    assert!(
        error.contains("not finite (NaN or infinite)") && error.contains("--normalise"),
        "{error}"
    );
}

#[test]
fn a_batch_that_is_fixed_inside_a_dynamic_one_is_said() {
    let place = Place::new();
    place.model(Dim::Batch, |graph, features| {
        let shape = graph.constant("shape", &[2], TensorData::I64(&[1, 3]));
        let one = graph.node("one", "Reshape", &[features, &shape], vec![]);
        let out = linear(graph, "out", &one);
        graph.output(&out, &CLASSES);
    });
    let error = place.refused(&[]);
    assert!(error.contains("its batch is fixed inside"), "{error}");
}

#[test]
fn channels_last_are_thought_of_where_the_file_does_not_say_which_axis_they_are() {
    let place = Place::new();
    let mut graph = GraphBuilder::new("foreign");
    let image = graph.input("image", &[Dim::Batch; 4]);
    let perm = AttributeProto {
        name: "perm".into(),
        r#type: AttributeType::Ints.into(),
        ints: vec![0, 3, 1, 2],
        ..Default::default()
    };
    let first = graph.node("first", "Transpose", &[&image], vec![perm]);
    let kernel = graph.floats("kernel", &[3, 3, 1, 1], &[0.5; 9]);
    let step = Window {
        stride: 1,
        padding: 0,
    };
    let made = graph.conv("made", &first, &kernel, None, step);
    let mean = graph.global_average_pool("mean", &made);
    let features = graph.flatten("features", &mean);
    let out = linear(&mut graph, "out", &features);
    graph.output(&out, &CLASSES);
    std::fs::write(place.file("foreign.onnx"), graph.finish(&[]).unwrap()).unwrap();
    let error = place.refused(&["--size", "4"]);
    assert!(error.contains("channels first"), "{error}");
}

#[test]
fn inputs_that_are_no_float_images_of_three_channels_are_told_what_helps() {
    let place = Place::new();
    let changed = |change: fn(&mut TensorType)| {
        place.plain_model();
        let path = place.file("foreign.onnx");
        let mut model = decode(&std::fs::read(&path).unwrap()).unwrap();
        let input = &mut model.graph.as_mut().unwrap().input[0];
        let kind = input.r#type.as_mut().unwrap();
        change(kind.tensor_type.as_mut().unwrap());
        std::fs::write(&path, onnx::encode(&model)).unwrap();
        place.refused(&[])
    };
    let error = changed(|input| {
        input.shape.as_mut().unwrap().dim[1].value = Some(DimensionValue::Fixed(1));
    });
    assert!(error.contains("x.mean(1, keepdim=True)"), "{error}");
    let error = changed(|input| input.elem_type = DataType::Uint8.into());
    assert!(
        error.contains("uint8 [N, 3, 4, 4]") && error.contains("0/0.00392157"),
        "{error}"
    );
}

#[test]
fn a_size_that_a_model_of_any_size_cannot_take_is_told_by_its_option() {
    let place = Place::new();
    let mut graph = GraphBuilder::new("foreign");
    let image = graph.input(
        "image",
        &[Dim::Batch, Dim::Fixed(3), Dim::Batch, Dim::Batch],
    );
    let flat = graph.flatten("flat", &image);
    let weights = graph.floats("weights", &[2, 12], &[0.5; 24]);
    let out = graph.linear("out", &flat, &weights, None);
    graph.output(&out, &CLASSES);
    std::fs::write(place.file("foreign.onnx"), graph.finish(&[]).unwrap()).unwrap();
    let error = place.refused(&["--size", "4"]);
    assert!(
        error.contains("does not run on an image of 4x4") && error.contains("--size. ONNX Runtime"),
        "{error}"
    );
    assert!(!error.contains("onnxruntime_src"), "{error}");
    place.adopt(&["--size", "2"]).unwrap();
}

#[test]
fn half_precision_inside_is_brought_out_as_float() {
    let place = Place::new();
    place.model(Dim::Batch, |graph, features| {
        let to = |kind: DataType| vec![AttributeProto::int("to", i32::from(kind).into())];
        let half = graph.node("half", "Cast", &[features], to(DataType::Float16));
        // 1, 0.5, -1; -2, 0.25, 3.
        let weights = [0x3c00, 0x3800, 0xbc00, 0xc000, 0x3400, 0x4200];
        let weights = graph.constant("weights", &[2, 3], TensorData::F16(&weights));
        // 0.125, -0.5.
        let bias = graph.constant("bias", &[2], TensorData::F16(&[0x3000, 0xb800]));
        let scores = graph.linear("logits", &half, &weights, Some(&bias));
        let out = graph.node("out", "Cast", &[&scores], to(DataType::Float));
        graph.output(&out, &CLASSES);
    });
    check_answers(&place.adopt(&[]).unwrap().written);

    // The same without the last node: the output, which has its name already, is in half precision.
    let path = place.file("foreign.onnx");
    let mut model = onnx::decode(&std::fs::read(&path).unwrap()).unwrap();
    let graph = model.graph.as_mut().unwrap();
    graph.node.pop();
    let output = &mut graph.output[0];
    output.name = "logits".into();
    let tensor = output.r#type.as_mut().unwrap().tensor_type.as_mut();
    tensor.unwrap().elem_type = DataType::Float16.into();
    std::fs::write(&path, onnx::encode(&model)).unwrap();
    std::fs::remove_file(place.file("out.onnx")).unwrap();
    check_answers(&place.adopt(&[]).unwrap().written);
}
