//! JPEGs whose components are not as most have them: they decode to the right pixels or are refused.

use image::codecs::jpeg::JpegEncoder;
use image::{GrayImage, Luma};

use super::*;

const SIZE: (u32, u32) = (40, 24);

/// Brightness and the two colour differences at a place.
fn components(x: u32, y: u32) -> [u8; 3] {
    [60 + 3 * x + y, 90 + 2 * x, 160 - 3 * y].map(|value| value as u8)
}

/// A sequential JPEG that has each component in a scan of its own, as an image of one component has it.
fn apart(factors: [u8; 3]) -> Vec<u8> {
    let encoded = [0, 1, 2].map(|component| {
        let across = u32::from(factors[0] >> 4) / u32::from(factors[component] >> 4);
        let down = u32::from(factors[0] & 15) / u32::from(factors[component] & 15);
        let value = |x, y| Luma([components(across * x, down * y)[component]]);
        let plane = GrayImage::from_fn(SIZE.0 / across, SIZE.1 / down, value);
        let mut bytes = Vec::new();
        let encoder = JpegEncoder::new_with_quality(&mut bytes, 98);
        plane.write_with_encoder(encoder).unwrap();
        bytes
    });
    let at = |file: &[u8], marker| file.windows(2).position(|it| it == [0xFF, marker]).unwrap();
    let (frame, scan) = (at(&encoded[0], 0xC0), at(&encoded[0], 0xDA));
    let mut file = encoded[0][..frame].to_vec();
    file.extend([0xFF, 0xC0, 0, 17, 8, 0, SIZE.1 as u8, 0, SIZE.0 as u8, 3]);
    file.extend((1..).zip(factors).flat_map(|(id, it)| [id, it, 0]));
    file.extend(&encoded[0][frame + 13..scan]);
    for (id, plane) in (1..).zip(&encoded) {
        file.extend([0xFF, 0xDA, 0, 8, 1, id, 0, 0, 63, 0]);
        file.extend(&plane[at(plane, 0xDA) + 10..plane.len() - 2]);
    }
    file.extend([0xFF, 0xD9]);
    file
}

#[track_caller]
fn assert_unsupported(file: &[u8], feature: &str) {
    let error = decode(file, &Limits::default()).unwrap_err();
    let said = format!("the JPEG image cannot be decoded: not supported: {feature}");
    assert_eq!(error.to_string(), said);
}

#[test]
fn components_of_a_sequential_image_in_scans_of_their_own_are_refused() {
    let feature = "colour components in scans of their own";
    for factors in [
        [0x11; 3],
        [0x21, 0x11, 0x11],
        [0x12, 0x11, 0x11],
        [0x22, 0x11, 0x11],
    ] {
        assert_unsupported(&apart(factors), feature);
    }
}

#[test]
fn what_stands_behind_the_only_scan_of_a_sequential_image_is_not_read_as_part_of_it() {
    for name in ["444.jpg", "420.jpg", "grey.jpg", "restarts.jpg"] {
        let file = std::fs::read(fixtures().join("images").join(name)).unwrap();
        let plain = decode(&file, &Limits::default()).unwrap();
        let end = file.len() - 2;
        assert_eq!(file[end..], [0xFF, 0xD9]);
        let note = [0xFF, 0xFE, 0, 6, b'n', b'o', b't', b'e'];
        let noted = [&file[..end], &note, &file[end..]].concat();
        assert_eq!(decode(&noted, &Limits::default()).unwrap(), plain, "{name}");
    }
}

#[test]
fn what_other_decoders_pass_over_between_the_headers_is_passed_over_here() {
    for name in ["444.jpg", "progressive.jpg", "orientation_6.jpg"] {
        let file = std::fs::read(fixtures().join("images").join(name)).unwrap();
        let plain = decode(&file, &Limits::default()).unwrap();
        let table = file.windows(2).position(|it| it == [0xFF, 0xDB]).unwrap();
        // Zeros, as some programs fill up with; an Adobe segment cut short; a 0xFF that begins no marker.
        for stray in [&[0; 7][..], b"\xFF\xEE\0\x07Adobe", &[1, 2, 0xFF, 0, 3]] {
            let stray = [&file[..table], stray, &file[table..]].concat();
            assert_eq!(decode(&stray, &Limits::default()).unwrap(), plain, "{name}");
        }
    }
}

#[test]
fn a_second_exif_segment_does_not_take_the_place_of_the_first() {
    let file = std::fs::read(fixtures().join("images/orientation_6.jpg")).unwrap();
    let plain = decode(&file, &Limits::default()).unwrap();
    let table = file.windows(2).position(|it| it == [0xFF, 0xDB]).unwrap();
    let empty = b"\xFF\xE1\0\x16Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0";
    let second = [&file[..table], empty, &file[table..]].concat();
    assert_eq!(decode(&second, &Limits::default()).unwrap(), plain);
}

#[test]
fn a_colour_with_more_columns_than_the_brightness_is_refused_whatever_the_size() {
    for (name, kind) in [("444.jpg", 0xC0), ("progressive.jpg", 0xC2)] {
        let mut file = std::fs::read(fixtures().join("images").join(name)).unwrap();
        let frame = file.windows(2).position(|it| it == [0xFF, kind]).unwrap();
        for component in [1, 2] {
            let mut wide = file.clone();
            wide[frame + 11 + 3 * component] = 0x22;
            assert_unsupported(&wide, "colours with more columns than the brightness");
        }
        // All as wide as each other are as good as ever.
        for component in [0, 1, 2] {
            file[frame + 11 + 3 * component] = 0x11;
        }
        assert!(decode(&file, &Limits::default()).is_ok(), "{name}");
    }
}
