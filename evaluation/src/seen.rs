//! Whether images may be among those that a model has learnt from, in training or in calibration: if so, it does
//! better on them than on new ones. A model file records only names of sets, filters and counts, so what is found is
//! a hint, not a proof.

use normgate_core::calibration::Calibration;
use normgate_core::manifest::Manifest;
use normgate_core::scores::Fitted;

use crate::datasets::{Amount, Learnt, SetSpec, Split};
use crate::recorded;

/// What the training record says about a set with the same name as one of `data`, which together have `class_counts`
/// images, unless counts or filters show that these are other images.
pub(crate) fn in_training(
    manifest: &Manifest,
    data: &[SetSpec],
    class_counts: &[u64],
) -> Option<String> {
    let record = manifest.training.as_ref()?;
    let mut counts = record.class_counts.iter().zip(class_counts);
    // A whole set has at least as many images as were taken from it; how many each of several has, nobody knows.
    let is_smaller = record.data.len() == 1 && counts.any(|(trained, given)| given < trained);
    let may_be_known = |entry: &&String| {
        let (set, held_out) = recorded::what_was_held_out(entry);
        let part = Record {
            split: Split::Train,
            labels: &manifest.labels,
            held_out: amounts_held_out(held_out, &manifest.labels),
        };
        let mut alike = part.not_apart_from(set, data);
        alike.any(|given| !(is_smaller && given.is_whole()))
    };
    let known = record.data.iter().find(may_be_known).cloned();
    // This run may have seen any of the images that another run held out.
    known.or_else(|| {
        let sources = data.iter().filter_map(SetSpec::held_out);
        let of_others =
            sources.filter(|it| it.sets != record.data || it.class_counts != record.class_counts);
        let mut sets = of_others.flat_map(|it| it.sets);
        sets.find_map(|set| {
            let mut alike = record
                .data
                .iter()
                .filter(|own| recorded::name(own) == recorded::name(&set));
            alike.next().cloned()
        })
    })
}

/// Which of the training's auxiliary sets has the same name as one of `data`, unless filters show that these are
/// other images.
pub(crate) fn in_auxiliary(manifest: &Manifest, data: &[SetSpec]) -> Option<String> {
    let record = manifest.training.as_ref()?;
    let part = Record {
        split: Split::Train,
        labels: &manifest.labels,
        held_out: Vec::new(),
    };
    let may_be_known = |set: &&String| part.not_apart_from(set, data).next().is_some();
    record.auxiliary.iter().find(may_be_known).cloned()
}

/// What the calibration says about a set with the same name as one of `data`, unless filters show that these are
/// other images.
pub(crate) fn in_calibration(
    labels: &[String],
    calibration: &Calibration,
    data: &[SetSpec],
) -> Option<String> {
    let part = Record {
        split: Split::Test,
        labels,
        held_out: Vec::new(),
    };
    let said = calibration.data.as_deref()?;
    let mut sets = recorded::each_set(recorded::without_remarks(said));
    let may_be_known = |set: &&str| part.not_apart_from(set, data).next().is_some();
    sets.find(may_be_known).map(String::from)
}

/// What the score was fitted to that has the same name as one of `data`, which together have `images` images, unless
/// counts or filters show that these are other images.
pub(crate) fn in_fitted(
    labels: &[String],
    fitted: &Fitted,
    data: &[SetSpec],
    images: usize,
) -> Option<String> {
    let sets: Vec<&str> = recorded::each_set(fitted.data.as_deref()?).collect();
    let is_smaller = sets.len() == 1 && images < fitted.images;
    let part = Record {
        split: Split::Train,
        labels,
        held_out: Vec::new(),
    };
    let may_be_known = |set: &&str| {
        let mut alike = part.not_apart_from(set, data);
        alike.any(|given| !(is_smaller && given.is_whole()))
    };
    sets.into_iter().find(may_be_known).map(String::from)
}

/// What is known about a recorded set besides its name and its filters.
struct Record<'a> {
    split: Split,
    labels: &'a [String],
    held_out: Vec<Amount>,
}

impl Record<'_> {
    /// Those of `data` that have the recorded set's name, and may have images of it.
    fn not_apart_from<'a>(
        &'a self,
        set: &'a str,
        data: &'a [SetSpec],
    ) -> impl Iterator<Item = &'a SetSpec> {
        let name = recorded::name(set);
        // The set's path is not recorded; "./" keeps a "=" in its name from being read as the end of another name.
        let recorded = format!("./{set}").parse::<SetSpec>();
        let alike = data.iter().filter(move |given| given.name() == name);
        alike.filter(move |given| {
            let Ok(spec) = &recorded else {
                return true;
            };
            !given.is_apart_from(&Learnt {
                spec,
                split: self.split,
                labels: self.labels,
                held_out: &self.held_out,
            })
        })
    }
}

