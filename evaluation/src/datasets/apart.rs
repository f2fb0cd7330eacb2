//! Whether two parts of one set share no image, as far as their filters tell.

use super::labels::composed;
use super::spec::Filter;
use super::{Amount, ClassFilter, SetSpec, Split, cifar_binary};

/// A part of a set that something was learnt from, as a model file's record names it.
pub(crate) struct Learnt<'a> {
    /// The set and its filters.
    pub spec: &'a SetSpec,
    /// What was read if the set has several splits and the filters name none.
    pub split: Split,
    /// The model's classes.
    pub labels: &'a [String],
    /// How many of the last images of each class were held out.
    pub held_out: &'a [Amount],
}

impl SetSpec {
    /// Whether no filter selects a part of it.
    pub(crate) fn is_whole(&self) -> bool {
        self.filters.is_empty()
    }

    /// Whether no image of this part can be in the other; `false` if that cannot be told.
    pub(crate) fn is_apart_from(&self, learnt: &Learnt<'_>) -> bool {
        self.is_of_another_split(learnt) || self.is_what_is_left(learnt)
    }

    fn is_of_another_split(&self, learnt: &Learnt<'_>) -> bool {
        let splits = [
            self.split.unwrap_or(Split::Test),
            learnt.spec.split.unwrap_or(learnt.split),
        ];
        let [own, other] = splits;
        own != other && !splits.contains(&Split::All) && cifar_binary::find(&self.path).is_some()
    }

    fn is_what_is_left(&self, learnt: &Learnt<'_>) -> bool {
        let theirs = &learnt.spec.filters;
        let held_out = |class: usize| learnt.held_out.get(class).copied().unwrap_or(NONE);
        let rest = self.filters.strip_prefix(theirs.as_slice());
        if rest.is_some_and(|rest| is_of_last(rest, learnt.labels, held_out)) {
            return true;
        }
        let Some((cut, before)) = theirs.split_last() else {
            return false;
        };
        let Some(rest) = self.filters.strip_prefix(before) else {
            return false;
        };
        match cut {
            Filter::ButLast(count) => is_of_last(rest, learnt.labels, |_| *count),
            Filter::Last(count) => first_cut(rest).is_some_and(
                |own| matches!(own, Filter::ButLast(without) if count.is_at_most(*without)),
            ),
            _ => false,
        }
    }
}

const NONE: Amount = Amount::Images(0);

/// Whether filters leave at most `most` images of each class, and these the last ones.
fn is_of_last(filters: &[Filter], labels: &[String], most: impl Fn(usize) -> Amount) -> bool {
    let Some(Filter::Last(count)) = first_cut(filters) else {
        return false;
    };
    let of_classes: Vec<&ClassFilter> = filters.iter().filter_map(Filter::of_classes).collect();
    let is_left = |label: &String| {
        !of_classes
            .iter()
            .any(|filter| filter.leaves_out(&composed(label)))
    };
    let classes = labels.iter().enumerate();
    let mut left = classes.filter(|(_, label)| is_left(label));
    left.all(|(class, _)| count.is_at_most(most(class)))
}

/// The first filter that does not choose among classes: the others act on what it leaves, not on the whole set.
fn first_cut(filters: &[Filter]) -> Option<&Filter> {
    filters.iter().find(|filter| filter.of_classes().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_apart(given: &str, learnt: &str, held_out: &[usize]) -> bool {
        let held_out: Vec<Amount> = held_out.iter().copied().map(Amount::Images).collect();
        is_apart_with(given, learnt, &held_out)
    }

    fn is_apart_with(given: &str, learnt: &str, held_out: &[Amount]) -> bool {
        let parse = |text: &str| -> SetSpec { text.parse().unwrap() };
        parse(given).is_apart_from(&Learnt {
            spec: &parse(learnt),
            split: Split::Train,
            labels: &["cat".into(), "dog".into(), "oak".into()],
            held_out,
        })
    }

    #[test]
    fn what_was_held_out_is_apart_and_as_many_of_classes_where_fewer_were_are_not() {
        for (given, expected) in [
            ("p#last=40", false),
            ("p#last=10", true),
            ("p#last=40#class=cat", true),
            ("p#class=cat#last=40", true),
            ("p#class=cat#last=41", false),
            ("p#class=cat+dog#last=30", true),
            ("p#class=cat+dog#last=31", false),
            ("p#class!=dog+oak#last=40", true),
            ("p#class!=dog#last=40", false),
            ("p#last=10#first=5", true),
            ("p#first=50#last=10", false),
            ("p#but-last=10", false),
            ("p#first=10", false),
            ("p#readable#last=10", false),
            // Numbers are those of the set's own classes.
            ("p#class=0#last=40", false),
            ("p#class!=1+2#last=40", false),
            ("p", false),
        ] {
            assert_eq!(is_apart(given, "p", &[40, 30, 10]), expected, "{given}");
        }
        assert!(is_apart("p#readable#last=5", "p#readable", &[5; 3]));
        assert!(!is_apart("p#last=5", "p#readable", &[5; 3]));
    }

    #[test]
    fn two_sides_of_one_cut_are_apart() {
        for (given, learnt, expected) in [
            ("p#last=50", "p#but-last=50", true),
            ("p#class=cat#last=50", "p#but-last=50", true),
            ("p#last=51", "p#but-last=50", false),
            ("p#but-last=50", "p#last=50", true),
            ("p#but-last=49", "p#last=50", false),
            ("p#first=9", "p#last=9", false),
            ("p", "p#last=9", false),
            ("p#last=9", "p#first=9", false),
        ] {
            assert_eq!(is_apart(given, learnt, &[]), expected, "{given} {learnt}");
        }
    }

    #[test]
    fn splits_are_apart_where_the_set_has_such() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().display().to_string();
        let is_apart = |given: &str, learnt: &str| is_apart(&format!("{path}{given}"), learnt, &[]);
        assert!(!is_apart("", "p"));
        std::fs::write(folder.path().join("test_batch.bin"), b"").unwrap();
        assert!(is_apart("", "p"));
        assert!(is_apart("#first=9", "p"));
        assert!(!is_apart("#split=train", "p"));
        assert!(!is_apart("#split=all", "p"));
        assert!(is_apart("#split=train", "p#split=test"));
    }

    #[test]
    fn shares_are_apart_as_numbers_are_and_neither_from_the_other() {
        let tenth = [Amount::Percent(10); 3];
        for (given, expected) in [
            ("p#last=10%", true),
            ("p#last=9%", true),
            ("p#last=11%", false),
            ("p#last=1", false),
            ("p#but-last=10%", false),
        ] {
            assert_eq!(is_apart_with(given, "p", &tenth), expected, "{given}");
        }
        assert!(is_apart("p#but-last=10%", "p#last=10%", &[0; 3]));
        assert!(!is_apart("p#but-last=9%", "p#last=10%", &[0; 3]));
        assert!(!is_apart("p#last=10%", "p", &[50; 3]));
    }
}
