//! The real photos.

use super::*;

#[derive(Deserialize)]
struct Photo {
    file: String,
    width: u32,
    height: u32,
    means: Vec<[f64; 3]>,
}

/// Mean colours of a grid of 4 × 4 fields, as `tests/fixtures/photos.py` computes them.
fn means(picture: &Rgb8) -> Vec<[f64; 3]> {
    let (width, height) = (picture.width as usize, picture.height as usize);
    let edges = |length: usize| (0..4).map(move |i| length * i / 4..length * (i + 1) / 4);
    let mean = |rows: std::ops::Range<usize>, columns: std::ops::Range<usize>| {
        let count = (rows.len() * columns.len()) as f64;
        let mut sums = [0_u64; 3];
        for y in rows {
            let row = &picture.pixels[3 * y * width..3 * (y + 1) * width];
            for pixel in row[3 * columns.start..3 * columns.end].as_chunks::<3>().0 {
                for (sum, &value) in sums.iter_mut().zip(pixel) {
                    *sum += u64::from(value);
                }
            }
        }
        sums.map(|sum| sum as f64 / count)
    };
    edges(height)
        .flat_map(|rows| edges(width).map(move |columns| mean(rows.clone(), columns)))
        .collect()
}

#[test]
fn every_photo_decodes_to_the_size_and_colours_that_pillow_gives_it() {
    let Some(photos) = photos("decoding the real photos") else {
        return;
    };
    for photo in read_json::<Vec<Photo>>("photos.json") {
        let bytes = std::fs::read(photos.join(&photo.file)).unwrap();
        let picture = decode(&bytes, &Limits::default())
            .unwrap_or_else(|error| panic!("{}: {error}", photo.file));
        assert_eq!(
            (picture.width, picture.height),
            (photo.width, photo.height),
            "{}",
            photo.file
        );
        for (field, (got, expected)) in means(&picture).iter().zip(&photo.means).enumerate() {
            let off = got
                .iter()
                .zip(expected)
                .map(|(a, b)| (a - b).abs())
                .fold(0.0, f64::max);
            assert!(
                off < 1.0,
                "{} field {field}: {got:?}, Pillow {expected:?}",
                photo.file
            );
        }
    }
}

#[test]
fn all_eight_landscapes_decode_to_near_equal_pictures() {
    let Some(photos) = photos("turning the landscapes upright") else {
        return;
    };
    let upright = |orientation: u32| {
        let path = photos.join(format!("orientation/landscape_{orientation}.jpg"));
        decode(&std::fs::read(path).unwrap(), &Limits::default()).unwrap()
    };
    let first = means(&upright(1));
    for orientation in 2..=8 {
        let picture = upright(orientation);
        assert_eq!(
            (picture.width, picture.height),
            (600, 450),
            "orientation {orientation}"
        );
        let off: Vec<f64> = means(&picture)
            .iter()
            .flatten()
            .zip(first.iter().flatten())
            .map(|(a, b)| (a - b).abs())
            .collect();
        let mean = off.iter().sum::<f64>() / off.len() as f64;
        // Each image shows its own number, and the first is brighter; mirrored or turned they differ by more than 23.
        assert!(mean < 15.0, "orientation {orientation}: {mean}");
    }
}

#[test]
fn hostile_files_are_refused_for_what_they_are() {
    let Some(photos) = photos("reading the hostile files") else {
        return;
    };
    let refuse = |name: &str| {
        let bytes = std::fs::read(photos.join(name)).unwrap();
        decode(&bytes, &Limits::default())
            .map(|picture| (picture.width, picture.height))
            .unwrap_err()
    };
    let limit = Limits::default().max_pixels;
    for (name, width, height) in [
        ("280_megapixels.jpg", 20_000, 14_000),
        ("4_gigapixels.png", 65_536, 65_536),
        ("says_65535x65535.jpg", 65_535, 65_535),
        ("says_3000000x2000000.bmp", 3_000_000, 2_000_000),
    ] {
        let expected = DecodeError::TooLarge {
            width,
            height,
            limit,
        };
        assert_eq!(refuse(&format!("hostile/{name}")), expected, "{name}");
    }
    for (name, format) in [
        ("truncated.jpg", ImageFormat::Jpeg),
        ("truncated.png", ImageFormat::Png),
        ("corrupt_header.jpg", ImageFormat::Jpeg),
        // Says that it has 65535 x 66601 pixels, and has none at all.
        ("bomb.gif", ImageFormat::Gif),
    ] {
        assert_eq!(
            refuse(&format!("hostile/{name}")),
            DecodeError::truncated(format),
            "{name}"
        );
    }
    let error = refuse("hostile/bad_rle.bmp");
    assert!(
        matches!(
            error,
            DecodeError::Corrupt {
                format: ImageFormat::Bmp,
                ..
            }
        ),
        "{error}"
    );
    for (name, looks_like) in [("small.tif", "TIFF"), ("small.avif", "AVIF")] {
        let looks_like = Some(looks_like);
        let expected = DecodeError::UnsupportedFormat { looks_like };
        assert_eq!(refuse(&format!("other/{name}")), expected, "{name}");
    }
}

#[test]
fn a_bitmap_whose_pixels_leave_its_palette_decodes_or_is_refused_but_never_panics() {
    let Some(photos) = photos("reading a bitmap with a bad palette") else {
        return;
    };
    let bytes = std::fs::read(photos.join("hostile/bad_palette_index.bmp")).unwrap();
    if let Ok(picture) = decode(&bytes, &Limits::default()) {
        assert_eq!((picture.width, picture.height), (127, 64));
    }
}
