//! Against the complete decoder, whose images are averaged to the same size.

use std::path::Path;

use image::codecs::jpeg::JpegEncoder;
use image::imageops::crop_imm;
use image::{DynamicImage, Rgb};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use super::*;
use crate::preprocess::{Limits, Rgb8, decode as decode_whole};

fn fixture(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/images");
    std::fs::read(folder.join(name)).unwrap()
}

fn whole(bytes: &[u8]) -> RgbImage {
    let Rgb8 {
        width,
        height,
        pixels,
    } = decode_whole(bytes, &Limits::default()).unwrap();
    RgbImage::from_raw(width, height, pixels).unwrap()
}

/// The mean difference from the complete image, over the pixels that are completely within it.
fn mean_difference(scaled: &RgbImage, whole: &RgbImage, pixel: u32) -> f64 {
    let (columns, rows) = (whole.width() / pixel, whole.height() / pixel);
    let mut sum = 0.0;
    for (x, y) in (0..rows).flat_map(|y| (0..columns).map(move |x| (x, y))) {
        let square = crop_imm(whole, x * pixel, y * pixel, pixel, pixel).to_image();
        for channel in 0..3 {
            let values = square.pixels().map(|pixel| f64::from(pixel[channel]));
            let mean = values.sum::<f64>() / f64::from(pixel * pixel);
            sum += (mean - f64::from(scaled.get_pixel(x, y)[channel])).abs();
        }
    }
    sum / f64::from(3 * columns * rows)
}

#[test]
fn every_ordinary_kind_of_file_gives_its_picture_made_smaller() {
    // Colours that are coded with fewer pixels are spread out less smoothly here.
    for (name, most) in [
        ("444.jpg", 2.0),
        ("422.jpg", 8.0),
        ("420.jpg", 8.0),
        ("grey.jpg", 2.0),
        ("restarts.jpg", 2.0),
    ] {
        let bytes = fixture(name);
        for (eighths, most) in [(1, most), (2, 2.0 * most)] {
            let pixel = 8 / eighths;
            let scaled = decode(&bytes, eighths as usize).unwrap();
            let size = (21_u32.div_ceil(pixel), 13_u32.div_ceil(pixel));
            assert_eq!(scaled.dimensions(), size, "{name}");
            let mean = mean_difference(&scaled, &whole(&bytes), pixel);
            assert!(mean < most, "{name} at {eighths}/8: {mean}");
        }
    }
}

#[test]
fn what_lies_in_the_last_blocks_beyond_the_image_is_not_in_its_pixels() {
    // A white image of eight times eight blocks, black from row and column 57 on, and cut there without a new encoding.
    let white = |side: u32| side < 57;
    let picture = RgbImage::from_fn(64, 64, |x, y| {
        Rgb([if white(x) && white(y) { 255 } else { 0 }; 3])
    });
    let mut cropped = Vec::new();
    let encoder = JpegEncoder::new_with_quality(&mut cropped, 95);
    picture.write_with_encoder(encoder).unwrap();
    let frame = cropped
        .windows(2)
        .position(|it| it == [0xFF, 0xC0])
        .unwrap();
    (cropped[frame + 6], cropped[frame + 8]) = (57, 57);
    let scaled = decode(&cropped, 1).unwrap();
    assert_eq!(scaled.dimensions(), (8, 8));
    assert!(scaled.iter().all(|value| *value > 250), "{scaled:?}");
}

#[test]
fn a_photo_whose_scan_comes_in_many_pieces_is_the_same_picture() {
    let mut random = Pcg64Mcg::seed_from_u64(4);
    let noise = RgbImage::from_fn(500, 300, |_, _| Rgb(random.random()));
    for picture in [
        DynamicImage::from(noise.clone()),
        DynamicImage::from(noise).grayscale(),
    ] {
        let mut bytes = Vec::new();
        let encoder = JpegEncoder::new_with_quality(&mut bytes, 98);
        picture.write_with_encoder(encoder).unwrap();
        assert!(bytes.len() > 2 * scan::PIECE, "{}", bytes.len());
        let whole = whole(&bytes);
        // For noise, the lowest frequencies are not quite the means; another image's would differ by nearly three
        // times as much.
        for (eighths, most) in [(1, 2.0), (2, 8.0), (4, 16.0)] {
            let scaled = decode(&bytes, eighths).unwrap();
            let mean = mean_difference(&scaled, &whole, 8 / eighths as u32);
            assert!(mean < most, "{eighths}/8: {mean}");
        }
    }
}

