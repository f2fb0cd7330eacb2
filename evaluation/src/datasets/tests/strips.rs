//! WebP strips.

use super::*;

#[test]
fn strips_are_read_in_order_and_255_means_no_class() {
    let folder = folder();
    let path = folder.path().join("strips");
    write(&path.join("000.webp"), &strip(&[7, 8]));
    write(&path.join("001.webp"), &strip(&[9]));
    write(&path.join("labels.bin"), &[3, 255, 0]);
    let set = load_test(&path).unwrap();
    assert_eq!(
        (set.name.as_str(), set.width, set.height),
        ("strips", 32, 32)
    );
    assert_eq!(set.labels, [Some(3), None, Some(0)]);
    assert_eq!(set.pixels, [pixels(7), pixels(8), pixels(9)].concat());
    assert_eq!((set.class_names, set.coarse_labels), (None, None));
}

#[test]
fn strips_with_two_label_bytes_are_coarse_and_fine() {
    let folder = folder();
    write(&folder.path().join("000.webp"), &strip(&[7, 8]));
    write(&folder.path().join("labels.bin"), &[11, 98, 1, 1]);
    let set = load_test(folder.path()).unwrap();
    assert_eq!(set.labels, [Some(98), Some(1)]);
    assert_eq!(set.coarse_labels, Some(vec![Some(11), Some(1)]));
    assert_eq!(set.class_names.unwrap()[98], "woman");
    let spec = format!("{}#labels=coarse", folder.path().display());
    let set = spec
        .parse::<SetSpec>()
        .unwrap()
        .load(&LoadOptions::test())
        .unwrap();
    assert_eq!(set.labels, [Some(11), Some(1)]);
    assert_eq!(set.class_names.unwrap()[1], "fish");
}

#[test]
fn strips_that_do_not_fit_their_labels_are_refused() {
    let folder = folder();
    write(&folder.path().join("000.webp"), &strip(&[7, 8]));
    write(&folder.path().join("labels.bin"), &[1, 2, 3]);
    assert_eq!(
        message(load_test(folder.path()), folder.path()),
        "FOLDER/labels.bin: 3 bytes for 2 images in 1 strips: there must be one byte an image, \
         or two (coarse, fine). A strip may be missing"
    );
    write(&folder.path().join("labels.bin"), &[1, 2, 20, 3]);
    assert_eq!(
        message(load_test(folder.path()), folder.path()),
        "FOLDER/labels.bin: record 1 has the coarse label 20, but there are 20 classes (0 to 19): \
         the file is damaged, or belongs to another data set"
    );
}

#[test]
fn a_broken_strip_is_refused_by_name() {
    let folder = folder();
    write(&folder.path().join("000.webp"), &strip(&[1]));
    let whole = strip(&[2]);
    write(&folder.path().join("001.webp"), &whole[..whole.len() / 2]);
    write(&folder.path().join("labels.bin"), &[0, 0]);
    let error = message(load_test(folder.path()), folder.path());
    assert!(error.starts_with("FOLDER/001.webp: "), "{error}");
    let odd = encoded(32, 33, &[0; 32 * 33 * 3], image::ImageFormat::WebP);
    write(&folder.path().join("001.webp"), &odd);
    let error = message(load_test(folder.path()), folder.path());
    assert!(
        error.contains("001.webp") && error.contains("32x33"),
        "{error}"
    );
}
