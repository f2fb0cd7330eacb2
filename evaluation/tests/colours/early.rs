//! Mistakes that are found before much is done. In each case the next step would find another one.

use std::fs;

use normgate_evaluation::{calibrate, evaluate};

use crate::calibrated;
use crate::place::{COLOURS, Place};

fn refused(place: &Place, more: &[(&str, &str)]) -> String {
    let args = place.evaluate_args(more);
    evaluate::evaluate(&args).err().unwrap().to_string()
}

#[test]
fn a_set_that_is_not_there_is_named_before_any_is_read() {
    let place = calibrated();
    // Refused when it is read.
    place.add("others", "yellow", 0, 100..110);
    for option in ["--ood", "--shifted-id", "--fit-data", "--calibration"] {
        let said = refused(&place, &[("--id", "others"), (option, "nowhere")]);
        assert!(said.starts_with("there is no image set at"), "{said}");
        assert!(said.contains("nowhere"), "{said}");
    }
}

#[test]
fn ood_images_to_calibrate_on_that_are_not_there_are_named_before_any_are_read() {
    let place = Place::new();
    place.add("others", "yellow", 0, 100..110);
    let mut args = place.calibrate_args();
    args.data = vec![place.path("others").to_str().unwrap().parse().unwrap()];
    args.ood = vec!["nowhere".parse().unwrap()];
    let said = calibrate::calibrate(&args).unwrap_err().to_string();
    assert!(
        said.starts_with("there is no image set at nowhere"),
        "{said}"
    );
}

#[test]
fn a_file_in_the_place_of_the_report_is_named_before_any_set_is_read() {
    let place = calibrated();
    place.add("others", "yellow", 0, 100..110);
    fs::write(place.path("report"), "").unwrap();
    let said = refused(&place, &[("--id", "others"), ("--out", "report")]);
    assert!(
        said.contains("is a file, and the report needs a folder"),
        "{said}"
    );
}

#[test]
fn unlabelled_images_to_test_on_are_refused_before_the_model_runs() {
    let place = calibrated();
    place.add("photos", "", 1, 100..130);
    for (channel, class) in COLOURS.iter().enumerate() {
        place.add("more", class, channel, 140..201);
    }
    // The model has to run for it to be found that these are not what it was calibrated on.
    let said = refused(&place, &[("--id", "photos"), ("--calibration", "more")]);
    assert!(said.contains("image 0 of photos"), "{said}");
}

#[test]
fn sets_of_one_name_are_refused_before_the_model_is_opened() {
    let place = Place::new();
    let said = refused(&place, &[("--id", "a/test"), ("--ood", "b/test")]);
    assert!(said.contains("give --ood names"), "{said}");
}

#[test]
fn a_version_that_no_model_can_have_is_refused_before_the_images_are_read() {
    let place = Place::new();
    for (name, version) in [("", "2"), ("mine", ""), ("mine", "2\u{7}")] {
        let mut args = place.calibrate_args();
        args.data = vec!["nowhere".parse().unwrap()];
        (args.name, args.model_version) = (Some(name.into()), Some(version.into()));
        let said = calibrate::calibrate(&args).unwrap_err().to_string();
        assert!(said.contains("manifest would be invalid"), "{said}");
    }
}
