//! Folders that hold parts of a set, not classes.

use super::*;

/// The error for a folder with an image in each of these folders.
fn refused(folders: &[&str]) -> String {
    let folder = folder();
    for name in folders {
        write(&folder.path().join(name).join("1.png"), &png(1));
    }
    message(load_test(folder.path()), folder.path())
}

#[test]
fn training_and_test_folders_side_by_side_are_no_classes_whatever_else_is_there() {
    for (folders, parts, instead) in [
        (&["test", "train"][..], "train, test", "train"),
        (&["train/dog", "test/dog", "other"], "train, test", "train"),
        (&["Train/dog", "Test/dog"], "Train, Test", "Train"),
        (&["train/dog", "test", "unlabelled"], "train, test", "train"),
        (
            &["TRAINING/cat", "dog", "validation/cat"],
            "TRAINING, validation",
            "TRAINING",
        ),
        (&["val/dog", "test/dog"], "test, val", "test"),
        (&["Test/dog"], "Test", "Test"),
    ] {
        assert_eq!(
            refused(folders),
            format!(
                "FOLDER: it holds parts of a set ({parts}), not classes: give one of them, such \
                 as FOLDER/{instead}. If they are classes, name the images in a list (.txt)"
            )
        );
    }
}

#[test]
fn classes_with_training_and_test_folders_inside_are_not_mixed() {
    let error = refused(&["bird/test", "bird/train", "dog/test", "dog/train"]);
    assert_eq!(
        error,
        "FOLDER/bird: it holds parts of a set (train, test), whose images would be mixed: make a \
         folder for each part, with the classes inside (train/bird, test/bird), and give one of \
         them"
    );
    let error = refused(&["bird", "dog/2024/Train", "dog/2024/Val"]);
    assert!(
        error.starts_with("FOLDER/dog/2024: it holds parts of a set (Train, Val)"),
        "{error}"
    );
}

#[test]
fn a_class_may_be_called_as_a_part_beside_other_classes() {
    let folder = folder();
    for name in [
        "bus",
        "train",
        "val",
        "vehicle/test",
        "vehicle/train",
        "vehicle/tram",
    ] {
        write(&folder.path().join(name).join("1.png"), &png(1));
    }
    let set = load_test(folder.path()).unwrap();
    assert_eq!(set.class_names.unwrap(), ["bus", "train", "val", "vehicle"]);
}

#[test]
fn what_was_held_out_has_classes_whatever_they_are_called() {
    for classes in [&["train", "val"][..], &["train"]] {
        let folder = folder();
        for name in classes {
            write(&folder.path().join(name).join("1.png"), &png(1));
        }
        let mark = HeldOut {
            class_counts: Vec::new(),
            sets: Vec::new(),
        };
        mark.write(folder.path()).unwrap();
        let set = load_test(folder.path()).unwrap();
        assert_eq!(set.class_names.unwrap(), classes);
    }
}

#[test]
fn images_that_need_no_classes_may_lie_in_parts() {
    let folder = folder();
    for name in ["train/dog", "val/dog", "val/cat/test", "val/cat/train"] {
        write(&folder.path().join(name).join("1.png"), &png(1));
    }
    let options = LoadOptions {
        has_classes: false,
        ..LoadOptions::test()
    };
    assert_eq!(load(folder.path(), &options).unwrap().len(), 4);
}
