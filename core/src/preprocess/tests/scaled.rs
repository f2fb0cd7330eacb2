//! Photos that are scaled down while they are decoded give nearly what decoding them at full size gives.

use image::codecs::jpeg::JpegEncoder;
use image::imageops::{FilterType, resize};

use super::super::decode::{Extent, decode_enough};
use super::super::resize::Scaler;
use super::*;
use crate::manifest::{Filter, Preprocessing, Resize};
use crate::{Classifier, Model, Outputs, Runtime, Session, SessionOptions};

fn model_of(side: u32, resize: Resize) -> Preprocessing {
    Preprocessing {
        width: side,
        height: side,
        resize,
        filter: Filter::Bilinear,
        mean: [0.0; 3],
        std: [1.0; 3],
    }
}

#[test]
fn a_photo_turned_any_way_comes_out_as_if_it_were_decoded_whole() {
    let Some(photos) = photos("scaling the landscapes while they are decoded") else {
        return;
    };
    let limits = Limits::default();
    for orientation in 1..=8 {
        let path = photos.join(format!("orientation/landscape_{orientation}.jpg"));
        let bytes = std::fs::read(path).unwrap();
        let whole = decode(&bytes, &limits).unwrap();
        for shape in [Resize::Stretch, Resize::CentreCrop { shorter_side: 14 }] {
            let mut scaler = Scaler::new(&model_of(14, shape));
            // 600 x 450 pixels: at a quarter 150 x 112.5, at an eighth 75 x 56.25.
            for (enough, pixel) in [((150, 112), 4), ((75, 56), 8), ((151, 1), 1), ((1, 113), 1)] {
                let decoded = decode_enough(&bytes, limits, Some(enough)).unwrap();
                assert_eq!(decoded.extent.pixel, pixel, "{orientation} {enough:?}");
                let extent = decoded.extent;
                let scaled = scaler.scale(&decoded.image, extent).unwrap().to_vec();
                let long = scaler.scale(&whole, Extent::of(&whole)).unwrap();
                let (largest, mean) = differences(&scaled, long);
                assert!(
                    largest <= 16 && mean < 0.7,
                    "orientation {orientation}, {shape:?}, {pixel}: {largest}, {mean}"
                );
            }
        }
    }
}

#[test]
fn what_is_not_far_larger_than_the_model_is_decoded_bit_for_bit_as_ever() {
    let Some(photos) = photos("decoding photos of about the model's size") else {
        return;
    };
    let limits = Limits::default();
    // 2048 x 1536 pixels, a quarter of which is two and a half times 153.6.
    let camera = photos.join("large/camera_2048x1536_rotated.jpg");
    let bytes = std::fs::read(camera).unwrap();
    let pixel = |side| {
        let enough = Scaler::new(&model_of(side, Resize::Stretch)).enough();
        let decoded = decode_enough(&bytes, limits, Some(enough)).unwrap();
        decoded.extent.pixel
    };
    assert_eq!([pixel(153), pixel(154)], [4, 1]);
    // With a small model's input, the same holds for what has fewer than 256 pixels at a quarter.
    let mut small = Preprocessor::new(&model_of(8, Resize::Stretch));
    for entry in std::fs::read_dir(photos.join("id")).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        let whole = small.resize(&decode(&bytes, &limits).unwrap()).unwrap();
        assert!(
            small.decode(&bytes, &limits).unwrap() == whole,
            "{}",
            path.display()
        );
    }
}

#[test]
fn a_damaged_photo_is_refused_as_it_is_without_scaling() {
    let Some(photos) = photos("damaging photos that would be scaled") else {
        return;
    };
    let bytes = std::fs::read(photos.join("ood/corkscrew.jpg")).unwrap();
    let limits = Limits::default();
    let mut preprocessor = Preprocessor::new(&model_of(32, Resize::Stretch));
    assert_eq!(preprocessor.decode(&bytes, &limits).unwrap().width, 32);
    let mut refused = 0;
    for at in (1_000..bytes.len()).step_by(bytes.len() / 30) {
        let mut damaged = bytes.clone();
        damaged[at..at + 2].copy_from_slice(&[0xFF, 0xC7]);
        let quick = preprocessor.decode(&damaged, &limits).err();
        assert_eq!(quick, decode(&damaged, &limits).err(), "at {at}");
        refused += usize::from(quick.is_some());
        assert_eq!(
            preprocessor.decode(&bytes[..at], &limits),
            Err(DecodeError::truncated(ImageFormat::Jpeg))
        );
    }
    assert!(refused > 25, "{refused}");
}

