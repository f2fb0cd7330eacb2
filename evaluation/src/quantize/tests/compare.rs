use normgate_core::calibration::Calibration;
use normgate_core::scores::RepresentationNorm;

use crate::outputs::SetOutputs;
use crate::quantize::compare::{Changes, Row, compare};

/// What a model of two classes answered: the class and the norm, which is minus the score.
fn answers(name: &str, images: &[(usize, f32)], labels: &[Option<usize>]) -> SetOutputs {
    let logits = |&(class, _): &(usize, f32)| match class {
        0 => [1.0, 0.0],
        _ => [0.0, 1.0],
    };
    SetOutputs {
        name: name.into(),
        logits: images.iter().flat_map(logits).collect(),
        representation: images.iter().map(|(_, norm)| *norm).collect(),
        count: images.len(),
        classes: 2,
        size: 1,
        labels: labels.into(),
    }
}

fn test_set(labels: &[Option<usize>]) -> (SetOutputs, SetOutputs) {
    let fp32 = [(0, 5.0), (0, 4.0), (1, 3.0), (0, 1.0)];
    let int8 = [(0, 5.5), (1, 4.0), (1, 2.5), (0, 0.5)];
    (
        answers("test", &fp32, labels),
        answers("test", &int8, labels),
    )
}

const LABELS: [Option<usize>; 4] = [Some(0), Some(0), Some(1), Some(1)];

/// The fp32 model flags norms below 2, the int8 model norms below 3.
fn row(set: &(SetOutputs, SetOutputs), id: Option<&(SetOutputs, SetOutputs)>) -> Row {
    let [old, new] = [-2.0, -3.0].map(|threshold| Calibration {
        threshold,
        ..Calibration::id_positive(&[0.0; 19], 0.95).unwrap()
    });
    let changes = Changes {
        scores: [&RepresentationNorm, &RepresentationNorm],
        old: &old,
        new: &new,
        spread_of: &answers("calibration", &[(0, 1.0), (1, 5.0)], &[None; 2]),
    };
    compare(&changes, set, id).unwrap()
}

#[test]
fn both_models_are_judged_by_the_labels_and_each_by_its_own_threshold() {
    let row = row(&test_set(&LABELS), None);
    assert_eq!((row.name.as_str(), row.images), ("test", 4));
    assert_eq!(row.accuracy, Some([0.75, 0.5]));
    assert_eq!(row.flagged, [0.25, 0.5]);
    assert_eq!(row.auroc, None);
}

#[test]
fn a_decision_differs_by_its_label_or_its_flag() {
    // The second image gets another label, the third another flag.
    let row = row(&test_set(&LABELS), None);
    assert_eq!([row.labels_differ, row.flags_differ], [0.25, 0.25]);
    assert_eq!(row.decisions_differ, 0.5);
}

#[test]
fn scores_move_by_standard_deviations_of_the_calibration_images() {
    // By 0.5, 0, 0.5 and 0.5, where 1 and 5 deviate by 2 from their mean.
    let row = row(&test_set(&LABELS), None);
    assert_eq!(row.score_change, [0.1875, 0.25]);
}

#[test]
fn auroc_is_the_share_of_pairs_in_which_the_ood_image_has_the_higher_score() {
    let test = test_set(&LABELS);
    let strange = (
        answers("strange", &[(0, 0.5), (0, 3.5)], &[None; 2]),
        answers("strange", &[(0, 0.25), (0, 4.5)], &[None; 2]),
    );
    let row = row(&strange, Some(&test));
    assert_eq!(row.auroc, Some([6.0 / 8.0, 5.0 / 8.0]));
    assert_eq!(row.flagged, [0.5, 0.5]);
    assert_eq!((row.name.as_str(), row.accuracy), ("strange", None));
}

#[test]
fn without_a_label_for_every_image_there_is_no_accuracy_but_all_else() {
    let with = row(&test_set(&LABELS), None);
    let without = row(&test_set(&[Some(0), Some(0), Some(1), None]), None);
    assert_eq!(without.accuracy, None);
    assert_eq!(without.flagged, with.flagged);
    assert_eq!(without.decisions_differ, with.decisions_differ);
    assert_eq!(without.score_change, with.score_change);
}
