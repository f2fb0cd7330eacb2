//! What the command says about the images that it was given.

use std::path::Path;

use clap::Parser;
use normgate_core::calibration::Calibration;
use normgate_core::manifest::TrainingRecord;

use super::*;
use crate::quantize::command::write;

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    args: QuantizeArgs,
}

fn args(place: &Path, more: &[&str]) -> QuantizeArgs {
    let model = place.join("small.onnx");
    let out = place.join("int8.onnx");
    let mut line = vec!["quantize", model.to_str().unwrap()];
    line.extend(["--out", out.to_str().unwrap()]);
    line.extend(more);
    Cli::try_parse_from(line).unwrap().args
}

/// Adds a set of noise, as many images of each class.
fn add(place: &Path, set: &str, seed: u64, each: usize) -> String {
    for (class, label) in manifest().labels.iter().enumerate() {
        let folder = place.join(set).join(label);
        std::fs::create_dir_all(&folder).unwrap();
        for image in 0..each {
            let values = noise(seed + (class * each + image) as u64, SIDE * SIDE * 3);
            let pixels = values.iter().map(|v| (127.5 + 127.5 * v) as u8).collect();
            let picture = image::RgbImage::from_raw(SIDE as u32, SIDE as u32, pixels).unwrap();
            picture.save(folder.join(format!("{image}.png"))).unwrap();
        }
    }
    place.join(set).to_str().unwrap().to_owned()
}

#[test]
fn images_that_the_model_may_have_learnt_from_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    let scores: Vec<f32> = (0u8..30).map(f32::from).collect();
    let mut calibration = Calibration::id_positive(&scores, 0.95).unwrap();
    calibration.data = Some("test".into());
    let manifest = Manifest {
        calibration: Some(calibration),
        training: Some(TrainingRecord {
            method: "rna".into(),
            class_counts: vec![10; 3],
            command: None,
            seed: 0,
            epochs: 1,
            data: vec!["training".into()],
            auxiliary: vec!["strange".into()],
        }),
        ..manifest()
    };
    let model = network(|_| ()).with_manifest(manifest).unwrap();
    model.save(&place.join("small.onnx")).unwrap();
    let data = add(place, "training", 1000, 20);
    let test = add(place, "test", 2000, 5);
    let ood = add(place, "strange", 3000, 5);

    let sets = ["--data", &data, "--test", &test, "--ood", &ood];
    let said = write(&args(place, &sets)).unwrap().to_string();
    for part in [
        "  warning    the model was trained on a set called training:\n",
        "Note: the model was calibrated on test: make sure that --test has none of these images\n",
        "Note: the model was trained to treat strange as OOD: make sure that --ood has none of these \
         images\n",
    ] {
        assert!(said.contains(part), "{said}");
    }
}

#[test]
fn a_test_set_and_an_ood_set_of_one_name_are_refused_before_the_model_is_read() {
    let sets = ["--data", "a", "--test", "b/test", "--ood", "c/test"];
    let error = write(&args(Path::new("nowhere"), &sets)).err().unwrap();
    let said = error.to_string();
    assert!(
        said.contains("both called \"test\": give --ood names"),
        "{said}"
    );
}

#[test]
fn the_same_images_under_two_names_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    let model = network(|_| ()).with_manifest(manifest()).unwrap();
    model.save(&place.join("small.onnx")).unwrap();
    let data = add(place, "data", 1000, 20);
    let test = add(place, "test", 2000, 5);
    let strange = add(place, "strange", 2000, 5);
    let sets = ["--data", &data, "--test", &test, "--ood", &strange];
    let error = write(&args(place, &sets)).err().unwrap().to_string();
    for part in ["15 of the 15", "--test", "--ood"] {
        assert!(error.contains(part), "{error}");
    }
}
