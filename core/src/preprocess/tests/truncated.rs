//! A file that ends early is refused, or lacked nothing of the image.

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
