//! Calibrating and evaluating as a whole, on a model so simple that every figure is known beforehand: its
//! representation is an image's mean colour, its classes are red, green and blue. So an image's norm is its
//! brightness, and a dark image is OOD.

mod fitting;
mod place;
mod seen;

use std::fs;

use normgate_core::detection::GroupAccuracy;
use normgate_core::model::Model;
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
fn what_is_wrong_with_a_model_as_it_is_served_stands_above_its_figures() {
    let place = calibrated();
    place.add_test("id");
    place.add("dark", "", 1, 0..90);
    place.add("brighter", "", 1, 210..255);
    for (channel, class) in COLOURS.iter().enumerate() {
        place.add("dim", class, channel, 91..111);
    }
    let notes = |id, ood| {
        let sets = [("--id", id), ("--ood", ood)];
        let report = evaluate::evaluate(&place.evaluate_args(&sets))
            .unwrap()
            .report;
        let text = report.to_string();
        let notes = text.lines().filter(|line| line.starts_with("Note: "));
        notes.map(String::from).collect::<Vec<_>>()
    };
    assert_eq!(notes("id", "dark"), [""; 0]);
    assert_eq!(
        notes("id", "brighter"),
        ["Note: RN takes brighter for ID (AUROC 0.00 %)"]
    );
    let dim = notes("dim", "dark");
    assert!(dim.len() == 1 && dim[0].starts_with("Note: "), "{dim:?}");
    assert!(dim[0].ends_with(" % of dim are flagged, not 5 %: calibrate on images like these"));
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
fn the_report_folder_holds_the_figures_and_every_picture() {
    let place = calibrated();
    place.add_test("id");
    place.add("dark", "", 1, 0..100);
    fs::create_dir(place.path("run")).unwrap();
    let history = r#"[{"epoch": 1, "loss": 2.0, "classification_loss": 2.1, "accuracy": 0.3},
                      {"epoch": 2, "loss": 1.0, "classification_loss": 1.1, "accuracy": 0.6}]"#;
    fs::write(place.path("run/history.json"), history).unwrap();
    place.add("phones", "red", 0, 150..160);
    let sets = [
        ("--id", "id"),
        ("--ood", "dark"),
        ("--shifted-id", "phones"),
        ("--run", "run"),
    ];
    let evaluation = evaluate::evaluate(&place.evaluate_args(&sets)).unwrap();
    let folder = place.path("report");
    evaluation.report.write(&folder, &evaluation.plots).unwrap();

    let json = fs::read_to_string(folder.join("report.json")).unwrap();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["figures"]["ood"][0]["scores"][0]["auroc"], 1.0);
    let digest = Model::open(&place.path("colours.onnx"))
        .unwrap()
        .digest()
        .to_owned();
    assert_eq!(json["model"]["sha256"], digest);
    let markdown = fs::read_to_string(folder.join("report.md")).unwrap();
    let page = fs::read_to_string(folder.join("report.html")).unwrap();
    let plots = ["norms", "roc", "sets", "classes", "taken-for", "training"];
    for plot in plots {
        assert!(
            markdown.contains(&format!("({plot}.png)")),
            "{plot} is shown"
        );
        let svg = fs::read_to_string(folder.join(plot).with_extension("svg")).unwrap();
        assert!(
            svg.contains("colours 1"),
            "{plot} says which model it is of"
        );
        assert!(page.contains(&svg), "{plot} is on the page");
        let png = image::open(folder.join(plot).with_extension("png")).unwrap();
        assert!(png.width() >= 1000, "{plot} is {} pixels wide", png.width());
    }
    assert_eq!(page.matches("<svg").count(), plots.len());
    for plot in ["sets", "taken-for"] {
        let svg = fs::read_to_string(folder.join(plot).with_extension("svg")).unwrap();
        assert!(svg.contains(">phones<"), "phones are in {plot}");
    }
    for part in [
        "- Calibrated on calibration\n",
        "- Training images: training\n",
        "| phones | ID, shifted | 10 |",
    ] {
        assert!(markdown.contains(part), "{part}: {markdown}");
    }
    assert!(page.contains("<li>Training images: training</li>"));
}

#[test]
fn the_table_for_the_terminal_fits_a_hundred_columns() {
    let place = calibrated();
    place.add_test("cifar10_train_more_of_it");
    place.add("ood_tinyimagenet_unseen", "", 1, 0..20);
    let sets = [
        ("--id", "cifar10_train_more_of_it"),
        ("--ood", "ood_tinyimagenet_unseen"),
    ];
    let report = evaluate::evaluate(&place.evaluate_args(&sets))
        .unwrap()
        .report
        .to_string();
    let longest = report
        .lines()
        .max_by_key(|line| line.chars().count())
        .unwrap();
    assert!(longest.chars().count() <= 100, "{longest}");
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
