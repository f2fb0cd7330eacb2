use super::*;
use crate::manifest::METADATA_KEY;
use crate::model::Model;
use crate::onnx::proto::{AttributeProto, DataType};
use crate::onnx::{Dim, GraphBuilder, TensorData};
use crate::test_models::{SIDE, Variant, built, manifest, plain};

fn runtime() -> Runtime {
    Runtime::load(None).unwrap()
}

fn session(variant: &Variant) -> Result<Session, SessionError> {
    Session::new(&runtime(), &variant.model(), &SessionOptions::default())
}

fn refusal(variant: &Variant) -> SessionError {
    match session(variant) {
        Ok(_) => panic!("the model was accepted"),
        Err(error) => error,
    }
}

#[track_caller]
fn assert_close(found: &[f32], expected: &[f32]) {
    let close = |(found, expected): (&f32, &f32)| (found - expected).abs() < 1e-6;
    assert!(
        found.len() == expected.len() && found.iter().zip(expected).all(close),
        "{found:?} is not {expected:?}"
    );
}

#[test]
fn the_outputs_are_those_computed_by_hand() {
    let mut outputs = Outputs::default();
    let image = plain([0.75, 0.5, 0.25]);
    let mut session = session(&Variant::default()).unwrap();
    session.run(&image, 1, &mut outputs).unwrap();
    assert_close(&outputs.representation, &[1.0, 0.25]);
    assert_close(&outputs.logits, &[1.0, 0.25, -0.75]);
}

#[test]
fn a_batch_gives_what_its_images_give_alone_whether_the_batch_is_dynamic_or_fixed_to_one() {
    let colours = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.5], [0.0, 0.0, 0.0]];
    let images: Vec<f32> = colours.into_iter().flat_map(plain).collect();
    let fixed = Variant {
        batch: Dim::Fixed(1),
        ..Default::default()
    };
    for variant in [Variant::default(), fixed] {
        let mut session = session(&variant).unwrap();
        let mut outputs = Outputs::default();
        session.run(&images, 3, &mut outputs).unwrap();
        assert_close(&outputs.representation, &[1.5, 0.0, 0.0, 0.5, 0.0, 0.0]);
        assert_close(&outputs.logits[..3], &[1.5, 0.0, -1.0]);
        assert_close(&outputs.logits[3..], &[0.0, 0.5, 0.0, 0.0, 0.0, 0.5]);
    }
}

#[test]
fn outputs_hold_the_last_run_only_and_keep_their_memory() {
    let mut session = session(&Variant::default()).unwrap();
    let mut outputs = Outputs::default();
    let four: Vec<f32> = (0..4).flat_map(|_| plain([1.0, 0.0, 0.0])).collect();
    session.run(&four, 4, &mut outputs).unwrap();
    let memory = outputs.logits.as_ptr();
    session.run(&plain([0.0; 3]), 1, &mut outputs).unwrap();
    assert_close(&outputs.logits, &[0.0, 0.0, 0.5]);
    assert_eq!(outputs.logits.as_ptr(), memory);
    session.run(&[], 0, &mut outputs).unwrap();
    assert_eq!(outputs, Outputs::default());
}

#[test]
fn images_of_the_wrong_length_are_refused() {
    let mut session = session(&Variant::default()).unwrap();
    let mut outputs = Outputs::default();
    let error = session.run(&plain([0.0; 3]), 2, &mut outputs).unwrap_err();
    assert_eq!(
        error.to_string(),
        "2 images of this model are 96 values; 48 were given"
    );
    session.run(&[], usize::MAX, &mut outputs).unwrap_err();
}

#[test]
fn a_model_without_logits_is_refused_with_the_outputs_it_has() {
    let error = refusal(&Variant {
        logits: "output_0",
        ..Default::default()
    });
    assert_eq!(
        error.to_string(),
        "the model tiny 1 has no output `logits`; it has `output_0`, `representation`. Export it \
         with outputs named `logits` and `representation`"
    );
}

#[test]
fn a_model_whose_input_is_not_what_the_manifest_says_is_refused_with_both_shapes() {
    let error = refusal(&Variant {
        side: 8,
        ..Default::default()
    });
    assert_eq!(
        error.to_string(),
        "`image` of the model tiny 1 is float [N, 3, 8, 8]; by its manifest it must be float [N, 3, 4, 4], \
         N dynamic or 1 (preprocessing)"
    );
}

#[test]
fn a_batch_fixed_to_more_than_one_is_refused() {
    let error = refusal(&Variant {
        batch: Dim::Fixed(2),
        ..Default::default()
    });
    assert!(matches!(error, SessionError::Shape { .. }), "{error}");
}

#[test]
fn a_manifest_with_too_many_labels_for_the_logits_is_refused() {
    let mut manifest = manifest();
    manifest.labels.push("blue".into());
    manifest.training = None;
    let model = Variant::default().model().with_manifest(manifest).unwrap();
    let result = Session::new(&runtime(), &model, &SessionOptions::default());
    let error = result.err().unwrap().to_string();
    assert!(error.contains("`logits`"), "{error}");
    assert!(
        error.contains("[N, 4], N dynamic or 1 (as many as labels)"),
        "{error}"
    );
}

