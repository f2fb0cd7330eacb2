//! Bad input in bulk: nothing panics, nothing leaks, good requests go on.

use image::ImageFormat;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use crate::support::{Server, encoded, picture, png};

#[test]
fn a_thousand_bad_requests_leave_memory_and_answers_as_they_were() {
    let server = Server::start();
    let good = server.classify("image/png", &png()).answer();
    let originals: Vec<Vec<u8>> = [
        ImageFormat::Png,
        ImageFormat::Jpeg,
        ImageFormat::Gif,
        ImageFormat::Bmp,
        ImageFormat::WebP,
    ]
    .map(|format| encoded(picture(160, 120), format))
    .into();
    let mut random = Pcg64Mcg::seed_from_u64(7);
    let mut bad = |k: usize| {
        let mut bytes = originals[k % originals.len()].clone();
        match k % 4 {
            0 => {
                let kept = random.random_range(0..bytes.len());
                bytes.truncate(kept);
            }
            1 => (0..40).for_each(|_| {
                let at = random.random_range(0..bytes.len());
                bytes[at] = random.random();
            }),
            2 => {
                let by = random.random_range(1..bytes.len());
                bytes.rotate_left(by);
            }
            _ => {
                bytes = (0..random.random_range(1..4000))
                    .map(|_| random.random())
                    .collect()
            }
        }
        let kinds = [
            "image/png",
            "application/json",
            "multipart/form-data; boundary=x",
            "application/octet-stream",
        ];
        server.classify(kinds[(k / 7) % kinds.len()], &bytes).status
    };

    let warm_up = 300;
    (0..warm_up).for_each(|k| assert_ne!(bad(k), 500));
    let before = server.resident_kib();
    let mut refused = 0;
    for k in warm_up..warm_up + 1000 {
        let status = bad(k);
        assert!(
            [200, 400, 413, 415, 422].contains(&status),
            "request {k}: {status}"
        );
        refused += usize::from(status != 200);
    }
    assert!(refused > 700, "only {refused} of 1,000 were bad");
    let grown = server.resident_kib().saturating_sub(before);
    assert!(
        grown < 16 * 1024,
        "{grown} KiB more after 1,000 bad requests"
    );
    assert_eq!(server.classify("image/png", &png()).answer(), good);
    assert!(!server.log().contains("panicked"), "{}", server.log());
}

#[test]
fn a_picture_one_pixel_wide_and_millions_high_is_too_large() {
    let server = Server::start();
    for (width, height) in [(1, 4_000_000), (4_000_000, 1)] {
        let file = encoded(image::RgbImage::new(width, height), ImageFormat::Png);
        server.classify("image/png", &file).problem(413);
    }
    let file = encoded(image::RgbImage::new(1, 65_535), ImageFormat::Png);
    server.classify("image/png", &file).answer();
}