/// How many images of each class were held out, from the options that the trainer was given: `all=50`, `CLASS=N` or
/// `CLASS=N%`.
fn amounts_held_out<'a>(options: impl Iterator<Item = &'a str>, labels: &[String]) -> Vec<Amount> {
    let mut amounts = vec![Amount::Images(0); labels.len()];
    for (class, amount) in options.filter_map(|option| option.rsplit_once('=')) {
        let amount = amount.parse().unwrap_or(Amount::Images(0));
        let named = labels.iter().position(|label| label == class);
        let numbered = || class.parse().ok();
        let classes = match class {
            "all" => 0..labels.len(),
            _ => match named.or_else(numbered) {
                Some(class) => class..class + 1,
                None => 0..0,
            },
        };
        for held_out in amounts.get_mut(classes).into_iter().flatten() {
            *held_out = held_out.with(amount);
        }
    }
    amounts
}

#[cfg(test)]
mod tests {
    use normgate_core::manifest::{Filter, Preprocessing, Resize, SCHEMA_VERSION, TrainingRecord};
    use normgate_core::onnx::LastLayerError;
    use normgate_core::scores::{FitData, ScoreKind};

    use crate::datasets::HeldOut;

    use super::*;

    fn manifest(data: &[&str]) -> Manifest {
        Manifest {
            schema_version: SCHEMA_VERSION,
            name: "m".into(),
            version: "1".into(),
            description: None,
            labels: ["Jagd Hund", "Wildkatze", "Fr\u{f6}schlein (gr\u{fc}n)"]
                .map(String::from)
                .to_vec(),
            representation_size: 1,
            preprocessing: Preprocessing {
                width: 8,
                height: 8,
                resize: Resize::Stretch,
                filter: Filter::Bilinear,
                mean: [0.0; 3],
                std: [1.0; 3],
            },
            score: ScoreKind::Msp,
            calibration: None,
            training: Some(TrainingRecord {
                method: "rna".into(),
                class_counts: vec![120, 70, 25],
                command: None,
                seed: 1,
                epochs: 1,
                data: data.iter().map(ToString::to_string).collect(),
                auxiliary: Vec::new(),
            }),
            quantization: None,
        }
    }

    fn specs(data: &[&str]) -> Vec<SetSpec> {
        data.iter().map(|set| set.parse().unwrap()).collect()
    }

    fn trained(record: &[&str], data: &[&str], class_counts: &[u64]) -> Option<String> {
        in_training(&manifest(record), &specs(data), class_counts)
    }

    #[test]
    fn a_set_of_the_name_and_size_of_what_was_trained_on_is_named() {
        let record = ["photos (held out: all=9)"];
        let hint = trained(&record, &["some/photos/"], &[129, 79, 34]);
        assert_eq!(hint.as_deref(), Some(record[0]));
        // A larger set contains the part that was trained on.
        let hint = trained(&["a=b#but-last=9"], &["./a=b"], &[200; 3]);
        assert_eq!(hint.as_deref(), Some("a=b#but-last=9"));
    }

    #[test]
    fn another_set_and_a_smaller_one_of_the_same_name_are_not() {
        let record = ["photos (held out: all=9)"];
        assert_eq!(trained(&record, &["my-photos"], &[129, 79, 34]), None);
        assert_eq!(trained(&record, &["other/photos"], &[40; 3]), None);
        let mut adopted = manifest(&[]);
        adopted.training = None;
        assert_eq!(in_training(&adopted, &specs(&["photos"]), &[200; 3]), None);
    }

    #[test]
    fn of_several_sets_one_is_named_however_small() {
        let record = ["some", "more (held out: all=9)"];
        let hint = trained(&record, &["some"], &[9; 3]);
        assert_eq!(hint.as_deref(), Some("some"));
        assert_eq!(trained(&record, &["more#last=9"], &[9; 3]), None);
        let hint = trained(&record, &["new", "more#last=10"], &[50; 3]);
        assert_eq!(hint.as_deref(), Some(record[1]));
    }

    #[test]
    fn a_part_of_what_was_trained_on_is_named_unless_it_was_held_out() {
        let record =
            ["train (held out: Jagd Hund=40, Wildkatze=30, Fr\u{f6}schlein (gr\u{fc}n)=5)"];
        for (data, is_named) in [
            ("photos/train#last=50", true),
            ("photos/train#last=5", false),
            ("photos/train#class=Jagd Hund#last=40", false),
            ("photos/train#class=Jagd Hund+Wildkatze#last=40", true),
            ("photos/train#class=Jagd Hund+Wildkatze#last=30", false),
            ("photos/train#first=5", true),
            ("photos/test#last=50", false),
        ] {
            let hint = trained(&record, &[data], &[5; 3]);
            assert_eq!(hint.as_deref(), is_named.then_some(record[0]), "{data}");
        }
        let both = [
            "photos/train#class=Jagd Hund#last=40",
            "photos/train#class=Wildkatze#last=30",
        ];
        assert_eq!(trained(&record, &both, &[40, 30, 0]), None);
        let hint = trained(
            &["train (held out: what is this)"],
            &["train#last=1"],
            &[1; 3],
        );
        assert!(hint.is_some());
    }