/// Computes the shipped model's score of an image.
struct Scorer {
    session: Session,
    classifier: Classifier,
    preprocessor: Preprocessor,
}

impl Scorer {
    fn score(&mut self, picture: &Rgb8) -> f64 {
        let mut tensor = vec![0.0; self.preprocessor.tensor_len()];
        let mut outputs = Outputs::default();
        self.preprocessor
            .write_tensor(picture, &mut tensor)
            .unwrap();
        self.session.run(&tensor, 1, &mut outputs).unwrap();
        let answer = self
            .classifier
            .classify(&outputs.logits, &outputs.representation);
        answer.unwrap().score.into()
    }
}

fn standard_deviation(scores: &[f32]) -> f64 {
    let count = scores.len() as f64;
    let mean = scores.iter().map(|&score| f64::from(score)).sum::<f64>() / count;
    let squares = scores
        .iter()
        .map(|&score| (f64::from(score) - mean).powi(2));
    (squares.sum::<f64>() / count).sqrt()
}

/// All photos at hand: those large enough as they are, the small ones enlarged.
fn large_photos(photos: &Path) -> Vec<(String, Vec<u8>)> {
    let mut large = Vec::new();
    for folder in ["id", "ood", "large", "jpeg"] {
        for entry in std::fs::read_dir(photos.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let bytes = std::fs::read(&path).unwrap();
            if sniff(&bytes) != Some(ImageFormat::Jpeg) || bytes.len() > 1_195_000 {
                continue;
            }
            let picture = decode(&bytes, &Limits::default()).unwrap();
            let name = path.display().to_string();
            if picture.width.min(picture.height) >= 1024 {
                large.push((name, bytes));
                continue;
            }
            // Large enough for an eighth, or for a quarter.
            let side = if folder == "ood" { 2100_u32 } else { 1100 };
            let times = side.div_ceil(picture.width.min(picture.height));
            let (width, height) = (times * picture.width, times * picture.height);
            let picture =
                image::RgbImage::from_raw(picture.width, picture.height, picture.pixels).unwrap();
            let picture = resize(&picture, width, height, FilterType::CatmullRom);
            let mut bytes = Vec::new();
            let mut encoder = JpegEncoder::new_with_quality(&mut bytes, 92);
            encoder.encode_image(&picture).unwrap();
            large.push((name, bytes));
        }
    }
    large
}

#[test]
fn scaling_while_decoding_moves_scores_by_less_than_a_hundredth_of_their_spread_on_average() {
    let Some(photos) = photos("scoring large photos both ways") else {
        return;
    };
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/cifar10-lt.onnx");
    let model = Model::open(&path).unwrap();
    let calibration = model.manifest().calibration.clone().unwrap();
    let spread = standard_deviation(&calibration.scores);
    let runtime = Runtime::load(None).unwrap();
    let mut scorer = Scorer {
        session: Session::new(&runtime, &model, &SessionOptions::default()).unwrap(),
        classifier: Classifier::new(&model).unwrap(),
        preprocessor: Preprocessor::new(&model.manifest().preprocessing),
    };
    let mut moved = Vec::new();
    for (name, bytes) in large_photos(&photos) {
        let long = decode(&bytes, &Limits::default()).unwrap();
        let long = scorer.preprocessor.resize(&long).unwrap();
        let quick = scorer.preprocessor.decode(&bytes, &Limits::default());
        let quick = quick.unwrap();
        if quick == long {
            continue;
        }
        let by = (scorer.score(&quick) - scorer.score(&long)).abs() / spread;
        // No photo's score may move much; what moves it is mostly which way a last bit is rounded.
        assert!(by < 0.05, "{name}: {by}");
        moved.push(by);
    }
    assert!(moved.len() > 20, "{} photos", moved.len());
    let mean = moved.iter().sum::<f64>() / moved.len() as f64;
    assert!(mean < 0.01, "{mean}");
}
