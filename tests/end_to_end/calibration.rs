//! What was measured is what is served: the evaluation's answers are the server's, and the share that is flagged is
//! the share that the calibration promises.

use normgate_core::{Classification, Classifier, Model, Runtime};
use normgate_evaluation::{
    datasets::{self, ImageSet, LoadOptions},
    outputs,
};
use normgate_testing::image_sets;

use crate::support::{Server, encoded, shipped_model};

#[test]
fn evaluation_and_server_agree_on_every_image() {
    let Some(sets) = image_sets("evaluation_and_server_agree_on_every_image") else {
        return;
    };
    let test = datasets::load(&sets.join("cifar10_test"), &LoadOptions::test()).unwrap();
    let some = test.select(&(0..test.len()).step_by(50).collect::<Vec<_>>());
    let (_, evaluated) = evaluated(&some);
    let server = Server::start();
    for (i, expected) in evaluated.iter().enumerate() {
        let picture = image::RgbImage::from_raw(32, 32, some.image(i).to_vec()).unwrap();
        let png = encoded(picture, image::ImageFormat::Png);
        let answer = server.classify("image/png", &png).answer();
        assert_eq!(answer["class_index"], expected.class_index, "image {i}");
        assert_eq!(answer["is_ood"], expected.is_ood, "image {i}");
        let score = answer["ood"]["score"].as_f64().unwrap();
        let difference = score - f64::from(expected.score);
        assert!(difference.abs() <= 1e-4, "image {i}: {difference}");
    }
}

#[test]
fn five_percent_of_the_test_images_are_flagged_as_calibrated() {
    let Some(sets) = image_sets("five_percent_of_the_test_images_are_flagged_as_calibrated") else {
        return;
    };
    let test = datasets::load(&sets.join("cifar10_test"), &LoadOptions::test()).unwrap();
    let (model, evaluated) = evaluated(&test);
    let (flagged, tested) = (
        evaluated.iter().filter(|c| c.is_ood).count(),
        test.len() as f64,
    );
    let share = flagged as f64 / tested;
    let calibrated = model.manifest().calibration.as_ref().unwrap().count as f64;
    // Both samples are finite: the threshold varies with the calibration images, the count with
    // the test images.
    let deviation = (0.05 * 0.95 * (1.0 / calibrated + 1.0 / tested)).sqrt();
    assert!(
        (share - 0.05).abs() < 4.0 * deviation,
        "{share} flagged, with a standard deviation of {deviation}"
    );
}

/// The shipped model, and how the evaluation classifies each image.
fn evaluated(set: &ImageSet) -> (Model, Vec<Classification>) {
    let model = Model::open(&shipped_model()).unwrap();
    let runtime = Runtime::load(None).unwrap();
    let hidden = indicatif::ProgressBar::hidden();
    let outputs = outputs::run(&runtime, &model, set, 2, &hidden).unwrap();
    let classifier = Classifier::new(&model).unwrap();
    let evaluated = outputs
        .images()
        .map(|(logits, representation)| classifier.classify(logits, representation).unwrap())
        .collect();
    (model, evaluated)
}
