//! Whether images to calibrate on may be those that the model was trained on: their scores are lower than
//! new images', and so is a threshold from them.

use normgate_core::manifest::TrainingRecord;

use crate::datasets::SetSpec;

/// The name of a set that the training record has too, where there are at least as many images of every
/// class as were trained on. Names and counts are all that is known, so this is a hint and no proof.
pub(super) fn hint(
    record: Option<&TrainingRecord>,
    data: &[SetSpec],
    class_counts: &[u64],
) -> Option<String> {
    let record = record?;
    let mut pairs = record.class_counts.iter().zip(class_counts);
    if !pairs.all(|(trained, given)| given >= trained) {
        return None;
    }
    let is_known = |name: &String| {
        // Behind a set's name stands what was held out of it.
        let mut sets = record
            .data
            .iter()
            .map(|set| set.split(" (held out: ").next());
        sets.any(|set| set == Some(name))
    };
    data.iter().map(SetSpec::describe).find(is_known)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hinted(data: &str, class_counts: &[u64]) -> Option<String> {
        let record = TrainingRecord {
            method: "rna".into(),
            class_counts: vec![50, 5],
            command: None,
            seed: 1,
            epochs: 1,
            data: vec!["other".into(), "photos (held out: all=9)".into()],
            auxiliary: Vec::new(),
        };
        hint(Some(&record), &[data.parse().unwrap()], class_counts)
    }

    #[test]
    fn a_set_of_the_name_and_size_of_what_was_trained_on_is_named() {
        assert_eq!(hinted("some/photos", &[59, 14]), Some("photos".into()));
        assert_eq!(hinted("some/other/", &[50, 5]), Some("other".into()));
    }

    #[test]
    fn what_was_held_out_and_a_test_set_of_the_same_name_are_not() {
        assert_eq!(hinted("some/photos#last=9", &[9, 9]), None);
        // CIFAR's official folder has both.
        assert_eq!(hinted("some/photos", &[10, 10]), None);
        assert_eq!(hinted("my-photos", &[59, 14]), None);
        assert_eq!(hint(None, &["photos".parse().unwrap()], &[9]), None);
    }
}
