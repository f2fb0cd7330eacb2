//! Scores that are fitted to training images.

use std::fs;

use normgate_core::scores::ScoreKind;
use normgate_evaluation::fit::ScoreChoice;
use normgate_evaluation::{calibrate, evaluate};

use crate::calibrated;
use crate::place::{COLOURS, Place};

#[test]
fn a_score_that_cannot_be_fitted_is_left_out_unless_it_was_asked_for() {
    let place = calibrated();
    place.add_test("id");
    place.add("training", "red", 0, 50..100);
    place.add("training", "green", 1, 50..100);
    let fit = [("--id", "id"), ("--fit-data", "training")];
    let mut args = place.evaluate_args(&fit);
    let scores = |args| -> Vec<ScoreKind> {
        let report = evaluate::evaluate(args).unwrap().report;
        report
            .figures
            .thresholds
            .iter()
            .map(|it| it.score)
            .collect()
    };
    // No image is blue.
    args.calibration = vec![place.path("calibration").to_str().unwrap().parse().unwrap()];
    let fitted = scores(&args);
    assert!(fitted.contains(&ScoreKind::Knn), "{fitted:?}");
    assert!(!fitted.contains(&ScoreKind::Mahalanobis), "{fitted:?}");
    args.scores = vec![ScoreChoice::One(ScoreKind::Mahalanobis)];
    let error = evaluate::evaluate(&args).err().unwrap().to_string();
    assert!(error.contains("mahalanobis"), "{error}");
}

#[test]
fn a_score_is_fitted_to_the_training_images_of_a_folder_that_has_test_images_too() {
    let place = Place::new();
    place.add_bright("calibration");
    let official = place.path("cifar");
    fs::create_dir(&official).unwrap();
    let record = |label: u8, value: u8| [vec![label], vec![value; 3072]].concat();
    for batch in 1..=5 {
        let records: Vec<u8> = (0..3)
            .flat_map(|label| record(label, 40 * batch + label))
            .collect();
        fs::write(official.join(format!("data_batch_{batch}.bin")), records).unwrap();
    }
    fs::write(official.join("test_batch.bin"), record(0, 1)).unwrap();
    let names = COLOURS
        .into_iter()
        .map(String::from)
        .chain((3..10).map(|n| format!("none {n}")));
    let names: Vec<String> = names.collect();
    fs::write(official.join("batches.meta.txt"), names.join("\n")).unwrap();
    let mut args = place.calibrate_args();
    args.score = Some(ScoreKind::React);
    args.fit_data = vec![official.to_str().unwrap().parse().unwrap()];
    assert_eq!(calibrate::calibrate(&args).unwrap().fitted_to, Some(15));
}
