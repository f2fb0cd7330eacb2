//! Thresholds, and what is said about them.

use std::fs;

use normgate_core::model::Model;
use normgate_evaluation::calibrate;

use crate::place::{COLOURS, Place};
use crate::{THRESHOLD, close};

#[test]
fn the_threshold_in_the_file_is_the_one_known_beforehand() {
    let place = Place::new();
    place.add_bright("calibration");
    let before = fs::read(place.path("colours.onnx")).unwrap();
    let mut args = place.calibrate_args();
    args.out = Some(place.path("elsewhere.onnx"));
    (args.name, args.model_version) = (Some("mine".into()), Some("2".into()));
    let report = calibrate::calibrate(&args).unwrap();

    assert_eq!(
        fs::read(place.path("colours.onnx")).unwrap(),
        before,
        "--out leaves MODEL alone"
    );
    let model = Model::open(&place.path("elsewhere.onnx")).unwrap();
    assert_eq!(model.title(), "mine 2");
    let calibration = model.manifest().calibration.clone().unwrap();
    assert_eq!(calibration, report.calibration);
    close(calibration.threshold, THRESHOLD);
    close(calibration.expected_flag_rate, 12.0 / 300.0);
    assert_eq!(calibration.data.as_deref(), Some("calibration"));
    assert_eq!(report.class_counts, [100; 3]);
    report
        .flagged_per_class
        .iter()
        .for_each(|&rate| close(rate, 0.04));
    assert!(
        report
            .to_string()
            .lines()
            .all(|line| line.chars().count() <= 100)
    );
}

#[test]
fn balancing_takes_what_the_rarest_class_has_and_says_so() {
    let place = Place::new();
    place.add_bright("calibration");
    place.add("calibration", "blue", 2, 200..210);
    let mut args = place.calibrate_args();
    args.balance = true;
    let report = calibrate::calibrate(&args).unwrap();
    assert_eq!(
        (report.balanced_to, report.class_counts),
        (Some(100), vec![100; 3])
    );

    place.add("no blue", "red", 0, 100..200);
    place.add("no blue", "green", 1, 100..200);
    args.data = vec![place.path("no blue").to_str().unwrap().parse().unwrap()];
    let error = calibrate::calibrate(&args).unwrap_err().to_string();
    assert!(error.contains("none labelled blue"), "{error}");
}

#[test]
fn the_ood_positive_threshold_catches_its_share_of_the_ood_images() {
    let place = Place::new();
    place.add_bright("calibration");
    place.add("dark", "", 0, 0..100);
    let mut args = place.calibrate_args();
    args.convention = calibrate::ConventionName::OodPositive;
    let error = calibrate::calibrate(&args).unwrap_err().to_string();
    assert!(error.contains("add --ood SET"), "{error}");

    args.ood = vec![place.path("dark").to_str().unwrap().parse().unwrap()];
    let both = calibrate::calibrate(&args).unwrap().both.unwrap();
    // The 95 darkest, 0 to 94, are caught.
    let (threshold, id, ood) = both.ood_positive;
    assert!(
        -95.0 / 255.0 < threshold && threshold < -94.0 / 255.0,
        "{threshold}"
    );
    close(id, 0.0);
    close(ood, 0.95);
    close(both.id_positive.0, THRESHOLD);
    close(both.id_positive.2, 1.0);
}

#[test]
fn a_convention_that_was_not_asked_for_may_lack_the_images_that_it_needs() {
    let place = Place::new();
    place.add("calibration", "red", 0, 100..110);
    place.add("dark", "", 0, 0..100);
    let mut args = place.calibrate_args();
    args.ood = vec![place.path("dark").to_str().unwrap().parse().unwrap()];
    let error = calibrate::calibrate(&args).unwrap_err().to_string();
    assert!(
        error.contains("10 calibration images are too few"),
        "{error}"
    );

    args.convention = calibrate::ConventionName::OodPositive;
    let report = calibrate::calibrate(&args).unwrap();
    assert!(report.both.is_none());
    let threshold = report.calibration.threshold;
    assert!(
        -95.0 / 255.0 < threshold && threshold < -94.0 / 255.0,
        "{threshold}"
    );
}

#[test]
fn a_failed_calibration_leaves_the_model_as_it_was() {
    let place = Place::new();
    place.add("calibration", "red", 0, 100..110);
    let before = fs::read(place.path("colours.onnx")).unwrap();
    let error = calibrate::calibrate(&place.calibrate_args())
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("10 calibration images are too few"),
        "{error}"
    );
    assert_eq!(fs::read(place.path("colours.onnx")).unwrap(), before);
}

#[test]
fn what_labels_tell_of_a_calibration_is_said() {
    let place = Place::new();
    place.add("some", "red", 0, 100..200);
    // Blue, whatever its folder is called.
    place.add("some", "green", 2, 100..200);
    let mut args = place.calibrate_args();
    args.data = vec![place.path("some").to_str().unwrap().parse().unwrap()];
    let report = calibrate::calibrate(&args).unwrap();
    assert_eq!(
        (report.right, report.class_counts.clone()),
        (100, vec![100, 100, 0])
    );
    let shown = report.to_string();
    assert!(shown.contains("  correct    50.00 %\n"), "{shown}");
    assert!(
        shown.contains("none of    blue: nothing is promised"),
        "{shown}"
    );
    assert!(!shown.contains("unlabelled"), "{shown}");

    place.add("photos", "", 1, 100..130);
    args.data
        .push(place.path("photos").to_str().unwrap().parse().unwrap());
    let shown = calibrate::calibrate(&args).unwrap().to_string();
    assert!(shown.contains("  unlabelled 30, assumed to"), "{shown}");

    place.add("wrong", "green", 2, 100..200);
    place.add("wrong", "blue", 1, 100..200);
    args.data = vec![place.path("wrong").to_str().unwrap().parse().unwrap()];
    let shown = calibrate::calibrate(&args).unwrap().to_string();
    assert!(shown.contains("correct    0.00 %; are labels"), "{shown}");
}

#[test]
fn what_is_expected_with_thresholds_by_class_counts_each_by_its_images() {
    let place = Place::new();
    for (channel, class) in COLOURS.iter().enumerate() {
        place.add("some", class, channel, 1..191);
    }
    let mut args = place.calibrate_args();
    args.data = vec![place.path("some").to_str().unwrap().parse().unwrap()];
    args.per_class = true;
    // The threshold of each class is its 182nd of 190 scores, with 9/191 expected above it. For all 570 together it
    // would be the 543rd, with 28/571.
    let said = calibrate::calibrate(&args).unwrap().to_string();
    assert!(said.contains("expected   4.7 ± 0.9 % of new"), "{said}");
}

#[test]
fn a_score_that_tells_nothing_apart_is_refused() {
    let place = Place::new();
    for (channel, colour) in ["red", "green", "blue"].into_iter().enumerate() {
        place.add("even", colour, channel, 150..151);
    }
    let mut args = place.calibrate_args();
    args.data = vec![place.path("even").to_str().unwrap().parse().unwrap()];
    let error = calibrate::calibrate(&args).unwrap_err().to_string();
    assert!(
        error.contains("representations of all 3 images have the same norm"),
        "{error}"
    );
}
