//! From a stream's image, in memory or in a file, to the square of bytes that is then augmented.

use std::borrow::Cow;

use normgate_core::manifest::{Filter, Preprocessing, Resize};
use normgate_core::preprocess::{PreprocessError, Preprocessor, Rgb8};
use normgate_evaluation::datasets::{DatasetError, ImageSet, decode_file};
use rand::RngExt;
use rand_pcg::Pcg64Mcg;

use crate::augment::{Crop, Rectangle};
use crate::batches::Stream;

/// Crops so small that they show parts of things and plain surfaces, but none of the classes any more: the RNA paper
/// uses them instead of auxiliary images ("Aug. ID", Sec. 6.3.4, T7).
const SMALL: Part = Part::Drawn(0.05, 0.25);

/// Which part of each image is shown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Part {
    /// The square in the centre: the whole of an image in memory.
    Whole,
    /// A part drawn at random; the least and the greatest share of the image's area that it may have.
    Drawn(f64, f64),
}

impl Part {
    /// What a way of cropping shows of training images, or, if they are to be auxiliary images too (`crops`), 5 to
    /// 25 % of their area.
    #[must_use]
    pub fn of(crop: Crop, crops: bool) -> Self {
        match (crop, crops) {
            (Crop::Padded, false) => Part::Whole,
            (Crop::Resized, false) => Part::Drawn(0.2, 1.0),
            (_, true) => SMALL,
        }
    }
}

/// Shows images. It owns its buffers, so each thread has one.
pub struct Pictures {
    scaler: Preprocessor,
}

impl Pictures {
    /// For sets with images of the same size as this one's.
    #[must_use]
    pub fn new(like: &ImageSet) -> Self {
        Self {
            scaler: Preprocessor::new(&Preprocessing {
                width: like.width as u32,
                height: like.height as u32,
                resize: Resize::Stretch,
                filter: Filter::Bilinear,
                mean: [0.0; 3],
                std: [1.0; 3],
            }),
        }
    }

    /// Image `index` of a stream, or a part of it, at the stream's size (HWC bytes).
    ///
    /// # Errors
    ///
    /// [`DatasetError`], naming the file that cannot be read.
    pub fn show<'a>(
        &mut self,
        stream: &'a Stream,
        index: usize,
        random: &mut Pcg64Mcg,
    ) -> Result<Cow<'a, [u8]>, DatasetError> {
        let set = &stream.images;
        let (picture, path) = match (set.files.get(index), stream.part) {
            (None, Part::Whole) => return Ok(Cow::Borrowed(set.image(index))),
            (None, Part::Drawn(..)) => (in_memory(set, index), None),
            (Some(path), _) => (decode_file(path)?, Some(path)),
        };
        let size = (picture.width, picture.height);
        let part = match stream.part {
            Part::Whole => Rectangle::square(size),
            Part::Drawn(least, most) => {
                Rectangle::draw(size, (least, most), || random.random::<f64>())
            }
        };
        let shown = self.scaler.resize(&part.cut(&picture));
        let unsuitable = |error: PreprocessError| match path {
            Some(path) => DatasetError::BrokenImage {
                path: path.clone(),
                reason: error.to_string(),
            },
            None => DatasetError::Unsuitable {
                set: set.name.clone(),
                reason: format!("image {index}: {error}"),
            },
        };
        Ok(Cow::Owned(shown.map_err(unsuitable)?.pixels))
    }
}

