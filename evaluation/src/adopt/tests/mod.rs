use std::path::{Path, PathBuf};

use clap::Parser;
use normgate_core::onnx::proto::{AttributeProto, AttributeType, DataType, StringStringEntryProto};
use normgate_core::onnx::{Conv, Dim, GraphBuilder, TensorData, Value, decode};
use normgate_core::runtime::{Outputs, Runtime, Session, SessionOptions};
use normgate_testing::passes_the_onnx_checker;
use tempfile::TempDir;

use super::*;

mod files;
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

    /// Writes a model of a batch, an input shape and what comes after the features.
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

    /// A linear layer, and nothing unusual.
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

/// What the adopted model answers to an image of three even channels.
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
fn the_representation_is_found_before_the_last_linear_layer() {
    let place = Place::new();
    place.plain_model();
    let report = place.adopt(&[]).unwrap();
    assert_eq!(
        (&*report.heads.logits, &*report.heads.representation),
        ("out", "features")
    );
    let manifest = &report.manifest;
    assert_eq!(
        (&*manifest.name, manifest.representation_size),
        ("foreign", 3)
    );
    assert_eq!(manifest.labels, ["a", "b"]);
    assert_eq!(
        (manifest.preprocessing.width, manifest.calibration.is_none()),
        (4, true)
    );
    check_answers(&report.written);
    passes_the_onnx_checker(&report.written);
    let shown = report.to_string();
    assert!(
        shown.contains("`features`, 3 values") && shown.contains("calibrate"),
        "{shown}"
    );
}

#[test]
fn a_product_and_a_sum_are_a_linear_layer_too() {
    let place = Place::new();
    place.model(Dim::Batch, |graph, features| {
        let weights = graph.floats("weights", &[2, 3], &WEIGHTS);
        let turned = graph.node("turned", "Transpose", &[&weights], vec![]);
        let product = graph.node("product", "MatMul", &[features, &turned], vec![]);
        let bias = graph.floats("bias", &[2], &BIAS);
        let out = graph.add("out", &product, &bias);
        graph.output(&out, &CLASSES);
    });
    check_answers(&place.adopt(&[]).unwrap().written);
}

#[test]
fn logits_are_taken_before_a_softmax_even_where_that_is_called_logits() {
    let place = Place::new();
    place.model(Dim::Batch, |graph, features| {
        let scores = linear(graph, "representation", features);
        let out = softmax(graph, "logits", &scores);
        graph.output(&out, &CLASSES);
    });
    let report = place.adopt(&[]).unwrap();
    assert_eq!(report.heads.softmax.as_deref(), Some("Softmax"));
    check_answers(&report.written);
    passes_the_onnx_checker(&report.written);
}

#[test]
fn of_logits_and_their_softmax_the_logits_are_taken_and_other_outputs_dropped() {
    let place = Place::new();
    place.model(Dim::Batch, |graph, features| {
        let scores = linear(graph, "scores", features);
        let shares = softmax(graph, "shares", &scores);
        graph.output(&shares, &CLASSES);
        graph.output(&scores, &CLASSES);
        graph.output(features, &FEATURES);
    });
    let report = place.adopt(&[]).unwrap();
    check_answers(&report.written);
    let adopted = decode(Model::open(&report.written).unwrap().bytes()).unwrap();
    let outputs = adopted.graph.unwrap().output;
    let outputs: Vec<_> = outputs.iter().map(|output| &*output.name).collect();
    assert_eq!(outputs, ["logits", "representation"]);
}

#[test]
fn where_no_layer_tells_both_outputs_are_named() {
    let place = Place::new();
    place.model(Dim::Batch, |graph, features| {
        let scores = linear(graph, "scores", features);
        // As of a head that is a convolution.
        let out = graph.relu("out", &scores);
        let shown = graph.node("shown", "Identity", &[features], vec![]);
        graph.output(&out, &CLASSES);
        graph.output(&shown, &FEATURES);
    });
    let error = place.refused(&["--logits", "out"]);
    assert!(
        error.contains("comes from the operator Relu") && error.contains("--representation"),
        "{error}"
    );
    let error = place.refused(&["--logits", "nothing"]);
    assert!(
        error.contains("no output `nothing`; it has `out`, `shown`"),
        "{error}"
    );
    let report = place.adopt(&["--representation", "shown"]).unwrap();
    assert_eq!(
        (&*report.heads.logits, report.manifest.representation_size),
        ("out", 3)
    );
}

