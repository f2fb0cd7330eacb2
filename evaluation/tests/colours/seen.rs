//! Images that the model may have learnt from, in training or in calibration.

use normgate_core::scores::ScoreKind;
use normgate_evaluation::{calibrate, evaluate};

use super::calibrated;
use super::place::Place;

#[test]
fn images_that_were_calibrated_on_or_given_before_are_not_tested_on() {
    let place = calibrated();
    place.add_test("id");
    place.add_test("half");
    place.add_bright("half");
    let refused = |sets: &[(&str, &str)]| {
        let args = place.evaluate_args(sets);
        evaluate::evaluate(&args).err().unwrap().to_string()
    };
    // Whether they are named or not.
    let error = refused(&[("--id", "calibration")]);
    assert!(
        error.contains("300 images of --id are those that the model was calibrated on"),
        "{error}"
    );
    let calibration = ("--calibration", "calibration");
    for (sets, expected) in [
        (
            [("--id", "half"), calibration],
            "300 of the 600 different images of --id are also in --calibration",
        ),
        (
            [("--id", "id"), ("--shifted-id", "half")],
            "300 of the 600 different images of --shifted-id are also in --id",
        ),
        (
            [("--id", "id"), ("--id", "id")],
            "of the 600 images of --id, only 300 are different",
        ),
    ] {
        let error = refused(&sets);
        assert!(error.contains(expected), "{error}");
    }
    let shifted = ("--shifted-id", "half");
    let error = refused(&[("--id", "id"), calibration, shifted]);
    assert!(error.contains("of --shifted-id are also in"), "{error}");
}

#[test]
fn calibrating_on_what_was_trained_on_is_done_with_a_warning() {
    let place = Place::new();
    let said = |set: &str| {
        place.add_bright(set);
        let mut args = place.calibrate_args();
        args.data = vec![place.path(set).to_str().unwrap().parse().unwrap()];
        calibrate::calibrate(&args).unwrap().to_string()
    };
    let warned = said("training");
    assert!(
        warned.contains("trained on a set called training:\n"),
        "{warned}"
    );
    assert!(warned.lines().all(|line| line.chars().count() <= 100));
    assert!(!said("calibration").contains("warning"));
    let warned = said("grey");
    assert!(
        warned.contains("trained to treat a set called grey as OOD"),
        "{warned}"
    );
    assert!(warned.lines().all(|line| line.chars().count() <= 100));
}

#[test]
fn testing_on_what_was_learnt_from_is_done_with_a_note() {
    let place = calibrated();
    place.add_test("id");
    place.add_test("training");
    place.add("new", "red", 0, 30..40);
    let notes = |sets: &[(&str, &str)]| {
        let args = place.evaluate_args(sets);
        let report = evaluate::evaluate(&args).unwrap().report.to_string();
        let notes = report
            .lines()
            .filter_map(|line| line.strip_prefix("Note: "));
        let notes = notes.filter(|note| note.contains("make sure"));
        notes.map(String::from).collect::<Vec<_>>()
    };
    assert_eq!(notes(&[("--id", "id")]), [""; 0]);
    assert_eq!(
        notes(&[("--id", "training")]),
        ["the model was trained on training: make sure that --id has none of these images"]
    );
    assert_eq!(
        notes(&[("--id", "new"), ("--shifted-id", "training#first=1")]),
        [
            "the model was trained on training: make sure that --shifted-id has none of these \
             images"
        ]
    );
    // A part of the images that were calibrated on.
    assert_eq!(
        notes(&[("--id", "calibration#first=30")]),
        ["the model was calibrated on calibration: make sure that --id has none of these images"]
    );
}

#[test]
fn images_that_the_score_was_fitted_to_before_are_named() {
    let place = Place::new();
    place.add_bright("calibration");
    place.add_test("fit");
    let set = |name: &str| vec![place.path(name).to_str().unwrap().parse().unwrap()];
    let mut args = place.calibrate_args();
    (args.score, args.fit_data) = (Some(ScoreKind::React), set("fit"));
    let fitted = calibrate::calibrate(&args).unwrap().to_string();
    assert!(!fitted.contains("warning"), "{fitted}");

    let evaluate = |sets: &[(&str, &str)]| {
        let args = place.evaluate_args(sets);
        evaluate::evaluate(&args).map(|it| it.report.to_string())
    };
    let said = evaluate(&[("--id", "fit")]).unwrap();
    let note =
        "Note: the model's score was fitted to fit: make sure that --id has none of these images";
    assert!(said.contains(note), "{said}");
    // Given, they are compared.
    let elsewhere = [("--id", "elsewhere/fit"), ("--fit-data", "fit")];
    for (channel, class) in crate::place::COLOURS.iter().enumerate() {
        place.add("elsewhere/fit", class, channel, 95..200);
    }
    let said = evaluate(&elsewhere).unwrap();
    assert!(!said.contains("fitted to"), "{said}");

    args.fit_data.clear();
    assert!(
        !calibrate::calibrate(&args)
            .unwrap()
            .to_string()
            .contains("warning")
    );
    args.data = set("fit");
    let said = calibrate::calibrate(&args).unwrap().to_string();
    let warning = "  warning    the score was fitted to a set called fit:\n";
    assert!(said.contains(warning), "{said}");
}
