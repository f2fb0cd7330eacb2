//! Every layout, from files made here and from the real image sets if they are at hand.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::*;

mod folders;
mod lists;
mod names;
mod parts;
mod real;
mod records;
mod strips;

const AREA: usize = 32 * 32;

/// An image that differs from every other: its number is in its pixels.
fn pixels(number: u8) -> Vec<u8> {
    let pixel = |at: usize| [number, (at % 251) as u8, (at / 32) as u8];
    (0..AREA).flat_map(pixel).collect()
}

/// The image as an official record holds it: labels, then plane after plane.
fn record(labels: &[u8], pixels: &[u8]) -> Vec<u8> {
    let plane = |channel: usize| pixels.iter().skip(channel).step_by(3).copied();
    let planes = (0..3).flat_map(plane);
    labels.iter().copied().chain(planes).collect()
}

fn records(labels: &[&[u8]], first: u8) -> Vec<u8> {
    let numbered = labels.iter().zip(first..);
    let record = |(labels, number): (&&[u8], u8)| record(labels, &pixels(number));
    numbered.flat_map(record).collect()
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn write(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

fn encoded(width: u32, height: u32, pixels: &[u8], format: image::ImageFormat) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let image = image::RgbImage::from_raw(width, height, pixels.to_vec()).unwrap();
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn strip(numbers: &[u8]) -> Vec<u8> {
    let pixels: Vec<u8> = numbers.iter().flat_map(|&number| pixels(number)).collect();
    encoded(
        32,
        32 * numbers.len() as u32,
        &pixels,
        image::ImageFormat::WebP,
    )
}

fn png(number: u8) -> Vec<u8> {
    encoded(32, 32, &pixels(number), image::ImageFormat::Png)
}

fn numbers(set: &ImageSet) -> Vec<u8> {
    (0..set.len()).map(|i| set.image(i)[0]).collect()
}

fn message(result: Result<ImageSet, DatasetError>, folder: &Path) -> String {
    let error = result.unwrap_err().to_string();
    error.replace(&folder.display().to_string(), "FOLDER")
}

fn load_test(path: &Path) -> Result<ImageSet, DatasetError> {
    load(path, &LoadOptions::test())
}

#[test]
fn sets_are_joined_unless_they_do_not_fit() {
    let folder = folder();
    let at = |name: &str| folder.path().join(name);
    write(&at("a/cat/1.png"), &png(1));
    write(&at("b/2.png"), &png(2));
    write(&at("c/dog/3.png"), &png(3));
    let load = |name: &str| load_test(&at(name)).unwrap();
    let joined = ImageSet::concat(vec![load("b"), load("a")]).unwrap();
    assert_eq!(
        (joined.name.as_str(), numbers(&joined)),
        ("b+a", vec![2, 1])
    );
    assert_eq!(joined.labels, [None, Some(0)]);
    assert_eq!(joined.class_names, Some(vec!["cat".into()]));
    let error = ImageSet::concat(vec![load("a"), load("c")]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a and c cannot be joined: their classes have different names"
    );
}

#[test]
fn class_names_are_not_put_on_another_sets_numbers() {
    let folder = folder();
    let at = |name: &str| folder.path().join(name);
    write(&at("named/cat/1.png"), &png(1));
    for (name, label) in [("numbers", 0), ("nothing", 255)] {
        write(&at(name).join("000.webp"), &strip(&[2]));
        write(&at(name).join("labels.bin"), &[label]);
    }
    let joined = |first: &str, second: &str| {
        ImageSet::concat(
            [first, second]
                .map(|name| load_test(&at(name)).unwrap())
                .into(),
        )
    };
    for (first, second) in [("named", "numbers"), ("numbers", "named")] {
        let error = joined(first, second).unwrap_err().to_string();
        assert!(error.contains("the other has only numbers"), "{error}");
        assert!(error.contains("--class-names"), "{error}");
    }
    for (first, second) in [("named", "nothing"), ("nothing", "named")] {
        let names = joined(first, second).unwrap().class_names;
        assert_eq!(names, Some(vec!["cat".into()]));
    }
    assert_eq!(joined("numbers", "nothing").unwrap().class_names, None);
    // Names that no image has say nothing about the other set's numbers.
    let mut nameless = load_test(&at("nothing")).unwrap();
    nameless.class_names = Some(vec!["dog".into()]);
    let numbers = load_test(&at("numbers")).unwrap();
    let joined = ImageSet::concat(vec![nameless, numbers]).unwrap();
    assert_eq!(
        (joined.labels, joined.class_names),
        (vec![None, Some(0)], None)
    );
}

#[test]
fn labels_follow_the_class_names_of_a_model() {
    let folder = folder();
    for class in ["cat", "dog", "yak"] {
        write(&folder.path().join(class).join("1.png"), &png(1));
    }
    let mut set = load_test(folder.path()).unwrap();
    let model = ["yak".to_string(), "cat".into()];
    set.align(&model).unwrap();
    assert_eq!(set.labels, [Some(1), None, Some(0)]);
    assert_eq!(set.class_names.as_deref(), Some(&model[..]));
    set.class_names = None;
    assert!(set.align(&model[..1]).is_err());
}

#[test]
fn a_set_that_must_show_a_models_classes_is_refused_with_the_class_that_is_none() {
    let folder = folder();
    let at = |name: &str| folder.path().join(name);
    for (path, number) in [
        ("pets/cat/1.png", 1),
        ("pets/kitten/2.png", 2),
        ("flat/3.png", 3),
    ] {
        write(&at(path), &png(number));
    }
    write(&at("textures/000.webp"), &strip(&[4, 5]));
    write(&at("textures/labels.bin"), &[255, 255]);
    let model = ["cat".to_string(), "dog".into()];
    let options = LoadOptions {
        class_names: Some(model.to_vec()),
        ..LoadOptions::test()
    };
    let aligned = |name: &str| {
        let spec: SetSpec = at(name).display().to_string().parse().unwrap();
        let mut set = spec.load(&options).unwrap();
        set.align_only(&model).map(|()| set)
    };
    let error = aligned("pets").unwrap_err().to_string();
    assert!(error.starts_with("pets: image 1 "), "{error}");
    assert!(
        error.contains("\"kitten\", which is not one of the classes (cat, dog)"),
        "{error}"
    );
    let error = aligned("textures").unwrap_err().to_string();
    let expected = "image 0 (counted from 0) is labelled as none of the classes (cat, dog)";
    assert!(error.contains(expected), "{error}");
    assert!(error.contains("#class=NAME+NAME"), "{error}");
    assert_eq!(aligned("pets#class=cat").unwrap().labels, [Some(0)]);
    assert_eq!(aligned("flat").unwrap().labels, [None]);
}
