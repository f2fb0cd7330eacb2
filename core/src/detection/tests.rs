use serde::Deserialize;

use super::*;

#[derive(Deserialize)]
struct Fixture {
    detection: Vec<Case>,
    confidence: Vec<f32>,
    correct: Vec<bool>,
    calibration: Vec<Ece>,
    truth: Vec<usize>,
    predicted: Vec<usize>,
    groups: Groups,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    id: Vec<f32>,
    ood: Vec<f32>,
    auroc: f64,
    aupr: f64,
    roc: Vec<(f64, f64)>,
    fpr: Vec<Fpr>,
}

#[derive(Deserialize)]
struct Fpr {
    rate: f64,
    ood_positive: f64,
    id_positive: f64,
}

#[derive(Deserialize)]
struct Ece {
    bins: usize,
    ece: f64,
}

#[derive(Deserialize)]
struct Groups {
    overall: f64,
    many: f64,
    medium: f64,
    few: f64,
}

fn fixture() -> Fixture {
    serde_json::from_str(include_str!("../../tests/fixtures/detection.json")).unwrap()
}

#[track_caller]
fn assert_close(got: f64, expected: f64, what: &str) {
    assert!(
        (got - expected).abs() < 1e-12,
        "{what}: {got}, expected {expected}"
    );
}

#[test]
fn areas_and_rates_agree_with_scikit_learn() {
    for case in fixture().detection {
        let (id, ood, name) = (&case.id, &case.ood, &case.name);
        assert_close(auroc(id, ood).unwrap(), case.auroc, name);
        assert_close(aupr(id, ood).unwrap(), case.aupr, name);
        for Fpr {
            rate,
            ood_positive,
            id_positive,
        } in case.fpr
        {
            assert_close(
                fpr_at_tpr_ood_positive(id, ood, rate).unwrap(),
                ood_positive,
                name,
            );
            assert_close(
                fpr_at_tpr_id_positive(id, ood, rate).unwrap(),
                id_positive,
                name,
            );
        }
    }
}

#[test]
fn the_roc_curve_agrees_with_scikit_learn_point_by_point() {
    for case in fixture().detection {
        let curve = roc(&case.id, &case.ood).unwrap();
        assert_eq!(curve.len(), case.roc.len(), "{}", case.name);
        for (got, expected) in curve.iter().zip(&case.roc) {
            assert_close(got.0, expected.0, &case.name);
            assert_close(got.1, expected.1, &case.name);
        }
    }
}

#[test]
fn expected_calibration_error_agrees_with_numpy() {
    let fixture = fixture();
    for Ece {
        bins,
        ece: expected,
    } in fixture.calibration
    {
        let got = ece(&fixture.confidence, &fixture.correct, bins);
        assert!(
            (got - expected).abs() < 1e-7,
            "{bins} bins: {got}, expected {expected}"
        );
    }
}

#[test]
fn accuracy_by_group_agrees_with_numpy() {
    let Fixture {
        truth,
        predicted,
        groups: expected,
        ..
    } = fixture();
    let groups = class_groups(&[5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50]);
    let got = group_accuracy(&predicted, &truth, &groups);
    assert_close(got.overall, expected.overall, "overall");
    assert_close(got.many, expected.many, "many");
    assert_close(got.medium, expected.medium, "medium");
    assert_close(got.few, expected.few, "few");
    assert_close(accuracy(&predicted, &truth), expected.overall, "accuracy");
}

#[test]
fn by_hand_a_tie_between_id_and_ood_counts_half() {
    // Pairs (ID, OOD): 1<2, 1<3, 2=2, 2<3, so 3.5 of 4.
    assert_eq!(auroc(&[1.0, 2.0], &[2.0, 3.0]).unwrap(), 3.5 / 4.0);
    // Flagged at 3: 1 of 1 is correct; at 2: 2 of 3.
    assert_close(
        aupr(&[1.0, 2.0], &[2.0, 3.0]).unwrap(),
        0.5 + 0.5 * 2.0 / 3.0,
        "aupr",
    );
    // Catching both OOD images flags the ID image at 2 as well.
    assert_eq!(
        fpr_at_tpr_ood_positive(&[1.0, 2.0], &[2.0, 3.0], 0.95).unwrap(),
        0.5
    );
    // Letting both ID images pass lets the OOD image at 2 pass as well.
    assert_eq!(
        fpr_at_tpr_id_positive(&[1.0, 2.0], &[2.0, 3.0], 0.95).unwrap(),
        0.5
    );
}

