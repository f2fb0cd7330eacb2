//! The folder of a run, and which images are kept in it.

use normgate_evaluation::datasets::{LoadOptions, load};
use normgate_training::augment::Crop;
use normgate_training::input::{Normalise, preprocessing};

use crate::command_line::{SMALL, Workplace, stderr};

#[test]
fn what_is_held_out_is_kept_for_calibration() {
    let place = Workplace::new();
    let output = place.train(&format!("{SMALL} --hold-out even=25%,odd=2"));
    let said = stderr(&output);
    assert!(output.status.success(), "{said}");
    assert!(
        said.contains("33 images of 2 classes (even 15, odd 18)"),
        "{said}"
    );
    assert!(
        said.contains("7 images are held out in run/held-out"),
        "{said}"
    );
    let as_trained = LoadOptions {
        preprocessing: Some(preprocessing(32, Crop::Padded, Normalise::None)),
        ..LoadOptions::train()
    };
    let read = |path: &str| load(&place.0.path().join(path), &as_trained).unwrap();
    let (held, all) = (read("run/held-out"), read("id"));
    assert_eq!(held.class_counts(2), [5, 2]);
    // The last ones by path, as the network sees them.
    for (kept, number) in [(0, 15), (4, 19), (5, 38), (6, 39)] {
        assert!(held.image(kept) == all.image(number), "{kept} {number}");
    }
}

#[test]
fn a_class_that_filters_leave_out_is_none_of_the_networks() {
    let place = Workplace::new();
    crate::write_images(&place.0.path().join("id/rare"), 4, 3);
    let output = place.train(&SMALL.replace("--data id", "--data id#class!=rare"));
    let said = stderr(&output);
    assert!(output.status.success(), "{said}");
    assert!(
        said.contains("40 images of 2 classes (even 20, odd 20)"),
        "{said}"
    );
}

#[test]
fn copies_among_what_is_held_out_are_told() {
    let place = Workplace::new();
    let folder = place.0.path().join("id/odd");
    for number in 0..20 {
        let copy = folder.join(format!("copy of {number}.png"));
        std::fs::copy(folder.join(format!("{number}.png")), copy).unwrap();
    }
    let output = place.train(&format!("{SMALL} --hold-out odd=20"));
    let said = stderr(&output);
    assert!(output.status.success(), "{said}");
    assert!(
        said.contains("of the 20 images that are held out, 20 are also trained on"),
        "{said}"
    );
}

#[test]
fn a_folder_with_held_out_images_of_somebody_elses_is_left_as_it_is() {
    let place = Workplace::new();
    let own = place.0.path().join("run/held-out/even/own.png");
    crate::write_images(own.parent().unwrap(), 9, 2);
    std::fs::write(&own, "mine").unwrap();
    let said = stderr(&place.train(&format!("{SMALL} --hold-out all=2")));
    assert!(said.contains("run already has a held-out"), "{said}");
    let output = place.train(SMALL);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(std::fs::read(own).unwrap(), b"mine");
}

#[test]
fn nothing_is_trained_on_that_would_be_written_anew() {
    let place = Workplace::new();
    let kept = place.0.path().join("run/held-out");
    crate::write_images(&kept.join("even"), 9, 2);
    std::fs::write(kept.join(".normgate-held-out"), "").unwrap();
    let said = stderr(&place.train(&SMALL.replace("--data id", "--data id,run/held-out")));
    assert!(said.contains("which this run would overwrite"), "{said}");
    assert!(kept.join("even/1.png").exists());
}

#[test]
fn two_processes_do_not_train_in_one_folder() {
    let place = Workplace::new();
    let endless = SMALL.replace("--epochs 2", "--epochs 5000");
    let mut first = place.command(&endless).spawn().unwrap();
    crate::command_line::is_there(&place.0.path().join("run/config.json"), &mut first);
    let second = place.train(SMALL);
    let said = stderr(&second);
    assert!(!second.status.success(), "{said}");
    assert!(
        said.contains("another process is training in run"),
        "{said}"
    );
    first.kill().unwrap();
    first.wait().unwrap();
    // A killed process holds no lock.
    let third = place.train(SMALL);
    assert!(third.status.success(), "{}", stderr(&third));
}

#[test]
fn a_run_is_not_put_among_the_images_that_it_reads() {
    let place = Workplace::new();
    for out in ["id/run", "./id/even/deep/run", "aux/run"] {
        let said = stderr(&place.train(&SMALL.replace("--out run", &format!("--out {out}"))));
        assert!(
            said.contains("of which it would become a part"),
            "{out}: {said}"
        );
    }
    assert!(!place.0.path().join("id/run").exists());
}

#[test]
fn a_rare_class_or_what_is_held_out_is_not_among_the_auxiliary_images() {
    let place = Workplace::new();
    let folder = place.0.path();
    crate::write_images(&folder.join("many"), 4, 400);
    crate::write_images(&folder.join("id/rare"), 5, 3);
    let arguments = SMALL.replace("--aux aux", "--aux many") + " --hold-out even=2,odd=2,rare=1";
    for (from, says) in [
        (
            ["rare/0.png", "rare/1.png"],
            "class rare: 2 of the 2 different images of --data",
        ),
        (
            ["even/9.png", "odd/9.png"],
            "of --hold-out are also in --aux",
        ),
    ] {
        for (number, file) in from.iter().enumerate() {
            std::fs::copy(
                folder.join("id").join(file),
                folder.join(format!("many/copy {number}.png")),
            )
            .unwrap();
        }
        let said = stderr(&place.train(&arguments));
        assert!(said.contains(says), "{said}");
    }
}
