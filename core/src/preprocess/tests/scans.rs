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
fn apart(factors: [u8; 3], restart_interval: &[u8]) -> Vec<u8> {
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
    file.extend(restart_interval);
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
fn components_in_scans_of_their_own_decode_if_their_blocks_come_row_by_row() {
    for factors in [[0x11; 3], [0x21, 0x11, 0x11]] {
        let picture = decode(&apart(factors, &[]), &Limits::default()).unwrap();
        assert_eq!((picture.width, picture.height), SIZE);
        let places = (0..SIZE.1).flat_map(|y| (0..SIZE.0).map(move |x| (x, y)));
        let expected: Vec<u8> = places
            .flat_map(|(x, y)| {
                let [luma, blue, red] = components(x, y).map(f32::from);
                let (blue, red) = (blue - 128.0, red - 128.0);
                let green = luma - 0.344 * blue - 0.714 * red;
                [luma + 1.402 * red, green, luma + 1.772 * blue].map(|value| value.round() as u8)
            })
            .collect();
        let (largest, mean) = differences(&picture.pixels, &expected);
        assert!(
            largest <= 8 && mean < 2.0,
            "{factors:02X?}: {largest}, {mean}"
        );
    }
}

#[test]
fn components_in_scans_of_their_own_are_refused_where_the_decoder_would_mix_up_their_blocks() {
    let feature = "colour components in scans of their own";
    assert_unsupported(&apart([0x12, 0x11, 0x11], &[]), feature);
    assert_unsupported(&apart([0x22, 0x11, 0x11], &[]), feature);
    let never = [0xFF, 0xDD, 0, 4, 0xFF, 0xFF];
    assert_unsupported(&apart([0x11; 3], &never), feature);
    let mut colourless = apart([0x11; 3], &[]);
    let last = colourless.windows(2).rposition(|it| it == [0xFF, 0xDA]);
    colourless.drain(last.unwrap()..colourless.len() - 2);
    assert_unsupported(&colourless, feature);
    // Two in one scan, of which one has two blocks for each of the other's.
    let mut pair = apart([0x21, 0x11, 0x11], &[]);
    let scan = pair.windows(2).position(|it| it == [0xFF, 0xDA]).unwrap();
    pair.splice(
        scan..scan + 10,
        [0xFF, 0xDA, 0, 10, 2, 1, 0, 2, 0, 0, 63, 0],
    );
    assert_unsupported(&pair, feature);
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
