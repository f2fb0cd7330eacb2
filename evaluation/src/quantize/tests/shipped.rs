use std::path::Path;

use normgate_testing::image_sets;

use super::*;
use crate::datasets::{LoadOptions, load};
use crate::outputs;

#[test]
fn the_shipped_model_sees_real_images_as_before() {
    let Some(sets) = image_sets("the_shipped_model_sees_real_images_as_before") else {
        return;
    };
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/cifar10-lt.onnx");
    let model = Model::open(&file).unwrap();
    let set = |name: &str, step: usize| {
        let set = load(&sets.join(name), &LoadOptions::test()).unwrap();
        set.select(&(0..set.len()).step_by(step).collect::<Vec<_>>())
    };
    let int8 = quantize(
        &runtime(),
        &model,
        &set("cifar10_train_more", 20),
        &Options::default(),
    );
    let int8 = int8.unwrap();
    let (id, ood) = (set("cifar10_test", 10), set("ood_textures", 4));
    let answers = |model: &Model, set: &ImageSet| {
        outputs::run(&runtime(), model, set, 2, &ProgressBar::hidden()).unwrap()
    };
    let (before, after) = (answers(&model, &id), answers(&int8, &id));
    let same = before
        .predicted()
        .iter()
        .zip(after.predicted())
        .filter(|(a, b)| **a == *b)
        .count();
    assert!(same >= 960, "{same} of 1000 predictions are the same");

    let score = &**model.score();
    let auroc = |id: &outputs::SetOutputs, ood: &outputs::SetOutputs| {
        normgate_core::detection::auroc(&id.scores(score), &ood.scores(score)).unwrap()
    };
    let (exact, rounded) = (
        auroc(&before, &answers(&model, &ood)),
        auroc(&after, &answers(&int8, &ood)),
    );
    assert!(
        (exact - rounded).abs() < 0.01,
        "AUROC {exact} became {rounded}"
    );
    assert!(int8.bytes().len() * 3 < model.bytes().len());
}
