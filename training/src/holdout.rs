//! Images of the training set that are kept out of training, so that calibration can have them.

use std::str::FromStr;

use normgate_evaluation::datasets::{DatasetError, ImageSet};

use crate::error::TrainError;

/// `CLASS=N`: keep the last N images of a class (by name or number) out of training;
/// `all=N`: of every class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldOut {
    /// The class by name or number, or `all`.
    pub class: String,
    /// How many images.
    pub count: usize,
}

impl FromStr for HoldOut {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.rsplit_once('=');
        let parsed = parts.and_then(|(class, count)| Some((class, count.parse().ok()?)));
        match parsed {
            Some((class, count)) if !class.is_empty() => Ok(HoldOut {
                class: class.into(),
                count,
            }),
            _ => Err(format!(
                "\"{text}\" is not CLASS=N, such as airplane=300 or all=50"
            )),
        }
    }
}

impl std::fmt::Display for HoldOut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}={}", self.class, self.count)
    }
}

/// The classes and counts that the options mean for this set.
pub fn resolve(set: &ImageSet, options: &[HoldOut]) -> Result<Vec<(u16, usize)>, DatasetError> {
    let mut per_class = Vec::new();
    for option in options {
        if option.class == "all" {
            per_class.extend((0..set.classes() as u16).map(|class| (class, option.count)));
        } else {
            per_class.push((set.class_index(&option.class)?, option.count));
        }
    }
    Ok(per_class)
}

/// Splits into (kept, held): held are the **last** n images of each class named, so that the first
/// ones, which long-tailed subsets are made of, change least. Both keep the set's order; a class
/// named twice gives up both counts.
///
/// # Errors
///
/// [`TrainError::Data`] where a class has fewer images than are to be held.
pub fn split(
    set: &ImageSet,
    per_class: &[(u16, usize)],
) -> Result<(ImageSet, ImageSet), TrainError> {
    let mut wanted = vec![0usize; usize::from(u16::MAX) + 1];
    for &(class, count) in per_class {
        wanted[usize::from(class)] += count;
    }
    let counts = set.class_counts(wanted.len());
    for &(class, _) in per_class {
        let (found, needed) = (
            counts[usize::from(class)] as usize,
            wanted[usize::from(class)],
        );
        if found < needed {
            return Err(TrainError::Data(format!(
                "{}: class {class} has {found} images, but holding out needs {needed}",
                set.name
            )));
        }
    }
    let (mut kept, mut held) = (Vec::new(), Vec::new());
    for (i, label) in set.labels.iter().enumerate().rev() {
        let left = label.map(|label| &mut wanted[usize::from(label)]);
        match left {
            Some(left) if *left > 0 => {
                *left -= 1;
                held.push(i);
            }
            _ => kept.push(i),
        }
    }
    kept.reverse();
    held.reverse();
    Ok((set.select(&kept), set.select(&held)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set() -> ImageSet {
        ImageSet {
            name: "set".into(),
            width: 1,
            height: 1,
            pixels: (0..21).collect(),
            labels: vec![Some(0), Some(1), Some(0), None, Some(0), Some(1), Some(0)],
            class_names: Some(vec!["cat".into(), "dog".into()]),
            ..ImageSet::default()
        }
    }

    #[test]
    fn the_last_images_of_the_class_are_held_and_the_rest_kept_in_order() {
        let (kept, held) = split(&set(), &[(0, 2)]).unwrap();
        assert_eq!(kept.labels, [Some(0), Some(1), Some(0), None, Some(1)]);
        assert_eq!(held.labels, [Some(0), Some(0)]);
        assert_eq!(held.image(0), set().image(4));
        assert_eq!(held.image(1), set().image(6));
    }

    #[test]
    fn options_name_classes_by_name_or_number_or_all() {
        let parse = |text: &str| text.parse::<HoldOut>().unwrap();
        assert_eq!(resolve(&set(), &[parse("dog=1")]).unwrap(), [(1, 1)]);
        assert_eq!(resolve(&set(), &[parse("0=2")]).unwrap(), [(0, 2)]);
        assert_eq!(
            resolve(&set(), &[parse("all=1")]).unwrap(),
            [(0, 1), (1, 1)]
        );
        let error = resolve(&set(), &[parse("horse=1")])
            .unwrap_err()
            .to_string();
        assert_eq!(
            error,
            "set: there is no class \"horse\"; there are cat, dog"
        );
    }

    #[test]
    fn a_hold_out_that_is_not_class_equals_count_is_refused() {
        for text in ["cat", "cat=", "=3", "cat=many", "cat=-1"] {
            assert!(text.parse::<HoldOut>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_class_with_too_few_images_is_refused() {
        let error = split(&set(), &[(1, 3)]).unwrap_err().to_string();
        assert_eq!(error, "set: class 1 has 2 images, but holding out needs 3");
    }
}