fn in_memory(set: &ImageSet, index: usize) -> Rgb8 {
    Rgb8 {
        width: set.width as u32,
        height: set.height as u32,
        pixels: set.image(index).to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An image of 60×40 pixels in a file, and one of 20×20 in memory; red is the column, green the row.
    fn streams(part: Part) -> (tempfile::TempDir, [Stream; 2]) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("1.png");
        let picture = image::RgbImage::from_fn(60, 40, |x, y| image::Rgb([x as u8, y as u8, 7]));
        picture.save(&path).unwrap();
        let files = ImageSet {
            width: 20,
            height: 20,
            files: vec![path],
            labels: vec![None],
            ..ImageSet::default()
        };
        let places = (0..20).flat_map(|y| (0..20).map(move |x| [x, y, 7]));
        let memory = ImageSet {
            files: Vec::new(),
            pixels: places.flatten().collect(),
            ..files.clone()
        };
        let stream = |images| Stream {
            images,
            per_step: 1,
            part,
        };
        (folder, [stream(files), stream(memory)])
    }

    /// Least and most of red and green.
    fn reach(shown: &[u8]) -> [u8; 4] {
        let values = |channel| shown.iter().skip(channel).step_by(3).copied();
        let ends = |channel| {
            [
                values(channel).min().unwrap(),
                values(channel).max().unwrap(),
            ]
        };
        let ([left, right], [top, bottom]) = (ends(0), ends(1));
        [left, right, top, bottom]
    }

    #[test]
    fn the_whole_of_a_file_is_its_centre_square() {
        let (_folder, [file, memory]) = streams(Part::Whole);
        let mut random = Pcg64Mcg::new(0);
        let mut pictures = Pictures::new(&file.images);
        let shown = pictures.show(&file, 0, &mut random).unwrap();
        // Scaled down by two, so the outermost values are means of two.
        assert_eq!((shown.len(), reach(&shown)), (1200, [11, 48, 1, 38]));
        let shown = pictures.show(&memory, 0, &mut random).unwrap();
        assert_eq!(shown, memory.images.pixels);
    }

    #[test]
    fn parts_are_drawn_anew_from_files_and_from_memory() {
        let (_folder, streams) = streams(Part::Drawn(0.2, 1.0));
        for (stream, [width, height]) in streams.iter().zip([[60, 40], [20, 20]]) {
            let mut pictures = Pictures::new(&stream.images);
            let mut all = [u8::MAX, 0, u8::MAX, 0];
            for seed in 0..200 {
                let mut random = Pcg64Mcg::new(seed);
                let shown = pictures.show(stream, 0, &mut random).unwrap();
                assert_eq!(shown.len(), 1200);
                assert!(shown.iter().skip(2).step_by(3).all(|&blue| blue == 7));
                let [left, right, top, bottom] = reach(&shown);
                let area = f64::from(right - left + 3) * f64::from(bottom - top + 3);
                assert!(
                    area >= 0.15 * f64::from(width) * f64::from(height),
                    "{seed}"
                );
                all = [
                    all[0].min(left),
                    all[1].max(right),
                    all[2].min(top),
                    all[3].max(bottom),
                ];
            }
            let near = |found: u8, expected: u8| found.abs_diff(expected) <= 1;
            assert!(near(all[0], 0) && near(all[1], width - 1), "{all:?}");
            assert!(near(all[2], 0) && near(all[3], height - 1), "{all:?}");
        }
    }

    #[test]
    fn a_photo_is_shown_upright() {
        let Some(sets) = normgate_testing::image_sets("showing turned photos") else {
            return;
        };
        let file = |number: u32| sets.join(format!("photos/orientation/landscape_{number}.jpg"));
        let images = ImageSet {
            width: 32,
            height: 32,
            files: [1, 6].map(file).to_vec(),
            labels: vec![None; 2],
            ..ImageSet::default()
        };
        let stream = Stream {
            images,
            per_step: 1,
            part: Part::Whole,
        };
        let mut pictures = Pictures::new(&stream.images);
        let mut shown = |index| {
            let mut random = Pcg64Mcg::new(0);
            pictures
                .show(&stream, index, &mut random)
                .unwrap()
                .into_owned()
        };
        let (upright, turned) = (shown(0), shown(1));
        let apart = |other: &[u8]| -> u32 {
            let pairs = upright.iter().zip(other);
            pairs.map(|(a, b)| u32::from(a.abs_diff(*b))).sum()
        };
        let upside_down: Vec<u8> = turned.iter().rev().copied().collect();
        // Both show the same scene; their EXIF orientations differ.
        assert!(2 * apart(&turned) < apart(&upside_down));
    }

    #[test]
    fn a_file_that_cannot_be_read_is_named() {
        let (folder, [file, _]) = streams(Part::Drawn(0.2, 1.0));
        std::fs::write(folder.path().join("1.png"), b"no picture").unwrap();
        let mut pictures = Pictures::new(&file.images);
        let error = pictures.show(&file, 0, &mut Pcg64Mcg::new(0)).unwrap_err();
        assert!(error.to_string().contains("1.png: not a JPEG"), "{error}");
    }
}
