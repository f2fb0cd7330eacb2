//! Every kind of file decodes to the right pixels.

use super::*;

#[test]
fn every_kind_of_file_decodes_to_the_pixels_it_was_made_of() {
    for fixture in images() {
        let picture = decode(&fixture.bytes(), &Limits::default())
            .unwrap_or_else(|error| panic!("{}: {error}", fixture.file));
        let size = (picture.width, picture.height);
        assert_eq!(size, (fixture.width, fixture.height), "{}", fixture.file);
        let (largest, mean) = differences(&picture.pixels, &fixture.rgb);
        assert!(
            largest <= fixture.tolerance && mean <= f64::from(fixture.tolerance) / 4.0,
            "{}: off by {largest} at most, {mean:.2} on average",
            fixture.file
        );
    }
}

#[test]
fn all_eight_orientations_decode_to_the_same_upright_picture() {
    let upright: Vec<Rgb8> = (1..=8)
        .map(|orientation| {
            let name = format!("images/orientation_{orientation}.jpg");
            let bytes = std::fs::read(fixtures().join(name)).unwrap();
            decode(&bytes, &Limits::default()).unwrap()
        })
        .collect();
    for (index, picture) in upright.iter().enumerate() {
        assert_eq!(
            (picture.width, picture.height),
            (21, 13),
            "orientation {}",
            index + 1
        );
        let (largest, mean) = differences(&picture.pixels, &upright[0].pixels);
        assert!(
            largest <= 8 && mean < 1.5,
            "orientation {}: {largest}, {mean}",
            index + 1
        );
    }
}

#[test]
fn a_png_is_turned_by_what_stands_behind_its_pixels_too() {
    for orientation in [5, 6] {
        let name = format!("images/orientation_{orientation}.png");
        let bytes = std::fs::read(fixtures().join(name)).unwrap();
        let at = |name: &[u8]| bytes.windows(4).position(|it| it == name).unwrap() - 4;
        let exif = at(b"eXIf");
        let length = u32::from_be_bytes(bytes[exif..exif + 4].try_into().unwrap());
        let behind = exif + length as usize + 12;
        let end = at(b"IEND");
        let moved = [
            &bytes[..exif],
            &bytes[behind..end],
            &bytes[exif..behind],
            &bytes[end..],
        ]
        .concat();
        assert_ne!(moved, bytes);
        let upright = decode(&bytes, &Limits::default()).unwrap();
        assert_eq!(decode(&moved, &Limits::default()).unwrap(), upright);
        assert_eq!((upright.width, upright.height), (21, 13));
        // A length that leads out of the file ends the search.
        let mut astray = moved.clone();
        let length = astray.len() - (bytes.len() - end) - (behind - exif);
        astray[length..length + 4].fill(0xFF);
        let stored = decode(&astray, &Limits::default()).unwrap();
        assert_eq!((stored.width, stored.height), (13, 21));
    }
}

#[test]
fn a_webp_or_png_is_turned_by_a_block_that_begins_as_in_a_jpeg() {
    const PREFIX: &[u8; 6] = b"Exif\0\0";
    for (name, chunk) in [
        ("orientation_5.webp", b"EXIF"),
        ("orientation_6.webp", b"EXIF"),
        ("orientation_6.png", b"eXIf"),
    ] {
        let plain = std::fs::read(fixtures().join("images").join(name)).unwrap();
        let at = plain.windows(4).position(|it| it == chunk).unwrap();
        let mut prefixed = plain.clone();
        // The lowest bytes of the lengths, none of which carries over.
        let (lengths, content) = match chunk {
            b"EXIF" => (vec![4, at + 4], at + 8),
            _ => (vec![at - 1], at + 4),
        };
        lengths.iter().for_each(|&low| prefixed[low] += 6);
        prefixed.splice(content..content, *PREFIX);
        let upright = decode(&plain, &Limits::default()).unwrap();
        assert_eq!((upright.width, upright.height), (21, 13));
        assert_eq!(decode(&prefixed, &Limits::default()), Ok(upright), "{name}");
    }
}

