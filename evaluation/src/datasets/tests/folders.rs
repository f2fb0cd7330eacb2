//! Folders of ordinary images.

use normgate_core::manifest::{Filter, Preprocessing, Resize};

use super::*;

#[test]
fn class_folders_are_labelled_by_their_sorted_names() {
    let folder = folder();
    write(&folder.path().join("dog/b.png"), &png(3));
    write(&folder.path().join("dog/a.png"), &png(2));
    write(&folder.path().join("cat/deep/inside/no_extension"), &png(1));
    write(&folder.path().join("cat/boxes.txt"), b"0 0 5 5");
    write(&folder.path().join("cat/.hidden.png"), b"no image");
    write(&folder.path().join("README.md"), b"About these images");
    let set = load_test(folder.path()).unwrap();
    assert_eq!(set.class_names, Some(vec!["cat".into(), "dog".into()]));
    assert_eq!(numbers(&set), [1, 2, 3]);
    assert_eq!(set.labels, [Some(0), Some(1), Some(1)]);
    assert_eq!(set.image(0), pixels(1));
}

#[test]
fn a_flat_folder_of_images_is_unlabelled() {
    let folder = folder();
    write(&folder.path().join("2.png"), &png(2));
    write(&folder.path().join("1.png"), &png(1));
    fs::create_dir(folder.path().join("empty")).unwrap();
    let set = load_test(folder.path()).unwrap();
    assert_eq!(numbers(&set), [1, 2]);
    assert_eq!((set.labels, set.class_names), (vec![None, None], None));
}

#[test]
fn images_of_other_sizes_come_to_the_models_size() {
    let folder = folder();
    let grey = |width: u32, height: u32, value: u8| {
        let pixels = vec![value; (width * height * 3) as usize];
        encoded(width, height, &pixels, image::ImageFormat::Png)
    };
    write(&folder.path().join("a/1.png"), &grey(50, 40, 90));
    write(&folder.path().join("b/2.png"), &grey(10, 80, 30));
    let error = message(load_test(folder.path()), folder.path());
    assert!(
        error.starts_with("FOLDER/b/2.png: 10x80 pixels, but"),
        "{error}"
    );
    let preprocessing = Preprocessing {
        width: 16,
        height: 16,
        resize: Resize::CentreCrop { shorter_side: 16 },
        filter: Filter::Bilinear,
        mean: [0.0; 3],
        std: [1.0; 3],
    };
    let options = LoadOptions {
        preprocessing: Some(preprocessing),
        ..LoadOptions::test()
    };
    let set = load(folder.path(), &options).unwrap();
    assert_eq!((set.width, set.height, set.len()), (16, 16, 2));
    assert!(set.image(0).iter().all(|&value| value == 90));
    assert!(set.image(1).iter().all(|&value| value == 30));
    let file = folder.path().join("records.bin");
    write(&file, &records(&[&[1]], 40));
    let set = load(&file, &options).unwrap();
    assert_eq!(
        (set.width, set.height, set.pixels.len()),
        (16, 16, 16 * 16 * 3)
    );
    assert_eq!(set.image(0)[0], 40);
}

#[test]
fn a_broken_image_is_refused_by_name_and_reason() {
    let folder = folder();
    let png = png(1);
    write(&folder.path().join("cat/whole.png"), &png);
    let broken = [
        ("cut.png", &png[..200], "truncated"),
        ("empty.jpg", b"", "empty"),
        ("drawing.tif", b"II*\0 and more of it", "not a JPEG, PNG"),
    ];
    for (name, bytes, reason) in broken {
        let path = folder.path().join("cat").join(name);
        write(&path, bytes);
        let error = message(load_test(folder.path()), folder.path());
        assert!(
            error.starts_with(&format!("FOLDER/cat/{name}: ")),
            "{error}"
        );
        assert!(error.contains(reason), "{error}");
        fs::remove_file(path).unwrap();
    }
}

