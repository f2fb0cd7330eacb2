//! One run after another on the command line, and the other kinds of auxiliary set.

use normgate_training::checkpoint::Checkpoint;
use normgate_training::export::{ExportOptions, WeightForm, export};
use serde_json::Value;

use crate::command_line::{Workplace, stderr};
use crate::write_images;

const ID: &str = "--data id --threads 1 --batch-size 16 --width 8 --epochs 2";

fn run(place: &Workplace, arguments: &str) -> String {
    let output = place.train(arguments);
    assert!(output.status.success(), "{arguments}: {}", stderr(&output));
    stderr(&output)
}

fn read(place: &Workplace, path: &str) -> Value {
    let text = std::fs::read_to_string(place.0.path().join(path)).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn a_finished_run_is_tuned_by_every_method_that_does() {
    let place = Workplace::new();
    run(&place, &format!("{ID} --method ce --out ce"));
    let tune = |method: &str, from: &str, aux: &str| {
        // The width is not given and follows from the first run; the number of epochs is the default for tuning.
        let arguments = format!(
            "--data id --threads 1 --batch-size 16 --method {method} --init {from} {aux} --out {method}"
        );
        run(&place, &arguments);
        let config = read(&place, &format!("{method}/config.json"));
        assert_eq!(config["model"]["width"], 8, "{method}");
        assert_eq!(config["recipe"]["epochs"], 10, "{method}");
        assert_eq!(config["recipe"]["init"], from, "{method}");
        config["recipe"].clone()
    };
    let aux = "--aux aux --aux-batch-size 16";
    tune("energy-oe", "ce", aux);
    let adam = tune("oe", "ce", &format!("{aux} --optimiser adam"));
    assert_eq!(adam["optimiser"], "adam");

    let oecc = tune("oecc", "ce", aux);
    assert_eq!(
        (&oecc["optimiser"], &oecc["learning_rate"]),
        (&"sgd".into(), &0.001.into())
    );
    let last = read(&place, "ce/history.json")[1]["accuracy"].clone();
    assert_eq!(oecc["hyperparameters"]["training_accuracy"], last);

    let bel = tune("bel", "ce", aux);
    let prior = bel["hyperparameters"]["auxiliary_prior"]
        .as_array()
        .unwrap();
    let sum: f64 = prior.iter().filter_map(Value::as_f64).sum();
    assert_eq!(prior.len(), 2);
    assert!((sum - 1.0).abs() < 1e-9, "{prior:?}");

    let second = tune("bel-ft", "bel", "");
    assert_eq!(second["learning_rate"], 5e-4);
    assert_eq!((&bel["stage"], &second["stage"]), (&1.into(), &2.into()));

    // It continues without the run that it started from.
    std::fs::remove_dir_all(place.0.path().join("ce")).unwrap();
    run(&place, "--resume bel --threads 1");
}

#[test]
fn a_run_does_not_see_the_batches_of_the_one_that_it_starts_from_again() {
    let place = Workplace::new();
    run(&place, &format!("{ID} --method ce --out ce"));
    // So small a rate leaves the weights as they are: only other batches can give another loss.
    let loss = |from: &str, out: &str| {
        let still = "--data id --threads 1 --batch-size 16 --method ce --lr 1e-30 --epochs 1";
        run(&place, &format!("{still} --init {from} --out {out}"));
        read(&place, &format!("{out}/history.json"))[0]["loss"].clone()
    };
    let once = loss("ce", "once");
    assert_eq!(once, loss("ce", "the-same"));
    assert_ne!(once, loss("once", "later"));
}

#[test]
fn a_run_of_other_classes_or_another_width_is_not_tuned() {
    let place = Workplace::new();
    write_images(&place.0.path().join("others/prime"), 7, 20);
    write_images(&place.0.path().join("others/square"), 8, 20);
    run(&place, &format!("{ID} --method ce --out ce"));
    let la = "--threads 1 --batch-size 16 --method la --init ce --out la";
    for (arguments, expected) in [
        (
            format!("--data others {la}"),
            "was trained on the classes even, odd, but --data holds prime, square",
        ),
        (
            format!("--data id {la} --width 16"),
            "the network of ce has another --width: leave it out",
        ),
        (
            format!("--data id {la} --shortcut-affine false"),
            "the network of ce has another --shortcut-affine: leave it out",
        ),
    ] {
        let said = stderr(&place.train(&arguments));
        assert!(said.contains(expected), "{arguments}: {said}");
        assert!(!said.contains("panicked"), "{said}");
    }
}

#[test]
fn rna_learns_with_crops_with_part_of_a_set_and_with_no_auxiliary_images() {
    let place = Workplace::new();
    let rna = format!("{ID} --aux-batch-size 16");
    let said = run(&place, &format!("{rna} --aux crops --out crops"));
    assert!(said.contains("40 auxiliary images: crops of id"), "{said}");
    assert_eq!(
        read(&place, "crops/config.json")["data"]["auxiliary"][0],
        "crops"
    );
    run(&place, "--resume crops --threads 1");

    let said = run(&place, &format!("{rna} --aux aux#first=20 --out part"));
    assert!(said.contains("20 auxiliary images"), "{said}");

    let said = run(&place, &format!("{ID} --projection linear --out without"));
    assert!(said.contains("warning: rna without --aux"), "{said}");
    let epoch = &read(&place, "without/history.json")[1];
    assert!(
        epoch["norm_loss"].is_f64() && epoch["auxiliary_norm"].is_null(),
        "{epoch}"
    );
}

#[test]
fn images_that_the_first_run_was_trained_on_are_not_held_out() {
    let place = Workplace::new();
    run(
        &place,
        &format!("{ID} --method ce --hold-out all=2 --out kept"),
    );
    run(&place, &format!("{ID} --method ce --out all"));
    let tuned = "--data id --threads 1 --batch-size 16 --method la --epochs 1";
    for (from, kept) in [("all", "all=2"), ("kept", "all=4")] {
        let arguments = format!("{tuned} --init {from} --hold-out {kept} --out la");
        let said = stderr(&place.train(&arguments));
        assert!(said.contains("may be ones that it knows"), "{said}");
    }
    run(
        &place,
        &format!("{tuned} --init kept --hold-out all=2 --out la"),
    );
    // Other images may be held out.
    write_images(&place.0.path().join("others/even"), 7, 20);
    write_images(&place.0.path().join("others/odd"), 8, 20);
    let others = tuned.replace("--data id", "--data others");
    run(
        &place,
        &format!("{others} --init all --hold-out all=2 --out new"),
    );
    let earlier = &read(&place, "new/config.json")["data"]["earlier"];
    assert_eq!(earlier["data"], serde_json::json!(["id"]));
    // The mark says what the model's record will, so that `calibrate` knows its own.
    let mark = place.0.path().join("new/held-out/.normgate-held-out");
    let mark = std::fs::read_to_string(mark).unwrap();
    assert_eq!(mark, "18,18\nothers (held out: all=2)\nid");
    // Nor are images of the run before the first one.
    let arguments = format!("{tuned} --init new --hold-out all=2 --out again");
    let said = stderr(&place.train(&arguments));
    assert!(said.contains("may be ones that it knows"), "{said}");
}

#[test]
fn a_tuned_model_says_what_the_first_run_learnt_from_and_sees_images_of_its_size() {
    let place = Workplace::new();
    let large = "--aux aux --aux-batch-size 16 --image-size 48";
    run(&place, &format!("{ID} {large} --out rna"));
    let tuned = "--data id --threads 1 --batch-size 16 --method la --init rna --epochs 1 --out la";
    run(&place, tuned);
    let config = read(&place, "la/config.json");
    assert_eq!(config["data"]["image_size"], serde_json::json!([48, 48]));
    let checkpoint = Checkpoint::load(&place.0.path().join("la")).unwrap();
    let options = ExportOptions {
        name: "la".into(),
        version: "1".into(),
        description: None,
        weights: WeightForm::default(),
    };
    let model = export(&checkpoint, &options).unwrap();
    let record = model.manifest().training.clone().unwrap();
    assert_eq!(record.data, ["id"]);
    assert_eq!(record.auxiliary, ["aux"]);
}
