//! Long-tailed subsets as the long-tailed recognition literature cuts them (Cao et al., LDAM,
//! NeurIPS 2019; the paper's CIFAR10-LT and CIFAR100-LT).

use normgate_evaluation::datasets::ImageSet;

use crate::error::TrainError;

/// How many images each of `classes` classes keeps: class k keeps `int(n_max * rho^(k / (classes - 1)))` with
/// `rho = 1 / imbalance`, where `imbalance` is the largest class over the smallest.
///
/// Truncated as by Python's `int`, on the same IEEE arithmetic, so that the counts are the published ones: CIFAR-10
/// at imbalance 100 has 5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50.
pub fn counts(n_max: usize, imbalance: f64, classes: usize) -> Vec<usize> {
    let rho = 1.0 / imbalance;
    let last = classes.saturating_sub(1).max(1) as f64;
    (0..classes)
        .map(|k| (n_max as f64 * rho.powf(k as f64 / last)) as usize)
        .collect()
}

/// The first [`counts`] images of each class, in the set's order; unlabelled images are left out.
/// `n_max` is the size of the set's largest class.
///
/// # Errors
///
/// [`TrainError::Data`] for an imbalance that is not a finite number of 1 or more, for a set without labels, and for
/// one in which a class is already smaller than it would become (it is more imbalanced than asked for).
pub fn subsample(set: &ImageSet, imbalance: f64) -> Result<ImageSet, TrainError> {
    let unsuitable = |reason: String| TrainError::Data(format!("{}: {reason}", set.name));
    if !(imbalance.is_finite() && imbalance >= 1.0) {
        return Err(unsuitable(format!(
            "the imbalance must be 1 or more (largest class over smallest), not {imbalance}"
        )));
    }
    let have = set.class_counts(set.classes());
    let n_max = have.iter().copied().max().unwrap_or(0) as usize;
    if n_max == 0 {
        return Err(unsuitable(
            "no image has a label, so there is no tail".into(),
        ));
    }
    let mut wanted = counts(n_max, imbalance, have.len());
    if wanted.contains(&0) {
        return Err(unsuitable(format!(
            "an imbalance of {imbalance} leaves the smallest classes no image: give less than {n_max}"
        )));
    }
    for (class, (&found, &needed)) in have.iter().zip(&wanted).enumerate() {
        if (found as usize) < needed {
            return Err(unsuitable(format!(
                "class {class} has {found} images, but this imbalance needs {needed}"
            )));
        }
    }
    Ok(set.filter(|_, label| {
        let left = label.and_then(|label| wanted.get_mut(usize::from(label)));
        match left {
            Some(left) if *left > 0 => {
                *left -= 1;
                true
            }
            _ => false,
        }
    }))
}

#[cfg(test)]
mod tests {
    use normgate_evaluation::datasets::{LoadOptions, load};
    use normgate_testing::image_sets;

    use super::*;

    #[test]
    fn the_counts_of_cifar10_lt_are_the_published_ones() {
        assert_eq!(
            counts(5000, 100.0, 10),
            [5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50]
        );
        // python3 -c "print([int(5000*0.001**(k/9)) for k in range(10)])"
        assert_eq!(
            counts(5000, 1000.0, 10),
            [5000, 2320, 1077, 500, 232, 107, 50, 23, 10, 5]
        );
    }

    #[test]
    fn the_counts_of_cifar100_lt_are_pythons() {
        // python3 -c "print([int(500*0.01**(k/99)) for k in range(100)])"
        let expected = [
            500, 477, 455, 434, 415, 396, 378, 361, 344, 328, 314, 299, 286, 273, 260, 248, 237,
            226, 216, 206, 197, 188, 179, 171, 163, 156, 149, 142, 135, 129, 123, 118, 112, 107,
            102, 98, 93, 89, 85, 81, 77, 74, 70, 67, 64, 61, 58, 56, 53, 51, 48, 46, 44, 42, 40,
            38, 36, 35, 33, 32, 30, 29, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 16, 15, 15, 14,
            13, 13, 12, 12, 11, 11, 10, 10, 9, 9, 8, 8, 7, 7, 7, 6, 6, 6, 6, 5, 5, 5, 5,
        ];
        assert_eq!(counts(500, 100.0, 100), expected);
    }

    #[test]
    fn one_class_and_no_class_are_not_divided_by_zero() {
        assert_eq!(counts(7, 100.0, 1), [7]);
        assert!(counts(7, 100.0, 0).is_empty());
    }

    fn labelled(labels: &[u16]) -> ImageSet {
        ImageSet {
            name: "set".into(),
            width: 1,
            height: 1,
            pixels: (0..labels.len() as u8 * 3).collect(),
            labels: labels.iter().copied().map(Some).collect(),
            ..ImageSet::default()
        }
    }

    #[test]
    fn the_first_images_of_each_class_stay_in_order() {
        let set = labelled(&[1, 0, 0, 1, 1, 0, 0, 1]);
        let cut = subsample(&set, 4.0).unwrap();
        let labels: Vec<u16> = cut.labels.iter().flatten().copied().collect();
        assert_eq!(labels, [1, 0, 0, 0, 0]);
        assert_eq!(cut.image(0), set.image(0));
        assert_eq!(cut.image(4), set.image(6));
    }

    #[test]
    fn the_real_long_tail_is_already_the_one_of_imbalance_100() {
        let Some(data) = image_sets("reading the real sets") else {
            return;
        };
        let set = load(&data.join("cifar10_train_lt100"), &LoadOptions::train()).unwrap();
        assert_eq!(
            set.class_counts(10),
            [5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50]
        );
        assert_eq!(subsample(&set, 100.0).unwrap(), set);
    }

    #[test]
    fn a_set_already_more_imbalanced_is_refused() {
        let set = labelled(&[0, 0, 0, 0, 0, 0, 1]);
        let error = subsample(&set, 2.0).unwrap_err().to_string();
        assert_eq!(
            error,
            "set: class 1 has 1 images, but this imbalance needs 3"
        );
    }

    #[test]
    fn an_imbalance_of_one_keeps_all_of_a_balanced_set() {
        let set = labelled(&[0, 1, 1, 0]);
        assert_eq!(subsample(&set, 1.0).unwrap(), set);
    }

    #[test]
    fn a_set_without_labels_is_refused() {
        let mut set = labelled(&[0, 1]);
        set.labels.fill(None);
        let error = subsample(&set, 10.0).unwrap_err().to_string();
        assert!(error.contains("no image has a label"), "{error}");
    }

    #[test]
    fn an_imbalance_below_one_or_nan_is_refused() {
        for imbalance in [0.01, f64::NAN, f64::INFINITY] {
            assert!(subsample(&labelled(&[0, 1]), imbalance).is_err());
        }
    }
}
