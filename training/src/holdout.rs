//! Images of the training set that are kept out of training, so that calibration can have them.

use std::str::FromStr;

use normgate_evaluation::datasets::{Amount, DatasetError, ImageSet};

use crate::error::TrainError;

/// `CLASS=N` keeps the last N images of a class (by name or number) out of training, `CLASS=N%` that share of them;
/// `all=N` does so for every class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldOut {
    /// The class by name or number, or `all`.
    pub class: String,
    /// How many images.
    pub amount: Amount,
}

impl FromStr for HoldOut {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.rsplit_once('=');
        let parsed = parts.and_then(|(class, amount)| Some((class, amount.parse().ok()?)));
        match parsed {
            Some((class, amount)) if !class.is_empty() => Ok(HoldOut {
                class: class.into(),
                amount,
            }),
            _ => Err(format!(
                "\"{text}\" is not CLASS=N or CLASS=N%, such as airplane=300, all=50 or all=10%"
            )),
        }
    }
}

impl std::fmt::Display for HoldOut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}={}", self.class, self.amount)
    }
}

/// The classes and counts that the options mean for this set.
///
/// # Errors
///
/// [`DatasetError`] if an option names a class that the set does not have.
pub fn resolve(set: &ImageSet, options: &[HoldOut]) -> Result<Vec<(u16, usize)>, DatasetError> {
    let images = set.class_counts(set.classes());
    let of = |class: u16, amount: Amount| {
        let images = images.get(usize::from(class)).copied().unwrap_or(0);
        (class, amount.of(images as usize))
    };
    let mut per_class = Vec::new();
    for option in options {
        if option.class == "all" {
            let classes = (0..=u16::MAX).take(set.classes());
            per_class.extend(classes.map(|class| of(class, option.amount)));
        } else {
            per_class.push(of(set.class_index(&option.class)?, option.amount));
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
/// [`TrainError::Data`] if a class has fewer images than are to be held.
pub fn split(
    set: &ImageSet,
    per_class: &[(u16, usize)],
) -> Result<(ImageSet, ImageSet), TrainError> {
    let mut wanted = vec![0usize; usize::from(u16::MAX) + 1];
    for &(class, count) in per_class {
        let wanted = &mut wanted[usize::from(class)];
        *wanted = wanted.saturating_add(count);
    }
    let counts = set.class_counts(wanted.len());
    let lacking = (0..).zip(counts.iter().zip(&wanted));
    let lacking: Vec<String> = lacking
        .filter(|(_, (found, wanted))| (**found as usize) < **wanted)
        .map(|(class, (found, wanted))| {
            let names = set.class_names.as_ref();
            let name = names.and_then(|names| names.get(class).cloned());
            let name = name.unwrap_or_else(|| format!("class {class}"));
            format!("{name} has {found} images, not {wanted}")
        })
        .collect();
    if !lacking.is_empty() {
        return Err(TrainError::Data(format!(
            "{}: --hold-out takes more than there are: {}. Take a share of each class (all=10%), or name \
             classes that have enough (CLASS=N)",
            set.name,
            lacking.join(", ")
        )));
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
    fn a_class_can_be_named_twice_and_be_held_out_whole() {
        let (kept, held) = split(&set(), &[(1, 1), (0, 1), (1, 1)]).unwrap();
        assert_eq!(held.labels, [Some(1), Some(1), Some(0)]);
        assert_eq!(kept.labels, [Some(0), Some(0), None, Some(0)]);
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
        // Of 4 cats and 2 dogs.
        assert_eq!(
            resolve(&set(), &[parse("all=49%")]).unwrap(),
            [(0, 1), (1, 0)]
        );
        assert_eq!(resolve(&set(), &[parse("cat=50%")]).unwrap(), [(0, 2)]);
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
        for text in [
            "cat", "cat=", "=3", "cat=many", "cat=-1", "cat=0%", "cat=100%", "cat=%",
        ] {
            assert!(text.parse::<HoldOut>().is_err(), "{text}");
        }
        for text in ["cat=3", "a=b=10%"] {
            assert_eq!(text.parse::<HoldOut>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn classes_with_too_few_images_are_named_with_what_to_do() {
        let error = split(&set(), &[(0, 5), (1, 3)]).unwrap_err().to_string();
        assert!(
            error.starts_with("set: --hold-out takes more than there are: cat has 4 images, not 5, dog has 2 images, not 3."),
            "{error}"
        );
        assert!(error.contains("all=10%"), "{error}");
    }
}