#[test]
fn folders_that_are_no_set_say_why() {
    let folder = folder();
    let said = |part: &str| {
        let error = message(load_test(folder.path()), folder.path());
        assert!(error.contains(part), "{error}");
    };
    let missing = folder.path().join("missing");
    assert_eq!(
        message(load_test(&missing), folder.path()),
        "there is no image set at FOLDER/missing: no such file or folder"
    );
    said("it holds no images");
    write(&folder.path().join("cat/1.png"), &png(3));
    write(&folder.path().join("3.png"), &png(3));
    said("it has 1 image of its own (3.png) beside folders of images");
    fs::remove_file(folder.path().join("3.png")).unwrap();
}

#[test]
fn an_empty_class_folder_is_an_error_unless_a_filter_leaves_it_out() {
    let folder = folder();
    for class in ["cat", "dog"] {
        write(&folder.path().join(class).join("1.png"), &png(1));
    }
    fs::create_dir(folder.path().join("empty")).unwrap();
    let read = |filters: &str| {
        let spec: SetSpec = format!("{}{filters}", folder.path().display())
            .parse()
            .unwrap();
        spec.load(&to_size())
    };
    // A number may be that of any class.
    for filters in ["", "#class!=cat", "#class=cat+empty", "#class=0", "#last=1"] {
        let error = message(read(filters), folder.path());
        assert_eq!(
            error,
            "FOLDER/empty: this class folder holds no images: remove it, put images into it, \
             or leave it out with the filter #class!=empty",
            "{filters}"
        );
    }
    for (filters, labels) in [
        ("#class!=empty", vec![Some(0), Some(1)]),
        ("#class!=empty+cat", vec![Some(1)]),
        ("#class=dog", vec![Some(1)]),
    ] {
        let set = read(filters).unwrap();
        assert_eq!(set.labels, labels, "{filters}");
        assert_eq!(set.class_names.unwrap(), ["cat", "dog"], "{filters}");
    }
    let error = message(read("#class!=empty+bird"), folder.path());
    assert!(
        error.contains("no class \"bird\"; there are cat, dog"),
        "{error}"
    );
}

#[test]
fn what_other_systems_leave_in_folders_is_no_class_and_no_image() {
    let folder = folder();
    write(&folder.path().join("cat/1.png"), &png(1));
    for beside in [
        "__MACOSX/cat/._1.png",
        "@eaDir/cat@SynoEAStream",
        ".trash/2.png",
        "cat/@eaDir/1.png/thumbnail.jpg",
        "cat/.thumbnails/1.png",
        "cat/__MACOSX/._1.png",
    ] {
        write(&folder.path().join(beside), b"no image");
    }
    let set = load_test(folder.path()).unwrap();
    assert_eq!(set.class_names.as_deref(), Some(&["cat".to_owned()][..]));
    assert_eq!(set.len(), 1);
}

#[test]
fn a_pipe_and_a_link_that_leads_nowhere_are_no_images() {
    let folder = folder();
    write(&folder.path().join("cat/1.png"), &png(1));
    let cat = folder.path().join("cat");
    std::os::unix::fs::symlink("nowhere", cat.join("README")).unwrap();
    let made = std::process::Command::new("mkfifo")
        .arg(cat.join("pipe"))
        .status();
    assert!(made.unwrap().success());
    assert_eq!(load_test(folder.path()).unwrap().len(), 1);
}

