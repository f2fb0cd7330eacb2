//! Calibrating and evaluating as a whole, on a model so simple that every figure is known beforehand: its
//! representation is an image's mean colour, its classes are red, green and blue. So an image's norm is its
//! brightness, and a dark image is OOD.

mod calibrating;
mod early;
mod fitting;
mod place;
mod reports;
mod seen;

use normgate_core::detection::GroupAccuracy;
use normgate_core::scores::ScoreKind;
use normgate_evaluation::{calibrate, evaluate};
use place::{COLOURS, Place, TRACE};

fn close(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-6, "{found} is not {expected}");
}

/// The threshold that 300 images of brightness 100 to 199, three of each, give at 95 %: the ⌈301 · 0.95⌉ = 286th from
/// the brightest.
const THRESHOLD: f64 = -104.0 / 255.0;

fn calibrated() -> Place {
    let place = Place::new();
    place.add_bright("calibration");
    calibrate::calibrate(&place.calibrate_args()).unwrap();
    place
}

#[test]
fn every_figure_of_an_evaluation_is_the_one_known_beforehand() {
    let place = calibrated();
    place.add_test("id");
    // Taken for blue though its folder is called red, and dark enough to be flagged.
    place.add("id", "red", 2, 90..91);
    place.add("dark", "", 1, 0..100);
    place.add("brighter", "", 1, 200..250);
    place.add("shifted", "red", 0, 200..210);
    place.add("shifted", "green", 0, 50..60);
    let sets = [
        ("--id", "id"),
        ("--ood", "dark"),
        ("--ood", "brighter"),
        ("--shifted-id", "shifted"),
        ("--calibration", "calibration"),
    ];
    let report = evaluate::evaluate(&place.evaluate_args(&sets))
        .unwrap()
        .report;
    let figures = &report.figures;

    assert_eq!(figures.id.set.images, 301);
    close(figures.id.set.flagged, 13.0 / 301.0);
    // All but that image have a trace of a second colour.
    close(
        figures.id.set.activation_ratio,
        (300.0 * 2.0 + 1.0) / 3.0 / 301.0,
    );
    let norms: f64 = (100..200)
        .map(|value| f64::from(value).hypot(f64::from(TRACE)))
        .sum();
    close(
        figures.id.set.mean_norm,
        (3.0 * norms + 90.0) / 301.0 / 255.0,
    );
    let expected = GroupAccuracy {
        overall: 300.0 / 301.0,
        many: 100.0 / 101.0,
        medium: 1.0,
        few: 1.0,
    };
    assert_eq!(figures.id.accuracy, expected);
    close(figures.id.false_flags.many, 5.0 / 101.0);
    close(figures.id.false_flags.few, 4.0 / 100.0);

    let [dark, brighter] = &figures.ood[..] else {
        panic!("two OOD sets")
    };
    close(dark.set.flagged, 1.0);
    close(brighter.set.flagged, 0.0);
    let norm = dark
        .scores
        .iter()
        .find(|f| f.score == ScoreKind::RepresentationNorm)
        .unwrap();
    // That ID image is darker than the nine brightest OOD images, and as dark as the tenth.
    close(norm.auroc, 1.0 - 9.5 / (301.0 * 100.0));
    // 95 of the 100 OOD images are darker than 95, and so is that ID image.
    close(norm.fpr95_ood_positive, 1.0 / 301.0);
    close(norm.fpr95_id_positive, 0.0);
    let norm = brighter.scores[0];
    close(norm.auroc, 0.0);
    close(norm.fpr95_ood_positive, 1.0);
    close(
        figures.mean[0].auroc,
        (dark.scores[0].auroc + brighter.scores[0].auroc) / 2.0,
    );

    let of = |name: &str, score| {
        let found = figures
            .trust
            .iter()
            .find(|row| row.name == name && row.score == score);
        found.unwrap().clone()
    };
    let shifted = of("shifted", ScoreKind::RepresentationNorm);
    close(shifted.flagged, 0.5);
    close(shifted.accuracy, 0.5);
    close(shifted.accuracy_unflagged, 1.0);
    // A brighter colour is a more confident answer here: MSP flags the same images.
    close(of("shifted", ScoreKind::Msp).flagged, 0.5);
    let [shifted] = &figures.shifted[..] else {
        panic!("one set from another source")
    };
    close(shifted.set.flagged, 0.5);
    // All of them are red, whatever their folders say, and none is called blue.
    assert_eq!(shifted.taken_for[..2], [[1.0, 0.0, 0.0]; 2]);
    assert!(shifted.taken_for[2].iter().all(|share| share.is_nan()));
    close(
        of("id", ScoreKind::RepresentationNorm).accuracy_unflagged,
        1.0,
    );
}

#[test]
fn threads_do_not_change_a_figure() {
    let place = calibrated();
    place.add_test("id");
    place.add("dark", "", 1, 0..100);
    let mut args = place.evaluate_args(&[("--id", "id"), ("--ood", "dark")]);
    let mut figures = |threads| {
        args.workbench.threads = std::num::NonZeroUsize::new(threads);
        serde_json::to_string(&evaluate::evaluate(&args).unwrap().report.figures).unwrap()
    };
    assert_eq!(figures(1), figures(3));
}

#[test]
fn a_model_without_a_threshold_and_images_of_other_classes_are_refused() {
    let place = Place::new();
    place.add_test("id");
    let uncalibrated = evaluate::evaluate(&place.evaluate_args(&[("--id", "id")]));
    let error = uncalibrated.err().unwrap().to_string();
    assert!(
        error.contains("not calibrated") && error.contains("normgate calibrate"),
        "{error}"
    );

    let place = calibrated();
    place.add("others", "yellow", 0, 100..110);
    let error = evaluate::evaluate(&place.evaluate_args(&[("--id", "others")]))
        .err()
        .unwrap()
        .to_string();
    assert!(
        error.contains("others: image 0") && error.contains("yellow"),
        "{error}"
    );
}

#[test]
fn scores_are_not_compared_by_thresholds_from_different_images() {
    let place = calibrated();
    place.add_test("id");
    let refused = |set: &str| {
        let args = place.evaluate_args(&[("--id", "id"), ("--calibration", set)]);
        evaluate::evaluate(&args).err().unwrap().to_string()
    };
    for (channel, class) in COLOURS.iter().enumerate() {
        place.add("more", class, channel, 100..201);
        place.add("as many", class, channel, 101..201);
    }
    let error = refused("more");
    assert!(
        error.contains("303 images") && error.contains("300 (calibration)"),
        "{error}"
    );
    let error = refused("as many");
    assert!(
        error.contains("300 images, as many as") && error.contains("(calibration), but other ones"),
        "{error}"
    );
}