#[test]
fn a_bitmap_whose_pixels_are_all_transparent_is_opaque() {
    let (masked, rgb) = (bmp_with_alpha([0, 0]), vec![10, 20, 30, 40, 50, 60]);
    assert_eq!(decode(&masked, &Limits::default()).unwrap().pixels, rgb);
    let half = decode(&bmp_with_alpha([0, 255]), &Limits::default()).unwrap();
    assert_eq!(half.pixels, [255, 255, 255, 40, 50, 60]);
}

#[test]
fn an_image_of_one_pixel_decodes() {
    let picture = decode(&bmp(1, 1, &[[10, 20, 30]]), &Limits { max_pixels: 1 }).unwrap();
    assert_eq!(
        picture,
        Rgb8 {
            width: 1,
            height: 1,
            pixels: vec![10, 20, 30]
        }
    );
}

#[test]
fn an_image_of_just_the_limit_is_taken_and_of_one_pixel_more_refused() {
    for fixture in images() {
        let pixels = u64::from(fixture.width) * u64::from(fixture.height);
        assert!(decode(&fixture.bytes(), &Limits { max_pixels: pixels }).is_ok());
        let limit = pixels - 1;
        let error = decode(&fixture.bytes(), &Limits { max_pixels: limit }).unwrap_err();
        // An image's width and height may be the other way round before it is turned upright.
        let DecodeError::TooLarge {
            width,
            height,
            limit: said,
        } = error
        else {
            panic!("{}: {error}", fixture.file);
        };
        let sides = [width.min(height), width.max(height)];
        assert_eq!((sides, said), ([13, 21], limit), "{}", fixture.file);
    }
}

#[test]
fn a_picture_longer_than_any_jpeg_is_too_large() {
    let limits = Limits {
        max_pixels: 1_000_000,
    };
    let error = decode(&bmp(1, 70_000, &[[0; 3]]), &limits).unwrap_err();
    let (width, height) = (1, 70_000);
    assert_eq!(error, DecodeError::TooLong { width, height });
}

/// A bitmap of 24 bits, its rows running downwards. Rows are padded correctly only for widths of 2 or 3 modulo 4;
/// others get up to 4 bytes too many, which does no harm after a single row.
fn bmp(width: u32, height: u32, pixels: &[[u8; 3]]) -> Vec<u8> {
    let mut file = b"BM\0\0\0\0\0\0\0\0".to_vec();
    file.extend(54_u32.to_le_bytes());
    file.extend(40_u32.to_le_bytes());
    file.extend(width.to_le_bytes());
    file.extend((height as i32).wrapping_neg().to_le_bytes());
    file.extend([1, 0, 24, 0]);
    file.extend([0; 24]);
    for row in pixels.chunks(width as usize) {
        file.extend(row.iter().flat_map(|[r, g, b]| [b, g, r]));
        file.resize(
            file.len().next_multiple_of(4) + if file.len() % 4 == 2 { 0 } else { 2 },
            0,
        );
    }
    file
}

/// A bitmap of two 32-bit pixels, with a mask for their alpha (`BITMAPV4HEADER`).
fn bmp_with_alpha(alpha: [u8; 2]) -> Vec<u8> {
    const BITFIELDS: u32 = 3;
    let mut file = b"BM\0\0\0\0\0\0\0\0".to_vec();
    file.extend([14 + 108_u32, 108, 2, 1].map(u32::to_le_bytes).concat());
    file.extend([1, 0, 32, 0]);
    let masks = [0x00FF_0000, 0x0000_FF00, 0x0000_00FF, 0xFF00_0000];
    file.extend([BITFIELDS, 8, 0, 0, 0, 0].map(u32::to_le_bytes).concat());
    file.extend(masks.map(u32::to_le_bytes).concat());
    file.resize(14 + 108, 0);
    file.extend([30, 20, 10, alpha[0], 60, 50, 40, alpha[1]]);
    file
}
