//! Resizing as Pillow does it, and normalising.

use super::*;
use crate::manifest::{Filter, Preprocessing, Resize};

#[derive(Deserialize)]
struct Resized {
    width: u32,
    height: u32,
    size: u32,
    shorter_side: Option<u32>,
    filter: Filter,
    #[serde(deserialize_with = "from_hex")]
    rgb: Vec<u8>,
}

fn preprocessing(size: u32, resize: Resize, filter: Filter) -> Preprocessing {
    let (mean, std) = ([0.0; 3], [1.0; 3]);
    Preprocessing {
        width: size,
        height: size,
        resize,
        filter,
        mean,
        std,
    }
}

/// The same formula as in `tests/fixtures/resize.py`.
fn source(width: u32, height: u32) -> Rgb8 {
    let pixel = |x: u32, y: u32, channel: u32| match () {
        () if y < height / 4 => 255,
        () if x < width / 3 => 0,
        () => ((x * x * 7 + y * 13 + x * y * 3 + channel * 85) % 256) as u8,
    };
    let pixels = (0..height)
        .flat_map(|y| (0..width).flat_map(move |x| [0, 1, 2].map(|channel| pixel(x, y, channel))))
        .collect();
    Rgb8 {
        width,
        height,
        pixels,
    }
}

#[test]
fn every_filter_and_shape_agrees_with_pillow() {
    for case in read_json::<Vec<Resized>>("resize.json") {
        let resize = case
            .shorter_side
            .map_or(Resize::Stretch, |shorter_side| Resize::CentreCrop {
                shorter_side,
            });
        let mut preprocessor = Preprocessor::new(&preprocessing(case.size, resize, case.filter));
        let resized = preprocessor
            .resize(&source(case.width, case.height))
            .unwrap();
        assert_eq!((resized.width, resized.height), (case.size, case.size));
        let (largest, mean) = differences(&resized.pixels, &case.rgb);
        let what = format!(
            "{}x{} {resize:?} {:?}",
            case.width, case.height, case.filter
        );
        assert!(
            largest <= 1 && mean <= 0.5,
            "{what}: off by {largest} at most, {mean} on average"
        );
    }
}

#[test]
fn an_image_of_the_models_size_is_normalised_and_nothing_else_where_nothing_is_cut_off() {
    let image = source(32, 32);
    for resize in [Resize::Stretch, Resize::CentreCrop { shorter_side: 32 }] {
        let mut preprocessing = preprocessing(32, resize, Filter::Lanczos3);
        preprocessing.mean = [0.485, 0.456, 0.406];
        preprocessing.std = [0.229, 0.224, 0.225];
        let mut preprocessor = Preprocessor::new(&preprocessing);
        assert_eq!(preprocessor.resize(&image).unwrap(), image);
        let mut tensor = vec![f32::NAN; preprocessor.tensor_len()];
        preprocessor.write_tensor(&image, &mut tensor).unwrap();
        for (index, value) in tensor.iter().enumerate() {
            let (channel, place) = (index / 1024, index % 1024);
            let byte = f32::from(image.pixels[3 * place + channel]);
            let expected =
                (byte / 255.0 - preprocessing.mean[channel]) / preprocessing.std[channel];
            assert_eq!(*value, expected);
        }
    }
}

#[test]
fn a_centre_that_needs_no_scaling_is_cut_out_unchanged() {
    let crop = Resize::CentreCrop { shorter_side: 32 };
    for filter in [
        Filter::Box,
        Filter::Bilinear,
        Filter::CatmullRom,
        Filter::Lanczos3,
    ] {
        // Odd surpluses too: half a pixel would mean resampling.
        for (width, left) in [(40, 4), (41, 4), (33, 0)] {
            let image = source(width, 32);
            let mut preprocessor = Preprocessor::new(&preprocessing(32, crop, filter));
            let resized = preprocessor.resize(&image).unwrap();
            for y in 0..32 {
                let row = 3 * (y * width as usize + left);
                let cut = &resized.pixels[96 * y..96 * (y + 1)];
                assert_eq!(
                    cut,
                    &image.pixels[row..row + 96],
                    "{filter:?}, width {width}"
                );
            }
        }
    }
}

