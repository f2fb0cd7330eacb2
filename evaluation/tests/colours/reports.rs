//! What an evaluation writes and prints.

use std::fs;

use normgate_core::model::Model;
use normgate_evaluation::{calibrate, evaluate};

use crate::calibrated;
use crate::place::{COLOURS, Place};

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
        "- Training images: training; auxiliary images: grey\n",
        "| phones | ID, shifted | 10 |",
    ] {
        assert!(markdown.contains(part), "{part}: {markdown}");
    }
    assert!(page.contains("<li>Training images: training; auxiliary images: grey</li>"));
    let explained = "RN: minus the norm of the representation.";
    assert!(page.contains(explained) && markdown.contains(explained));

    // A later report leaves nothing of this one, and what is not of a report alone.
    fs::write(folder.join("mine.svg"), "").unwrap();
    let without_run = evaluate::evaluate(&place.evaluate_args(&sets[..3])).unwrap();
    without_run
        .report
        .write(&folder, &without_run.plots)
        .unwrap();
    assert!(!folder.join("training.svg").exists() && !folder.join("training.png").exists());
    assert!(folder.join("norms.svg").exists() && folder.join("mine.svg").exists());
}

#[test]
fn curves_of_a_run_that_made_another_model_are_not_shown() {
    let place = calibrated();
    place.add_test("id");
    fs::create_dir(place.path("run")).unwrap();
    fs::write(place.path("run/history.json"), "[]").unwrap();
    let config = |command: &str| {
        let config = format!(r#"{{"command": "{command}", "more": 1}}"#);
        fs::write(place.path("run/config.json"), config).unwrap();
        let args = place.evaluate_args(&[("--id", "id"), ("--run", "run")]);
        evaluate::evaluate(&args).map(|_| ())
    };
    config("train --seed 0").unwrap();
    let said = config("train --seed 1").unwrap_err().to_string();
    assert!(said.contains("this run did not make colours 1"), "{said}");
    assert!(said.contains("train --seed 0"), "{said}");
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
fn groups_of_classes_are_shown_only_if_there_are_any() {
    let place = calibrated();
    place.add_test("id");
    let mut report = evaluate::evaluate(&place.evaluate_args(&[("--id", "id")]))
        .unwrap()
        .report;
    assert!(report.to_string().contains("Many  Medium"), "{report}");
    let shares = &mut report.figures.id.accuracy;
    (shares.many, shares.medium, shares.few) = (f64::NAN, f64::NAN, f64::NAN);
    assert!(!report.to_string().contains("Many"), "{report}");
}

#[test]
fn thresholds_by_class_are_shown_as_a_range_and_not_as_one_that_judges_no_image() {
    let place = Place::new();
    for (channel, class) in COLOURS.iter().enumerate() {
        let darkest = channel as u8;
        place.add("calibration", class, channel, darkest..darkest + 190);
    }
    place.add_test("id");
    place.add("dark", "", 1, 0..100);
    let sets = [("--id", "id"), ("--ood", "dark")];
    let mut args = place.calibrate_args();
    let mut evaluate = |per_class: bool| {
        args.per_class = per_class;
        calibrate::calibrate(&args).unwrap();
        let evaluation = evaluate::evaluate(&place.evaluate_args(&sets)).unwrap();
        let norms = evaluation.plots.iter().find(|plot| plot.file == "norms");
        let norms = norms.unwrap().plot.svg().to_owned();
        (evaluation.report.to_string(), norms)
    };
    let (said, norms) = evaluate(false);
    assert!(said.contains("RN above -0.0392, so that 95 %"), "{said}");
    assert!(norms.contains("threshold 0.04: flagged to its left"));

    let (said, norms) = evaluate(true);
    assert!(!norms.contains("threshold"));
    // The 182nd of 190 scores of each class: brightness 8, 9 and 10.
    let range = "RN above -0.0392 to -0.0314, by predicted class\n";
    assert!(said.contains(range), "{said}");
    assert!(
        said.contains("With these thresholds 95 % of ID images pass (570"),
        "{said}"
    );
    assert!(
        said.lines().all(|line| line.chars().count() <= 100),
        "{said}"
    );
}

#[test]
fn a_plot_with_a_name_that_the_png_cannot_show_is_an_svg_in_the_text() {
    let place = calibrated();
    place.add_test("id");
    place.add("\u{732b}", "", 1, 0..100);
    let sets = [("--id", "id"), ("--ood", "\u{732b}")];
    let evaluation = evaluate::evaluate(&place.evaluate_args(&sets)).unwrap();
    let markdown = evaluation.report.markdown(&evaluation.plots);
    assert!(markdown.contains("(norms.svg)](norms.svg)"), "{markdown}");
    assert!(
        markdown.contains("(classes.png)](classes.svg)"),
        "{markdown}"
    );
}