/// Copies of an image below one another, each an interval between restart markers, which makes each independent of
/// those before.
fn stacked(bytes: &[u8], mcu_rows: u16, mcu_height: u16, interval: u16, times: u16) -> Vec<u8> {
    let (mut stack, mut rest) = (bytes[..2].to_vec(), &bytes[2..]);
    loop {
        let segment = 2 + usize::from(u16::from_be_bytes([rest[2], rest[3]]));
        let mut head = rest[..segment].to_vec();
        rest = &rest[segment..];
        match head[1] {
            0xC0 => head[5..7].copy_from_slice(&(times * mcu_rows * mcu_height).to_be_bytes()),
            0xDA => {
                stack.extend([0xFF, 0xDD, 0, 4]);
                stack.extend(interval.to_be_bytes());
                stack.extend(head);
                break;
            }
            _ => {}
        }
        stack.extend(head);
    }
    let scan = rest.strip_suffix(&[0xFF, 0xD9]).unwrap();
    for number in 0..times {
        stack.extend(scan);
        stack.extend([
            0xFF,
            if number + 1 == times {
                0xD9
            } else {
                0xD0 + (number % 8) as u8
            },
        ]);
    }
    stack
}

#[test]
fn a_scan_in_many_pieces_may_have_restart_markers_and_colours_coded_with_fewer_pixels() {
    let mut random = Pcg64Mcg::seed_from_u64(5);
    // One interval is longer than a piece.
    let noise = RgbImage::from_fn(4000, 8, |_, _| Rgb(random.random()));
    let mut wide = Vec::new();
    let encoder = JpegEncoder::new_with_quality(&mut wide, 98);
    noise.write_with_encoder(encoder).unwrap();
    assert!(wide.len() > scan::PIECE, "{}", wide.len());
    // The fixtures have 21 x 13 pixels, which take 2 x 1, 2 x 2 and 3 x 2 MCUs.
    for (bytes, mcu_rows, mcu_height, interval, times) in [
        (wide, 1, 8, 500, 3),
        (fixture("420.jpg"), 1, 16, 2, 900),
        (fixture("422.jpg"), 2, 8, 4, 900),
        (fixture("444.jpg"), 2, 8, 6, 900),
    ] {
        let stack = stacked(&bytes, mcu_rows, mcu_height, interval, times);
        assert!(stack.len() > 2 * scan::PIECE, "{}", stack.len());
        let every = usize::from(mcu_rows * mcu_height);
        assert_eq!(whole(&stack).height() as usize, usize::from(times) * every);
        for eighths in [1, 2, 4] {
            let one = decode(&bytes, eighths).unwrap();
            let all = decode(&stack, eighths).unwrap();
            let bytes_each = 3 * one.width() as usize * every * eighths / 8;
            // A last row that lies only in part within the image is a copy of the one before.
            let complete = whole(&bytes).height() as usize * eighths / 8;
            let complete = &one.as_raw()[..3 * one.width() as usize * complete];
            let copies = all.as_raw().chunks(bytes_each);
            assert_eq!(copies.len(), usize::from(times));
            for (number, copy) in copies.enumerate() {
                assert!(copy.starts_with(complete), "{number} at {eighths}/8");
            }
        }
    }
}

#[test]
fn what_is_out_of_the_ordinary_is_left_to_the_complete_decoder() {
    for name in [
        "progressive.jpg",
        "progressive_420.jpg",
        "cmyk.jpg",
        "rgb.png",
    ] {
        assert_eq!(decode(&fixture(name), 1), None, "{name}");
    }
}

#[test]
fn a_file_cut_short_gives_no_picture() {
    for name in ["420.jpg", "grey.jpg", "restarts.jpg"] {
        let bytes = fixture(name);
        for length in 0..bytes.len() {
            assert_eq!(decode(&bytes[..length], 2), None, "{name} at {length}");
        }
    }
}

#[test]
fn of_a_damaged_file_nothing_is_taken_that_the_complete_decoder_refuses() {
    let mut random = Pcg64Mcg::seed_from_u64(9);
    let (mut taken, mut left) = (0, 0);
    for name in ["444.jpg", "422.jpg", "420.jpg", "grey.jpg", "restarts.jpg"] {
        let bytes = fixture(name);
        for _ in 0..4_000 {
            let mut mutant = bytes.clone();
            for _ in 0..random.random_range(1..=3) {
                let at = random.random_range(0..mutant.len());
                mutant[at] = random.random();
            }
            let Some(scaled) = decode(&mutant, 1) else {
                left += 1;
                continue;
            };
            taken += 1;
            let whole = decode_whole(&mutant, &Limits::default());
            let whole = whole.unwrap_or_else(|error| panic!("{name}: {error} {mutant:02X?}"));
            let size = (whole.width.div_ceil(8), whole.height.div_ceil(8));
            assert_eq!(scaled.dimensions(), size, "{name}");
        }
    }
    assert!(taken > 1000 && left > 1000, "{taken} taken, {left} left");
}
