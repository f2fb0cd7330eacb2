//! Sets that must share no images, whatever their names: results on images that were learnt from say little about new
//! ones.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hasher};

use crate::datasets::ImageSet;
use crate::error::EvaluationError;

/// More than this share of a set's different images is a mistake; one image is always allowed. Some images exist more
/// than once, and so few change nothing.
const FEW: f64 = 0.01;

/// The images of a set, identified by the pixels that the model is shown, or by where their files are if they are
/// still to be read.
pub struct Fingerprints {
    option: &'static str,
    images: HashSet<u64>,
    /// How many images the set has, including copies.
    count: usize,
}

impl Fingerprints {
    /// The fingerprints of a set that `option` names.
    pub fn of(option: &'static str, set: &ImageSet) -> Self {
        Self {
            option,
            images: fingerprints(set).collect(),
            count: set.len(),
        }
    }

    /// How many images of the set are copies of others. Hardly any may be, since a copy counts as an image but adds
    /// no information.
    ///
    /// # Errors
    /// [`EvaluationError::RepeatedImages`].
    pub fn repeated(&self) -> Result<usize, EvaluationError> {
        let different = self.images.len();
        let repeated = self.count - different;
        match repeated > 1 && repeated as f64 > FEW * self.count as f64 {
            true => Err(EvaluationError::RepeatedImages {
                option: self.option,
                images: self.count,
                different,
            }),
            false => Ok(repeated),
        }
    }

    /// How many different images of another set are among them.
    pub fn shared_with(&self, other: &Fingerprints) -> usize {
        other.images.intersection(&self.images).count()
    }

    /// Checks that hardly any image of another set is among them.
    ///
    /// # Errors
    /// [`EvaluationError::SharedImages`].
    pub fn apart_from(&self, other: &Fingerprints) -> Result<(), EvaluationError> {
        let (shared, images) = (self.shared_with(other), other.images.len());
        match shared > 1 && shared as f64 > FEW * images as f64 {
            true => Err(EvaluationError::SharedImages {
                options: [self.option, other.option],
                shared,
                images,
            }),
            false => Ok(()),
        }
    }
}

/// The sets of one command, which may share no images.
#[derive(Default)]
pub struct Apart {
    known: Vec<Fingerprints>,
}

/// Sets that may share images with each other, but not with those to come.
impl From<Vec<Fingerprints>> for Apart {
    fn from(known: Vec<Fingerprints>) -> Self {
        Self { known }
    }
}

impl Apart {
    /// Takes a set in.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub fn admit(&mut self, set: Fingerprints) -> Result<(), EvaluationError> {
        self.check(&set)?;
        self.known.push(set);
        Ok(())
    }

    /// Checks that a set shares hardly any image with those taken in.
    ///
    /// # Errors
    /// [`EvaluationError::SharedImages`].
    pub fn check(&self, set: &Fingerprints) -> Result<(), EvaluationError> {
        self.known
            .iter()
            .try_for_each(|known| known.apart_from(set))
    }
}

/// How many images of a set are copies of ones of another class.
pub fn in_another_class(set: &ImageSet) -> usize {
    let mut classes = HashMap::new();
    let images = fingerprints(set).zip(&set.labels);
    let copies = images.filter(|(image, class)| classes.entry(*image).or_insert(*class) != class);
    copies.count()
}

fn fingerprints(set: &ImageSet) -> impl Iterator<Item = u64> {
    (0..set.len()).map(|index| {
        let mut hasher = DefaultHasher::new();
        match set.files.get(index) {
            // Not read yet: at least no file may be in both, by whatever path it was named.
            Some(file) => {
                let real = file.canonicalize();
                let place = real.as_deref().unwrap_or(file);
                hasher.write(place.as_os_str().as_encoded_bytes());
            }
            None => hasher.write(set.image(index)),
        }
        hasher.finish()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(images: std::ops::Range<u16>) -> ImageSet {
        let pixels = images.clone().map(|n| [(n / 256) as u8, n as u8, 0]);
        ImageSet {
            name: "photos".into(),
            width: 1,
            height: 1,
            pixels: pixels.flatten().collect(),
            labels: images.map(|_| None).collect(),
            ..ImageSet::default()
        }
    }

    #[test]
    fn copies_in_another_class_are_found_and_those_in_the_same_are_not() {
        let mut twice = set(0..4);
        twice.pixels.extend_from_within(..9);
        twice.labels = [0, 0, 1, 1, 0, 1, 0].map(Some).to_vec();
        assert_eq!(in_another_class(&twice), 2);
        assert_eq!(in_another_class(&set(0..9)), 0);
    }

    #[test]
    fn a_set_with_more_than_one_copy_in_a_hundred_is_refused() {
        let repeated = |copies: usize| {
            let mut all = set(0..400);
            let again: Vec<usize> = (0..400).chain(0..copies).collect();
            all = all.select(&again);
            Fingerprints::of("--data", &all).repeated()
        };
        assert_eq!(repeated(0).unwrap(), 0);
        assert_eq!(repeated(4).unwrap(), 4);
        let error = repeated(5).unwrap_err().to_string();
        assert!(
            error.starts_with("of the 405 images of --data, only 400 are different"),
            "{error}"
        );
    }

    #[test]
    fn sets_that_share_more_than_one_image_in_a_hundred_are_refused() {
        let fitted = Fingerprints::of("--fit-data", &set(0..500));
        assert!(
            fitted
                .apart_from(&Fingerprints::of("--data", &set(500..900)))
                .is_ok()
        );
        assert!(
            fitted
                .apart_from(&Fingerprints::of("--data", &set(498..698)))
                .is_ok()
        );
        assert!(
            fitted
                .apart_from(&Fingerprints::of("--data", &set(499..510)))
                .is_ok()
        );
        let error = fitted
            .apart_from(&Fingerprints::of("--data", &set(450..750)))
            .unwrap_err();
        let message = error.to_string();
        for part in ["50 of the 300", "--fit-data", "--data"] {
            assert!(message.contains(part), "{part}: {message}");
        }
    }

    #[test]
    fn images_still_to_be_read_are_told_apart_by_their_files_however_these_are_named() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["mine", "other"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
            for n in 0..9 {
                std::fs::write(folder.path().join(format!("{name}/{n}.jpg")), "").unwrap();
            }
        }
        let files = |name: &str| ImageSet {
            files: (0..9)
                .map(|n| folder.path().join(format!("{name}/{n}.jpg")))
                .collect(),
            labels: vec![None; 9],
            ..ImageSet::default()
        };
        let training = Fingerprints::of("--data", &files("mine"));
        for same in ["mine", "other/../mine", "./mine"] {
            assert!(
                training
                    .apart_from(&Fingerprints::of("--aux", &files(same)))
                    .is_err(),
                "{same}"
            );
        }
        assert!(
            training
                .apart_from(&Fingerprints::of("--aux", &files("other")))
                .is_ok()
        );
    }

    #[test]
    fn an_image_that_both_have_many_times_counts_once() {
        let black = |first: std::ops::Range<u16>| {
            let many = (0..100).map(|_| set(0..1));
            ImageSet::concat([set(first)].into_iter().chain(many).collect()).unwrap()
        };
        let fitted = Fingerprints::of("--fit-data", &black(1..200));
        assert!(
            fitted
                .apart_from(&Fingerprints::of("--data", &black(300..400)))
                .is_ok()
        );
    }
}