#[test]
fn of_two_heads_one_is_chosen_by_name() {
    let place = Place::new();
    place.model(Dim::Batch, |graph, features| {
        let scores = linear(graph, "scores", features);
        let weights = graph.floats("other weights", &[2, 3], &[0.5; 6]);
        let other = graph.linear("other", features, &weights, None);
        graph.output(&scores, &CLASSES);
        graph.output(&other, &CLASSES);
    });
    let error = place.refused(&[]);
    assert!(
        error.contains("`scores`, `other`") && error.contains("--logits"),
        "{error}"
    );
    check_answers(&place.adopt(&["--logits", "scores"]).unwrap().written);
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
fn probabilities_without_a_softmax_in_sight_are_refused() {
    let place = Place::new();
    place.model(Dim::Batch, |graph, features| {
        let scores = linear(graph, "scores", features);
        let exps = graph.node("exps", "Exp", &[&scores], vec![]);
        let axis = graph.constant("axis", &[1], TensorData::I64(&[1]));
        let sum = graph.node("sum", "ReduceSum", &[&exps, &axis], vec![]);
        let out = graph.node("out", "Div", &[&exps, &sum], vec![]);
        graph.output(&out, &CLASSES);
        graph.output(features, &FEATURES);
    });
    let error = place.refused(&["--logits", "out", "--representation", "features"]);
    assert!(error.contains("without its softmax"), "{error}");
}

#[test]
fn a_head_of_several_parts_is_not_taken_for_one_of_them() {
    let place = Place::new();
    place.model(Dim::Batch, |graph, features| {
        let weights = graph.floats("weights", &[3, 2], &WEIGHTS);
        let one = graph.node("one", "MatMul", &[features, &weights], vec![]);
        let other = graph.relu("other", features);
        let other = graph.node("two", "MatMul", &[&other, &weights], vec![]);
        let out = graph.add("out", &one, &other);
        graph.output(&out, &CLASSES);
    });
    let error = place.refused(&[]);
    assert!(
        error.contains("a sum of values that the graph computes") && error.contains("--logits"),
        "{error}"
    );
}

#[test]
fn a_sigmoid_is_refused_whether_found_or_named() {
    let place = Place::new();
    place.model(Dim::Batch, |graph, features| {
        let scores = linear(graph, "scores", features);
        let out = graph.node("out", "Sigmoid", &[&scores], vec![]);
        graph.output(&out, &CLASSES);
        graph.output(features, &FEATURES);
    });
    for more in [
        &["--logits", "out"][..],
        &["--logits", "out", "--representation", "features"],
    ] {
        let error = place.refused(more);
        assert!(error.contains("exactly one"), "{error}");
    }
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
fn a_constant_behind_the_linear_layer_belongs_to_the_logits() {
    for (operator, turned) in [("Add", false), ("Add", true), ("Sub", false)] {
        let place = Place::new();
        place.model(Dim::Batch, |graph, features| {
            let weights = graph.floats("weights", &[2, 3], &WEIGHTS);
            let prior = match operator {
                "Sub" => [0.375, 1.0],
                _ => [-0.375, -1.0],
            };
            let bias = graph.floats("bias", &[2], &[0.5; 2]);
            let scores = graph.linear("scores", features, &weights, Some(&bias));
            let prior = graph.floats("prior", &[1, 2], &prior);
            let inputs = match turned {
                true => [&prior, &scores],
                false => [&scores, &prior],
            };
            let out = graph.node("out", operator, &inputs, vec![]);
            graph.output(&out, &CLASSES);
        });
        let report = place.adopt(&[]).unwrap();
        assert_eq!(report.heads.logits, "out");
        check_answers(&report.written);
        let layer = Model::open(&report.written).unwrap().last_layer().unwrap();
        assert_eq!((layer.weights, layer.bias), (WEIGHTS.into(), BIAS.into()));
    }
}

#[test]
fn constant_weights_that_the_graph_computes_are_called_that() {
    let place = Place::new();
    place.model(Dim::Batch, |graph, features| {
        let weights = graph.floats("stored", &[2, 3], &WEIGHTS);
        let weights = graph.relu("weights", &weights);
        let out = graph.linear("out", features, &weights, None);
        graph.output(&out, &CLASSES);
    });
    let error = place.refused(&[]);
    assert!(
        error.contains("weights that the graph computes") && error.contains("--representation"),
        "{error}"
    );
}

#[test]
fn outputs_with_more_than_two_axes_are_to_be_flattened() {
    let place = Place::new();
    let one = Dim::Fixed(1);
    place.model(Dim::Batch, |graph, features| {
        let scores = linear(graph, "scores", features);
        let out = graph.relu("out", &scores);
        graph.output(&out, &CLASSES);
        let axes = graph.constant("axes", &[2], TensorData::I64(&[2, 3]));
        let deep = graph.node("deep", "Unsqueeze", &[features, &axes], vec![]);
        graph.output(&deep, &[Dim::Batch, Dim::Fixed(3), one, one]);
    });
    let error = place.refused(&["--logits", "out", "--representation", "deep"]);
    assert!(
        error.contains("`deep` is float [N, 3, 1, 1]") && error.contains(".flatten(1)"),
        "{error}"
    );
    place.model(Dim::Batch, |graph, features| {
        let axes = graph.constant("axes", &[1], TensorData::I64(&[1]));
        let row = graph.node("row", "Unsqueeze", &[features, &axes], vec![]);
        let weights = graph.floats("weights", &[3, 2], &WEIGHTS);
        let out = graph.node("out", "MatMul", &[&row, &weights], vec![]);
        graph.output(&out, &[Dim::Batch, one, Dim::Fixed(2)]);
    });
    let error = place.refused(&[]);
    assert!(
        error.contains("`out` is float [N, 1, 2]") && error.contains(".flatten(1)"),
        "{error}"
    );
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
    let step = Conv {
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
        let scores = graph.linear("scores", &half, &weights, Some(&bias));
        let out = graph.node("out", "Cast", &[&scores], to(DataType::Float));
        graph.output(&out, &CLASSES);
    });
    check_answers(&place.adopt(&[]).unwrap().written);
}