#[test]
fn the_two_conventions_differ_where_the_sides_differ() {
    // One OOD image of twenty scores below every ID image. 95 % of OOD are caught without it, and no ID image is
    // flagged; but every threshold that lets 95 % of ID pass lets it pass too.
    let id: Vec<f32> = (0..20).map(|i| i as f32).collect();
    let ood: Vec<f32> = (0..20)
        .map(|i| if i == 0 { -1.0 } else { 18.5 + i as f32 })
        .collect();
    assert_eq!(fpr_at_tpr_ood_positive(&id, &ood, 0.95).unwrap(), 0.0);
    assert_eq!(fpr_at_tpr_id_positive(&id, &ood, 0.95).unwrap(), 1.0 / 20.0);
    assert_eq!(fpr_at_tpr_ood_positive(&id, &ood, 1.0).unwrap(), 1.0);
}

#[test]
fn scores_that_tell_nothing_give_one_half_and_the_share_of_ood() {
    let id = [0.0; 30];
    let ood = [0.0; 10];
    assert_eq!(auroc(&id, &ood).unwrap(), 0.5);
    assert_eq!(aupr(&id, &ood).unwrap(), 0.25);
    assert_eq!(fpr_at_tpr_ood_positive(&id, &ood, 0.95).unwrap(), 1.0);
    assert_eq!(fpr_at_tpr_id_positive(&id, &ood, 0.95).unwrap(), 1.0);
    assert_eq!(roc(&id, &ood).unwrap(), [(0.0, 0.0), (1.0, 1.0)]);
}

#[test]
fn infinite_scores_and_both_zeros_are_ordered_like_numbers() {
    let (below, above) = (f32::NEG_INFINITY, f32::INFINITY);
    assert_eq!(auroc(&[below, 0.0], &[1.0, above]).unwrap(), 1.0);
    assert_eq!(auroc(&[-0.0], &[0.0]).unwrap(), 0.5);
    assert_eq!(auroc(&[0.0, above], &[-0.0, above]).unwrap(), 0.5);
}

#[test]
fn one_class_only_is_an_error_that_names_the_missing_side() {
    let error = auroc(&[], &[1.0]).unwrap_err();
    assert_eq!(
        error,
        DetectionError::Empty {
            side: "in-distribution"
        }
    );
    let error = aupr(&[1.0], &[]).unwrap_err();
    assert_eq!(
        error,
        DetectionError::Empty {
            side: "out-of-distribution"
        }
    );
    assert!(fpr_at_tpr_ood_positive(&[], &[], 0.95).is_err());
    assert!(fpr_at_tpr_id_positive(&[1.0], &[], 0.95).is_err());
    assert!(roc(&[], &[1.0]).is_err());
}

#[test]
fn nan_is_an_error_that_names_the_image() {
    let error = auroc(&[0.0, 1.0], &[2.0, 3.0, f32::NAN]).unwrap_err();
    assert_eq!(
        error,
        DetectionError::NotANumber {
            side: "out-of-distribution",
            index: 2
        }
    );
    assert!(roc(&[f32::NAN], &[1.0]).is_err());
}

#[test]
fn a_rate_that_is_no_share_is_refused() {
    for tpr in [0.0, -0.5, 1.01, f64::NAN, f64::INFINITY] {
        let refused = |result| matches!(result, Err(DetectionError::RateOutOfRange { .. }));
        assert!(refused(fpr_at_tpr_ood_positive(&[0.0], &[1.0], tpr)));
        assert!(refused(fpr_at_tpr_id_positive(&[0.0], &[1.0], tpr)));
    }
}

#[test]
fn a_hundred_thousand_images_a_side_take_no_quadratic_time() {
    let id: Vec<f32> = (0..100_000).map(|i| (i % 1000) as f32).collect();
    let ood: Vec<f32> = (0..100_000).map(|i| (i % 1000) as f32 + 500.0).collect();
    // With u, v uniform on 0..1, P(v + 1/2 > u) = 7/8; ties are between equal numbers of both.
    assert_close(auroc(&id, &ood).unwrap(), 0.875, "auroc");
}

#[test]
fn ten_classes_are_three_many_four_medium_three_few_whatever_their_order() {
    use ClassGroup::{Few, Many, Medium};
    let groups = class_groups(&[50, 5000, 83, 2997, 139, 1796, 232, 1077, 387, 645]);
    let expected = [
        Few, Many, Few, Many, Few, Many, Medium, Medium, Medium, Medium,
    ];
    assert_eq!(groups, expected);
}