#[test]
fn width_and_height_may_differ() {
    let mut preprocessing = preprocessing(24, Resize::Stretch, Filter::Bilinear);
    preprocessing.height = 10;
    let mut preprocessor = Preprocessor::new(&preprocessing);
    assert_eq!(preprocessor.tensor_len(), 720);
    let resized = preprocessor.resize(&source(50, 50)).unwrap();
    assert_eq!(
        (resized.width, resized.height, resized.pixels.len()),
        (24, 10, 720)
    );
}

#[test]
fn every_shape_of_image_can_be_brought_to_the_model() {
    for resize in [
        Resize::Stretch,
        Resize::CentreCrop { shorter_side: 7 },
        Resize::CentreCrop { shorter_side: 9 },
    ] {
        let mut preprocessor = Preprocessor::new(&preprocessing(7, resize, Filter::Lanczos3));
        for (width, height) in [
            (1, 1),
            (1, 4000),
            (4000, 1),
            (2, 3),
            (7, 6),
            (6, 7),
            (999, 1001),
        ] {
            let image = Rgb8 {
                width,
                height,
                pixels: vec![77; 3 * (width * height) as usize],
            };
            let resized = preprocessor.resize(&image).unwrap();
            assert_eq!(resized.pixels, [77; 147], "{width}x{height} {resize:?}");
        }
    }
}

#[test]
fn buffers_that_are_used_again_hold_nothing_of_the_image_before() {
    let preprocessing = preprocessing(16, Resize::Stretch, Filter::CatmullRom);
    let mut used = Preprocessor::new(&preprocessing);
    for (width, height) in [(300, 200), (5, 5), (16, 16), (64, 48), (17, 90)] {
        let image = source(width, height);
        let fresh = Preprocessor::new(&preprocessing).resize(&image).unwrap();
        assert_eq!(used.resize(&image).unwrap(), fresh);
    }
}

#[test]
fn pictures_and_outputs_of_the_wrong_length_are_refused() {
    let mut preprocessor = Preprocessor::new(&preprocessing(8, Resize::Stretch, Filter::Box));
    for (width, height, bytes) in [
        (0, 5, 0),
        (5, 0, 0),
        (4, 4, 47),
        (4, 4, 49),
        (u32::MAX, u32::MAX, 3),
    ] {
        let image = Rgb8 {
            width,
            height,
            pixels: vec![0; bytes],
        };
        let expected = PreprocessError::NotAPicture {
            width,
            height,
            bytes,
        };
        assert_eq!(preprocessor.resize(&image), Err(expected));
    }
    let image = source(9, 8);
    let other = PreprocessError::NotAPicture {
        width: 9,
        height: 8,
        bytes: 216,
    };
    assert_eq!(
        preprocessor.write_tensor(&image, &mut [0.0; 192]),
        Err(other)
    );
    let image = source(8, 8);
    for found in [0, 191, 193] {
        let error = preprocessor
            .write_tensor(&image, &mut vec![0.0; found])
            .unwrap_err();
        assert_eq!(
            error,
            PreprocessError::OutputLength {
                expected: 192,
                found
            }
        );
    }
}

#[test]
fn slivers_are_scaled_the_shorter_way_and_look_the_same() {
    let length = 200_000;
    // Steadily brighter from one end to the other.
    let pixels: Vec<u8> = (0..length)
        .flat_map(|at| [(at * 255 / length) as u8; 3])
        .collect();
    let stretch = preprocessing(8, Resize::Stretch, Filter::Bilinear);
    let scaled = |width, height| {
        let pixels = pixels.clone();
        let image = Rgb8 {
            width,
            height,
            pixels,
        };
        let resized = Preprocessor::new(&stretch).resize(&image).unwrap();
        resized.pixels.as_chunks::<3>().0.to_vec()
    };
    let (wide, tall) = (scaled(length, 1), scaled(1, length));
    for (index, pixel) in wide.iter().enumerate() {
        assert_eq!(*pixel, wide[index % 8]);
        assert_eq!(*pixel, tall[index % 8 * 8 + index / 8]);
    }
    assert!(wide[0] < [40; 3] && wide[7] > [215; 3]);
}