#[test]
fn a_graph_is_judged_by_the_shape_it_gives_and_not_by_the_one_it_declares() {
    let mut manifest = manifest();
    manifest.representation_size = 5;
    let variant = Variant {
        declared_representation: 5,
        ..Default::default()
    };
    let model = variant.model().with_manifest(manifest).unwrap();
    let result = Session::new(&runtime(), &model, &SessionOptions::default());
    let error = result.err().unwrap().to_string();
    assert!(error.contains("float [N, 2]"), "{error}");
}

#[test]
fn a_model_that_onnx_runtime_refuses_is_named_by_its_file_with_what_to_do() {
    let side = Dim::Fixed(SIDE);
    let mut graph = GraphBuilder::new("an operator that does not exist");
    let x = graph.input("image", &[Dim::Batch, Dim::Fixed(3), side, side]);
    let logits = graph.node("logits", "NoSuchOperator", &[&x], vec![]);
    graph.output(&logits, &[Dim::Batch, Dim::Fixed(3)]);
    let json = manifest().to_json().unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    let bytes = graph.finish(&[(METADATA_KEY, &json)]).unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    let model = Model::open(file.path()).unwrap();
    let result = Session::new(&runtime(), &model, &SessionOptions::default());
    let error = result.err().unwrap().to_string();
    for part in [
        file.path().to_str().unwrap(),
        "NoSuchOperator",
        "an older opset",
    ] {
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn an_output_whose_length_shows_only_when_it_is_run_is_checked_then() {
    let one = Dim::Fixed(1);
    let side = Dim::Fixed(SIDE);
    let mut graph = GraphBuilder::new("as many features as the image has different values");
    let x = graph.input("image", &[one, Dim::Fixed(3), side, side]);
    let values = graph.node("values", "Unique", &[&x], vec![]);
    let axis = graph.constant("axis", &[1], TensorData::I64(&[0]));
    let representation = graph.node("representation", "Unsqueeze", &[&values, &axis], vec![]);
    let zeros = graph.floats("zeros", &[1, 3], &[0.0; 3]);
    let logits = graph.relu("logits", &zeros);
    graph.output(&logits, &[one, Dim::Fixed(3)]);
    graph.output(&representation, &[one, Dim::Batch]);
    let model = built(graph);
    let mut session = Session::new(&runtime(), &model, &SessionOptions::default()).unwrap();

    let mut outputs = Outputs::default();
    session
        .run(&plain([0.0, 1.0, 1.0]), 1, &mut outputs)
        .unwrap();
    assert_close(&outputs.representation, &[0.0, 1.0]);
    let error = session
        .run(&plain([0.0, 1.0, 2.0]), 1, &mut outputs)
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "the model's output `representation` has the shape [1, 3]; for 1 image(s) it must have [1, 2]: export the \
         model again, with the images on the first axis"
    );
    assert_eq!(outputs, Outputs::default());
}

#[test]
fn an_output_with_the_images_on_another_axis_is_refused() {
    let (side, three) = (Dim::Fixed(SIDE), Dim::Fixed(3));
    let mut graph = GraphBuilder::new("as many values as it should give, in another order");
    let x = graph.input("image", &[Dim::Batch, three, side, side]);
    let mean = graph.global_average_pool("mean", &x);
    let features = graph.flatten("features", &mean);
    let turned = graph.node("turned", "Transpose", &[&features], vec![]);
    // What the loader cannot see through.
    let sizes = graph.node("sizes", "Shape", &[&turned], vec![]);
    let to = |kind: DataType| vec![AttributeProto::int("to", i32::from(kind).into())];
    let sizes = graph.node("inexact", "Cast", &[&sizes], to(DataType::Float));
    let sizes = graph.node("exact", "Cast", &[&sizes], to(DataType::Int64));
    let logits = graph.node("logits", "Reshape", &[&turned, &sizes], vec![]);
    let first = graph.floats("first", &[3, 2], &[1.0; 6]);
    let representation = graph.node("representation", "MatMul", &[&features, &first], vec![]);
    graph.output(&logits, &[Dim::Batch, three]);
    graph.output(&representation, &[Dim::Batch, Dim::Fixed(2)]);
    let model = built(graph);
    let mut session = Session::new(&runtime(), &model, &SessionOptions::default()).unwrap();
    let images = [plain([0.0; 3]), plain([1.0; 3])].concat();
    let error = session
        .run(&images, 2, &mut Outputs::default())
        .unwrap_err();
    assert!(error.to_string().contains("the shape [3, 2]"), "{error}");
}

#[test]
fn a_session_can_be_sent_to_its_thread() {
    let mut session = session(&Variant::default()).unwrap();
    let answer = std::thread::spawn(move || {
        let mut outputs = Outputs::default();
        session
            .run(&plain([1.0; 3]), 1, &mut outputs)
            .map(|()| outputs)
    });
    assert_close(&answer.join().unwrap().unwrap().representation, &[1.5, 0.0]);
}

#[test]
fn loading_twice_gives_the_same_runtime() {
    let first = runtime();
    let second = Runtime::load(Some(first.library())).unwrap();
    assert_eq!(first.library(), second.library());
    assert!(first.version().starts_with("1."), "{}", first.version());
    assert!(first.library().is_absolute());
}

#[test]
fn telemetry_counts_as_off_only_where_the_variable_is_one() {
    assert!(telemetry_is_off(Some("1".into())));
    for on in [None, Some("".into()), Some("0".into()), Some("true".into())] {
        assert!(!telemetry_is_off(on));
    }
}
