//! List files.

use normgate_core::manifest::{Filter, Preprocessing, Resize};

use super::*;

/// ImageNet's layout: a folder a class for training, one folder for validation.
fn imagenet(folder: &Path) {
    for (path, number) in [
        ("train/n02/n02_7.JPEG", 7),
        ("train/n01/n01_10.JPEG", 10),
        ("train/n01/n01 11.JPEG", 11),
        ("val/one.JPEG", 1),
        ("val/two.JPEG", 2),
    ] {
        write(&folder.join(path), &png(number));
    }
}

fn listed(lines: &str) -> (TempDir, Result<ImageSet, DatasetError>) {
    let folder = folder();
    imagenet(folder.path());
    let list = folder.path().join("list.txt");
    write(&list, lines.as_bytes());
    let set = load_test(&list);
    (folder, set)
}

#[test]
fn a_list_has_its_order_and_the_names_of_its_class_folders() {
    let (_folder, set) = listed(
        "\u{feff}train/n02/n02_7.JPEG 1\r\ntrain/n01/n01_10.JPEG 0\n\n train/n01/n01 11.JPEG \t0\n",
    );
    let set = set.unwrap();
    assert_eq!(set.name, "list");
    assert_eq!(numbers(&set), [7, 10, 11]);
    assert_eq!(set.labels, [Some(1), Some(0), Some(0)]);
    assert_eq!(set.class_names, Some(vec!["n01".into(), "n02".into()]));
}

#[test]
fn classes_that_share_a_folder_or_lie_in_several_have_only_numbers() {
    for lines in [
        "val/one.JPEG 1\nval/two.JPEG 0",
        "train/n01/n01_10.JPEG 0\nval/one.JPEG 0\ntrain/n02/n02_7.JPEG 1",
        // Class 0 is not there, so nobody knows its name.
        "train/n01/n01_10.JPEG 1\ntrain/n02/n02_7.JPEG 2",
    ] {
        let (_folder, set) = listed(lines);
        assert_eq!(set.unwrap().class_names, None, "{lines}");
    }
}

#[test]
fn a_models_class_names_are_put_on_a_lists_numbers() {
    let folder = folder();
    imagenet(folder.path());
    let list = folder.path().join("val.txt");
    write(&list, b"val/one.JPEG 1\nval/two.JPEG 0");
    let spec: SetSpec = list.display().to_string().parse().unwrap();
    let options = LoadOptions {
        class_names: Some(vec!["n01".into(), "n02".into()]),
        ..LoadOptions::test()
    };
    let set = spec.load(&options).unwrap();
    assert_eq!(set.class_names, options.class_names);
    assert_eq!(set.labels, [Some(1), Some(0)]);
}

#[test]
fn a_line_that_is_no_image_and_class_is_refused_by_its_number() {
    for (lines, expected) in [
        (
            "val/one.JPEG 0\nval/two.JPEG cat",
            "line 2: \"val/two.JPEG cat\" is not PATH CLASS",
        ),
        ("val/one.JPEG", "line 1: \"val/one.JPEG\" is not PATH CLASS"),
        ("val/one.JPEG 65536", "a number from 0 to 65535"),
        (
            "\n\nval/three.JPEG 0",
            "line 3: there is no file FOLDER/val/three.JPEG; paths are relative",
        ),
        ("\n", "it lists no images"),
    ] {
        let (folder, set) = listed(lines);
        let error = message(set, folder.path());
        assert!(error.starts_with("FOLDER/list.txt: "), "{error}");
        assert!(error.contains(expected), "{lines}: {error}");
    }
    let folder = folder();
    let list = folder.path().join("list.txt");
    write(&list, &[0xff, 0xfe, 0x00]);
    let error = message(load_test(&list), folder.path());
    assert!(error.contains("not text"), "{error}");
}

/// Options that leave images in their files.
fn in_files() -> LoadOptions {
    LoadOptions {
        preprocessing: Some(Preprocessing {
            width: 16,
            height: 16,
            resize: Resize::Stretch,
            filter: Filter::Bilinear,
            mean: [0.0; 3],
            std: [1.0; 3],
        }),
        in_files: true,
        ..LoadOptions::train()
    }
}

#[test]
fn a_filter_leaves_files_unread_that_it_does_not_keep() {
    let folder = folder();
    imagenet(folder.path());
    write(&folder.path().join("train/n01/n01_10.JPEG"), b"broken");
    let options = LoadOptions {
        in_files: false,
        ..in_files()
    };
    let train = folder.path().join("train").display().to_string();
    let spec = |filter: &str| -> SetSpec { format!("{train}#{filter}").parse().unwrap() };
    let kept = spec("class=n02").load(&options).unwrap();
    assert!(!kept.is_in_files());
    assert_eq!((kept.len(), kept.pixels.len()), (1, 16 * 16 * 3));
    let error = spec("class=n01").load(&options).unwrap_err().to_string();
    assert!(error.contains("n01_10.JPEG"), "{error}");
}

#[test]
fn images_left_in_their_files_are_chosen_and_joined_as_those_in_memory() {
    let folder = folder();
    imagenet(folder.path());
    write(
        &folder.path().join("train/n01/n01_10.JPEG"),
        b"not read yet",
    );
    let set = load(&folder.path().join("train"), &in_files()).unwrap();
    assert!(set.is_in_files() && set.pixels.is_empty());
    assert_eq!((set.width, set.height, set.len()), (16, 16, 3));
    let names = |set: &ImageSet| -> Vec<String> {
        let name = |file: &std::path::PathBuf| file.file_name().unwrap().to_string_lossy().into();
        set.files.iter().map(name).collect()
    };
    assert_eq!(names(&set), ["n01 11.JPEG", "n01_10.JPEG", "n02_7.JPEG"]);
    let (kept, held) = (set.select(&[0, 2]), set.select(&[1]));
    assert_eq!(names(&kept), ["n01 11.JPEG", "n02_7.JPEG"]);
    assert_eq!(names(&held), ["n01_10.JPEG"]);
    let both = ImageSet::concat(vec![held, kept.clone().unlabelled()]).unwrap();
    assert_eq!(names(&both), ["n01_10.JPEG", "n01 11.JPEG", "n02_7.JPEG"]);

    write(&folder.path().join("strips/000.webp"), &strip(&[4]));
    write(&folder.path().join("strips/labels.bin"), &[255]);
    let strips = load(&folder.path().join("strips"), &in_files()).unwrap();
    assert!(!strips.is_in_files());
    let error = ImageSet::concat(vec![kept, strips])
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("files of any size") && error.contains("--aux-weights"),
        "{error}"
    );
}
