//! Sets that should share no image: what was learnt from one is no surprise in the other, whatever their
//! names are.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hasher};

use crate::datasets::ImageSet;
use crate::error::EvaluationError;

/// Of a set, beyond this share it is a mistake. Some images are in the world more than once, and so few
/// change nothing.
const FEW: f64 = 0.01;

/// The images of a set, by the bytes that the model is shown of them.
pub struct Fingerprints {
    option: &'static str,
    images: HashSet<u64>,
}

impl Fingerprints {
    /// Those of a set that `option` names.
    pub fn of(option: &'static str, set: &ImageSet) -> Self {
        Self {
            option,
            images: fingerprints(set).collect(),
        }
    }

    /// That hardly any image of another set, which `option` names, is among them.
    ///
    /// # Errors
    /// [`EvaluationError::SharedImages`].
    pub fn apart_from(&self, option: &'static str, set: &ImageSet) -> Result<(), EvaluationError> {
        let known = fingerprints(set).map(|image| self.images.contains(&image));
        let shared: Vec<usize> = known
            .enumerate()
            .filter_map(|(index, is_known)| is_known.then_some(index))
            .collect();
        match shared.first() {
            Some(&first) if shared.len() as f64 > FEW * set.len() as f64 => {
                Err(EvaluationError::SharedImages {
                    options: [self.option, option],
                    shared: shared.len(),
                    images: set.len(),
                    first,
                    set: set.name.clone(),
                })
            }
            _ => Ok(()),
        }
    }
}

fn fingerprints(set: &ImageSet) -> impl Iterator<Item = u64> {
    (0..set.len()).map(|index| {
        let mut hasher = DefaultHasher::new();
        hasher.write(set.image(index));
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
    fn sets_that_share_more_than_one_image_in_a_hundred_are_refused_by_their_first() {
        let fitted = Fingerprints::of("--fit-data", &set(0..500));
        assert!(fitted.apart_from("--data", &set(500..900)).is_ok());
        assert!(fitted.apart_from("--data", &set(499..599)).is_ok());
        let error = fitted.apart_from("--data", &set(450..750)).unwrap_err();
        let message = error.to_string();
        for part in ["50 of the 300", "--fit-data", "--data", "image 0", "photos"] {
            assert!(message.contains(part), "{part}: {message}");
        }
    }
}