#[test]
fn a_class_with_signs_of_the_syntax_in_its_name_is_given_by_its_number() {
    let folder = folder();
    for (class, number) in [("a+b", 1), ("c,d", 2), ("e#f", 3), ("g", 4)] {
        write(&folder.path().join(class).join("1.png"), &png(number));
    }
    let read = |filters: &str| {
        let spec: SetSpec = format!("{}{filters}", folder.path().display())
            .parse()
            .unwrap();
        spec.load(&LoadOptions::test())
    };
    for filters in ["#class=a+b", "#class=c"] {
        let error = message(read(filters), folder.path());
        assert!(
            error.ends_with(
                "there are a+b, c,d, e#f, g. Give one with a + , or # in its name by its number, \
                 counted from 0 in this order"
            ),
            "{error}"
        );
    }
    assert_eq!(numbers(&read("#class=0").unwrap()), [1]);
    assert_eq!(numbers(&read("#class=1+2").unwrap()), [2, 3]);
    assert_eq!(numbers(&read("#class!=2").unwrap()), [1, 2, 4]);
    let error = "photos#class=e#f".parse::<SetSpec>().unwrap_err();
    assert!(
        error.ends_with("Give a class with # in its name by its number"),
        "{error}"
    );
}

/// Options that bring images to 2 × 2 pixels.
fn to_size() -> LoadOptions {
    LoadOptions {
        preprocessing: Some(Preprocessing {
            width: 2,
            height: 2,
            resize: Resize::CentreCrop { shorter_side: 2 },
            filter: Filter::Bilinear,
            mean: [0.0; 3],
            std: [1.0; 3],
        }),
        ..LoadOptions::test()
    }
}

#[test]
fn all_images_that_cannot_be_read_are_named_at_once() {
    let folder = folder();
    write(&folder.path().join("a/good.png"), &png(1));
    for number in 0..12 {
        let path = folder.path().join(format!("b/{number:02}.png"));
        write(&path, &png(2)[..20]);
    }
    let error = message(load(folder.path(), &to_size()), folder.path());
    assert!(
        error.starts_with("12 of 13 images cannot be read:\n  FOLDER/b/00.png: "),
        "{error}"
    );
    assert!(
        error.contains("FOLDER/b/09.png") && !error.contains("FOLDER/b/10.png"),
        "{error}"
    );
    assert!(
        error.contains("\n  and 2 more\n") && error.contains("#readable"),
        "{error}"
    );
}

#[test]
fn readable_leaves_out_what_cannot_be_read_before_others_are_counted() {
    let folder = folder();
    for (name, bytes) in [
        ("a/1.png", png(1)),
        ("a/2.png", png(2)),
        ("a/3.png", png(3)[..20].to_vec()),
        ("b/4.jpg", b"no image".to_vec()),
        ("b/5.png", png(5)),
    ] {
        write(&folder.path().join(name), &bytes);
    }
    let read = |filters: &str| {
        let spec: SetSpec = format!("{}{filters}", folder.path().display())
            .parse()
            .unwrap();
        spec.load(&to_size())
    };
    let set = read("#readable").unwrap();
    assert_eq!(set.labels, [Some(0), Some(0), Some(1)]);
    assert_eq!(set.left_out, 2);
    let notice = set.notice().unwrap();
    assert!(
        notice.ends_with("2 of 5 images cannot be read and are left out"),
        "{notice}"
    );
    let last = read("#readable#last=1").unwrap();
    assert_eq!(last.labels, [Some(0), Some(1)]);
    assert!(read("#last=1").is_err());
    let whole = read("#class=a#first=2").unwrap();
    assert_eq!((whole.len(), whole.notice()), (2, None));
}

#[test]
fn a_class_that_is_written_otherwise_is_told_what_the_model_calls_it() {
    let folder = folder();
    write(&folder.path().join("Polar_Bear/1.png"), &png(1));
    let mut set = load_test(folder.path()).unwrap();
    let names = ["cat".to_owned(), "polar bear".to_owned()];
    let error = set.clone().align_only(&names).unwrap_err().to_string();
    assert!(
        error.ends_with("\"Polar_Bear\" is called \"polar bear\" by the model"),
        "{error}"
    );
    let error = set.align_only(&names[..1]).unwrap_err().to_string();
    assert!(
        error.ends_with("must have the same name in both"),
        "{error}"
    );
}
