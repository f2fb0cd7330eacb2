//! A file that ends early is refused, or lacked nothing of the image.

use image::codecs::jpeg::JpegEncoder;
use image::{Rgb, RgbImage};

use super::super::decode::decode_enough;
use super::*;

#[test]
fn a_file_cut_at_any_byte_is_refused_or_still_gives_the_whole_picture() {
    let mut refused = 0;
    for fixture in images() {
        let bytes = fixture.bytes();
        let whole = decode(&bytes, &Limits::default()).unwrap();
        for length in 0..bytes.len() {
            match decode(&bytes[..length], &Limits::default()) {
                Ok(picture) => assert_eq!(picture, whole, "{} at {length}", fixture.file),
                Err(error) => {
                    refused += 1;
                    assert_names_what_is_wrong(&error, &fixture.file, length);
                }
            }
        }
    }
    assert!(refused > 10_000, "{refused}");
}

#[test]
fn a_truncated_jpeg_is_refused_with_its_format() {
    let bytes = std::fs::read(fixtures().join("images/420.jpg")).unwrap();
    // Without the last two bytes only the end marker is missing; but nobody can know that nothing else is.
    for missing in [2, 3, 20, 100] {
        let error = decode(&bytes[..bytes.len() - missing], &Limits::default()).unwrap_err();
        assert_eq!(
            error,
            DecodeError::truncated(ImageFormat::Jpeg),
            "{missing} bytes missing"
        );
        assert!(error.to_string().contains("JPEG"), "{error}");
    }
}

/// A JPEG cut at a byte of its data, and with an end marker.
fn cut(bytes: &[u8], at: usize) -> Vec<u8> {
    // A 0xFF before it would make the end marker one of two bytes and a filler.
    let kept = bytes[..at].strip_suffix(&[0xFF]).unwrap_or(&bytes[..at]);
    [kept, &[0xFF, 0xD9]].concat()
}

#[test]
fn a_jpeg_that_lacks_data_before_its_end_marker_is_refused() {
    for name in [
        "444.jpg",
        "422.jpg",
        "420.jpg",
        "grey.jpg",
        "restarts.jpg",
        "cmyk.jpg",
        "adobe_rgb.jpg",
    ] {
        let bytes = std::fs::read(fixtures().join("images").join(name)).unwrap();
        for at in data(&bytes) {
            let found = decode(&cut(&bytes, at), &Limits::default());
            let expected = Err(DecodeError::truncated(ImageFormat::Jpeg));
            assert_eq!(found, expected, "{name} at {at} of {}", bytes.len());
        }
    }
    for name in ["progressive.jpg", "progressive_420.jpg"] {
        let bytes = std::fs::read(fixtures().join("images").join(name)).unwrap();
        let first = data(&bytes);
        let next = bytes[first.start..]
            .windows(2)
            .position(|it| it == [0xFF, 0xDA]);
        for at in first.start..first.start + next.unwrap() {
            let found = decode(&cut(&bytes, at), &Limits::default());
            assert!(found.is_err(), "{name} at {at}");
        }
    }
}

#[test]
fn a_photo_that_lacks_data_before_its_end_marker_is_refused_whether_it_is_scaled_or_not() {
    let limits = Limits::default();
    let cat = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/images/cat.jpg");
    let picture = RgbImage::from_fn(1100, 1030, |x, y| {
        Rgb([x / 5, (x ^ y) & 0xFF, y / 5].map(|value| value as u8))
    });
    let mut encoded = Vec::new();
    let encoder = JpegEncoder::new_with_quality(&mut encoded, 90);
    picture.write_with_encoder(encoder).unwrap();
    for (bytes, pixel) in [(std::fs::read(cat).unwrap(), 1), (encoded, 4)] {
        let decode = |bytes: &[u8]| decode_enough(bytes, limits, Some((256, 256)));
        assert_eq!(decode(&bytes).unwrap().extent.pixel, pixel);
        let data = data(&bytes);
        for tenths in 1..10 {
            let cut = cut(&bytes, data.start + data.len() * tenths / 10);
            let error = decode(&cut).err();
            let expected = Some(DecodeError::truncated(ImageFormat::Jpeg));
            assert_eq!(error, expected, "{tenths} tenths, {pixel}");
        }
    }
}

#[test]
fn what_a_jpeg_has_between_its_data_and_its_end_marker_does_no_harm() {
    for fixture in images().iter().filter(|it| it.file.ends_with("jpg")) {
        let bytes = fixture.bytes();
        let whole = decode(&bytes, &Limits::default());
        let end = bytes.len() - 2;
        for more in [&[0; 3][..], &[0xFF], &[0xFF, 0], &[0x55; 40]] {
            let longer = [&bytes[..end], more, &bytes[end..], b"and a trailer"].concat();
            let found = decode(&longer, &Limits::default());
            assert_eq!(found, whole, "{} {more:?}", fixture.file);
        }
    }
}

/// Where the data of the first scan begins, and the file's end marker.
fn data(bytes: &[u8]) -> std::ops::Range<usize> {
    let scan = bytes.windows(2).position(|it| it == [0xFF, 0xDA]).unwrap();
    assert!(bytes.ends_with(&[0xFF, 0xD9]));
    scan + 2 + usize::from(bytes[scan + 3])..bytes.len() - 2
}

#[test]
fn real_photos_cut_short_are_refused_or_still_give_the_whole_picture() {
    let Some(photos) = photos("cutting real photos short") else {
        return;
    };
    for folder in ["jpeg", "png", "webp", "gif", "bmp", "id"] {
        for entry in std::fs::read_dir(photos.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let bytes = std::fs::read(&path).unwrap();
            if bytes.len() > 180_000 {
                continue;
            }
            let name = path.display().to_string();
            let whole = decode(&bytes, &Limits::default()).unwrap();
            let lengths = (1..=24)
                .map(|i| bytes.len() * i / 25)
                .chain(bytes.len() - 8..bytes.len());
            for length in lengths {
                match decode(&bytes[..length], &Limits::default()) {
                    Ok(picture) => {
                        assert!(picture == whole, "{name} at {length} of {}", bytes.len())
                    }
                    Err(error) => assert_names_what_is_wrong(&error, &name, length),
                }
            }
        }
    }
}

fn assert_names_what_is_wrong(error: &DecodeError, file: &str, length: usize) {
    let expected = match error {
        DecodeError::Empty => length == 0,
        // Too short to be recognised.
        DecodeError::UnsupportedFormat { .. } => length < 18,
        DecodeError::Corrupt { .. } => true,
        DecodeError::UnsupportedFeature { .. }
        | DecodeError::TooLarge { .. }
        | DecodeError::TooLong { .. } => false,
    };
    assert!(expected, "{file} at {length}: {error}");
}
