//! Every kind of image, made here and as cameras, phones and test suites produce them.

use std::{fs, path::Path};

use image::ImageFormat;
use normgate_testing::image_sets;

use crate::support::{Server, encoded, picture, repository};

#[test]
fn every_format_is_answered_whatever_type_is_declared() {
    let server = Server::start();
    let mut scores = Vec::new();
    for format in [
        ImageFormat::Png,
        ImageFormat::Bmp,
        ImageFormat::WebP,
        ImageFormat::Gif,
        ImageFormat::Jpeg,
    ] {
        let bytes = encoded(picture(120, 90), format);
        let right = server.classify(format.to_mime_type(), &bytes).answer();
        let wrong = server.classify("image/jpeg", &bytes).answer();
        assert_eq!(right, wrong, "{format:?}: names lie, bytes do not");
        scores.push((format, right["ood"]["score"].as_f64().unwrap()));
    }
    let lossless = scores[0].1;
    for (format, score) in &scores[1..3] {
        assert_eq!(*score, lossless, "{format:?} holds the same pixels as PNG");
    }
}

#[test]
fn the_example_photo_of_a_cat_is_in_distribution() {
    let server = Server::start();
    let cat = fs::read(repository().join("docs/images/cat.jpg")).expect("the README's photo");
    let answer = server.classify("image/jpeg", &cat).answer();
    assert_eq!(
        (&answer["label"], &answer["is_ood"]),
        (&"cat".into(), &false.into()),
        "{answer}"
    );
}

#[test]
fn real_files_of_every_kind_are_answered() {
    let Some(sets) = image_sets("real_files_of_every_kind_are_answered") else {
        return;
    };
    // An unoptimised build on a busy machine may take long over 33 megapixels.
    let server = Server::with(&["--deadline", "60s"]);
    let mut answered = 0;
    for folder in [
        "id",
        "ood",
        "orientation",
        "large",
        "jpeg",
        "png",
        "webp",
        "gif",
        "bmp",
    ] {
        for (name, bytes) in files(&sets.join("photos").join(folder)) {
            let reply = server.classify("application/octet-stream", &bytes);
            assert_eq!(reply.status, 200, "{folder}/{name}: {}", reply.text());
            answered += 1;
        }
    }
    assert!(answered >= 55, "only {answered} photos were there");
}

#[test]
fn a_picture_under_each_exif_orientation_is_seen_upright() {
    let Some(sets) = image_sets("a_picture_under_each_exif_orientation_is_seen_upright") else {
        return;
    };
    let server = Server::start();
    let folder = sets.join("photos/orientation");
    // The eight images were drawn separately and differ in the number on them; what they share is the scene. If they
    // are turned wrongly, the probabilities scatter over several times this spread.
    let confidences: Vec<Vec<f64>> = (1..=8)
        .map(|k| {
            let bytes = fs::read(folder.join(format!("landscape_{k}.jpg"))).unwrap();
            let path = "/classify?top=10";
            let answer = server
                .post(path, &[("content-type", "image/jpeg")], &bytes)
                .answer();
            let mut by_class = vec![0.0; 10];
            for class in answer["top"].as_array().unwrap() {
                by_class[class["class_index"].as_u64().unwrap() as usize] =
                    class["probability"].as_f64().unwrap();
            }
            by_class
        })
        .collect();
    for other in &confidences[1..] {
        let distance: f64 = confidences[0]
            .iter()
            .zip(other)
            .map(|(a, b)| (a - b).abs())
            .sum();
        assert!(distance < 0.5, "{distance}: {confidences:?}");
    }
}

#[test]
fn hostile_files_are_refused_with_their_reason_and_the_server_goes_on() {
    let Some(sets) = image_sets("hostile_files_are_refused_with_their_reason") else {
        return;
    };
    let server = Server::start();
    for (name, bytes) in files(&sets.join("photos/hostile")) {
        let reply = server.classify("application/octet-stream", &bytes);
        // A pixel outside the palette is black, as browsers and Pillow show it.
        if name == "bad_palette_index.bmp" {
            reply.answer();
            continue;
        }
        let expected = match name.as_str() {
            "280_megapixels.jpg"
            | "4_gigapixels.png"
            | "says_65535x65535.jpg"
            | "says_3000000x2000000.bmp" => 413,
            _ => 422,
        };
        reply.problem(expected);
    }
    for (name, bytes) in files(&sets.join("photos/other")) {
        let problem = server
            .classify("application/octet-stream", &bytes)
            .problem(415);
        let kind = if name.ends_with("tif") {
            "TIFF"
        } else {
            "AVIF"
        };
        assert!(
            problem["detail"].as_str().unwrap().contains(kind),
            "{problem}"
        );
    }
    assert!(
        server.resident_kib() < 600 * 1024,
        "{} KiB after the bombs",
        server.resident_kib()
    );
    assert_eq!(server.get("/readyz").status, 200);
}

fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| {
            let entry = entry.unwrap();
            (
                entry.file_name().to_string_lossy().into_owned(),
                fs::read(entry.path()).unwrap(),
            )
        })
        .collect();
    files.sort();
    assert!(!files.is_empty(), "{} is empty", folder.display());
    files
}