    #[test]
    fn what_another_run_held_out_may_be_known() {
        let folder = tempfile::tempdir().unwrap();
        let mark = |class_counts: &[u64], set: &str| {
            let class_counts = class_counts.to_vec();
            let sets = vec![set.to_owned()];
            HeldOut { class_counts, sets }.write(folder.path()).unwrap();
        };
        let own = "photos#class!=Wildkatze (held out: all=10%)";
        let hint = || {
            let set = folder.path().to_str().unwrap();
            in_training(&manifest(&[own]), &specs(&[set]), &[5; 3])
        };
        let counts = manifest(&[own]).training.unwrap().class_counts;
        mark(&counts, own);
        assert_eq!(hint(), None);
        // The same sets, but not the same parts of them.
        mark(&[1, 2, 3], own);
        assert_eq!(hint().as_deref(), Some(own));
        mark(&counts, "photos (held out: all=20%)");
        assert_eq!(hint().as_deref(), Some(own));
        mark(&counts, "others (held out: all=20%)");
        assert_eq!(hint(), None);
    }

    #[test]
    fn what_the_trainer_was_told_to_hold_out_adds_up_by_class() {
        use Amount::{Images, Percent};
        let labels = manifest(&[]).labels;
        for (said, expected) in [
            ("all=50", [Images(50); 3]),
            ("all=50, Wildkatze=10", [50, 60, 50].map(Images)),
            ("2=7, Fr\u{f6}schlein (gr\u{fc}n)=1", [0, 0, 8].map(Images)),
            ("9=7, other=3, Jagd Hund=many", [Images(0); 3]),
            ("all=10%", [Percent(10); 3]),
            // Nobody knows how many these are together.
            ("1=4, all=10%", [Percent(10), Images(4), Percent(10)]),
            ("", [Images(0); 3]),
        ] {
            let amounts = amounts_held_out(said.split(", "), &labels);
            assert_eq!(amounts, expected, "{said}");
        }
    }

    #[test]
    fn a_set_that_was_calibrated_on_is_named_unless_another_part_was() {
        let mut calibration = Calibration::id_positive(&[0.0; 30], 0.95).unwrap();
        let mut calibrated = |on: &str, data: &[&str]| {
            calibration.data = Some(on.into());
            in_calibration(&manifest(&[]).labels, &calibration, &specs(data))
        };
        for (on, data, expected) in [
            ("test#first=30", "photos/test", Some("test#first=30")),
            ("test#first=30", "photos/test#last=9", Some("test#first=30")),
            (
                "more + test, equally many images of every class",
                "test",
                Some("test"),
            ),
            ("test; OOD: strange", "test#first=9", Some("test")),
            ("test#last=30", "test#but-last=30", None),
            ("test#but-last=30", "test#last=30", None),
            (
                "held-out; without the 47 that the int8 ranges are from",
                "test",
                None,
            ),
            ("held-out; OOD: test", "test", None),
        ] {
            assert_eq!(calibrated(on, &[data]).as_deref(), expected, "{on}, {data}");
        }
        calibration.data = None;
        let hint = in_calibration(&manifest(&[]).labels, &calibration, &specs(&["test"]));
        assert_eq!(hint, None);
    }

    #[test]
    fn a_set_that_the_score_was_fitted_to_is_named_unless_another_part_or_a_larger_one_was() {
        let layer = Err(LastLayerError::NotLinear {
            logits: String::new(),
            found: String::new(),
        });
        let data = FitData::new((1, 1), &[0, 0, 0], &[0.0; 3], &[1.0, 2.0, 3.0], layer).unwrap();
        let mut fitted = Fitted::fit(ScoreKind::Knn, &data, None).unwrap();
        let mut hint = |on: Option<&str>, given: &str, images: usize| {
            fitted.data = on.map(String::from);
            in_fitted(&manifest(&[]).labels, &fitted, &specs(&[given]), images)
        };
        for (on, given, images, expected) in [
            ("photos", "some/photos", 3, Some("photos")),
            ("photos", "some/photos", 2, None),
            ("more + photos", "some/photos", 2, Some("photos")),
            ("photos", "photos#first=1", 1, Some("photos")),
            ("photos#but-last=9", "photos#last=9", 9, None),
            ("photos", "others", 3, None),
        ] {
            let found = hint(Some(on), given, images);
            assert_eq!(found.as_deref(), expected, "{on}, {given}");
        }
        assert_eq!(hint(None, "photos", 3), None);
    }
}