#[test]
fn a_hundred_classes_are_split_at_the_counts_of_ranks_34_and_67() {
    // All different: 34 above rank 34, 32 below rank 67.
    let counts: Vec<u64> = (0..100).rev().collect();
    let sizes = |counts: &[u64]| {
        let groups = class_groups(counts);
        [ClassGroup::Many, ClassGroup::Medium, ClassGroup::Few]
            .map(|group| groups.iter().filter(|&&other| other == group).count())
    };
    assert_eq!(sizes(&counts), [34, 34, 32]);
    // CIFAR100-LT at imbalance 100.
    let counts: Vec<u64> = (0..100)
        .map(|k| (500.0 * 0.01_f64.powf(f64::from(k) / 99.0)) as u64)
        .collect();
    assert_eq!(sizes(&counts), [34, 34, 32]);
}

#[test]
fn a_thousand_classes_are_split_above_100_and_below_20_images() {
    let mut counts = vec![50; 1000];
    counts[..4].copy_from_slice(&[101, 100, 20, 19]);
    let groups = class_groups(&counts);
    let expected = [
        ClassGroup::Many,
        ClassGroup::Medium,
        ClassGroup::Medium,
        ClassGroup::Few,
    ];
    assert_eq!(groups[..4], expected);
}

#[test]
fn odd_numbers_of_classes_and_equal_counts_are_split_by_rank() {
    use ClassGroup::{Few, Many, Medium};
    assert!(class_groups(&[]).is_empty());
    assert_eq!(class_groups(&[7]), [Medium]);
    assert_eq!(class_groups(&[7, 7]), [Medium, Medium]);
    assert_eq!(class_groups(&[7, 7, 7]), [Many, Medium, Few]);
    assert_eq!(
        class_groups(&[1, 2, 3, 4, 5]),
        [Few, Medium, Medium, Medium, Many]
    );
}

#[test]
fn of_two_hundred_classes_with_two_counts_those_that_come_first_rank_first() {
    use ClassGroup::{Few, Many, Medium};
    let counts: Vec<u64> = (0..200).map(|class| 5 + class % 2).collect();
    let expected: Vec<ClassGroup> = (0..200)
        .map(|class| match class % 2 {
            1 if class < 2 * 66 => Many,
            0 if class >= 200 - 2 * 66 => Few,
            _ => Medium,
        })
        .collect();
    assert_eq!(class_groups(&counts), expected);
}

#[test]
fn a_group_without_images_has_no_accuracy() {
    let groups = class_groups(&[9, 5, 1]);
    let got = group_accuracy(&[0, 1, 1, 7], &[0, 0, 1, 7], &groups);
    assert_eq!((got.overall, got.many, got.medium), (0.75, 0.5, 1.0));
    assert!(got.few.is_nan());
    assert!(accuracy(&[], &[]).is_nan());
    assert!(accuracy(&[1, 2], &[1]).is_nan());
}

#[test]
fn ece_by_hand_with_confidences_on_the_edges_of_bins() {
    // Bin (0.9, 1]: 1.0 right. Bin (0.4, 0.5]: 0.5 wrong. First bin: 0.0 wrong, no gap.
    assert_eq!(ece(&[1.0, 0.5, 0.0], &[true, false, false], 10), 0.5 / 3.0);
    // Over- and under-confidence within one bin cancel.
    assert!(ece(&[0.5, 0.5], &[true, false], 15) < 1e-12);
    assert_eq!(ece(&[1.0; 4], &[true; 4], 15), 0.0);
}

#[test]
fn ece_of_nothing_or_of_no_probability_is_nan() {
    assert!(ece(&[], &[], 15).is_nan());
    assert!(ece(&[0.5], &[], 15).is_nan());
    assert!(ece(&[0.5], &[true], 0).is_nan());
    assert!(ece(&[f32::NAN], &[true], 15).is_nan());
    assert!(ece(&[1.5], &[true], 15).is_nan());
    assert!(ece(&[-0.1], &[true], 15).is_nan());
}

#[test]
fn the_activation_ratio_counts_entries_above_zero() {
    assert_eq!(activation_ratio(&[0.0, 1.0, -1.0, 1e-30]), 0.5);
    assert_eq!(activation_ratio(&[f32::NAN, 1.0]), 0.5);
    assert_eq!(activation_ratio(&[0.0; 3]), 0.0);
    assert!(activation_ratio(&[]).is_nan());
}
