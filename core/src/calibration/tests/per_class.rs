//! Thresholds for each predicted class.

use super::*;
use crate::calibration::per_class::weight;

/// A head class of low scores and classes of fewer images and higher scores.
fn long_tail(counts: &[usize]) -> (Vec<f32>, Vec<usize>) {
    let mut random = Pcg64Mcg::seed_from_u64(4);
    let of = |(class, &count): (usize, &usize)| vec![class; count];
    let predicted: Vec<usize> = counts.iter().enumerate().flat_map(of).collect();
    let scores = predicted
        .iter()
        .map(|&class| random.random::<f32>() + class as f32)
        .collect();
    (scores, predicted)
}

#[test]
fn classes_have_the_global_threshold_their_own_or_a_blend_by_their_count() {
    let counts = [2000, 190, 100, 19, 18, 0];
    let (scores, predicted) = long_tail(&counts);
    let global = Calibration::id_positive(&scores, 0.95).unwrap();
    let calibration = global
        .clone()
        .with_per_class(&scores, &predicted, counts.len())
        .unwrap();
    let classes = calibration.per_class.as_ref().unwrap();
    assert_eq!(
        classes.iter().map(|class| class.count).collect::<Vec<_>>(),
        counts
    );
    let own = |class: usize| {
        let pairs = scores.iter().zip(&predicted);
        let own: Vec<f32> = pairs
            .filter(|&(_, &c)| c == class)
            .map(|(&score, _)| score)
            .collect();
        Calibration::id_positive(&own, 0.95).unwrap().threshold
    };
    assert_eq!(calibration.threshold_for(0), own(0));
    assert_eq!(calibration.threshold_for(1), own(1));
    for class in [2, 3] {
        let (low, high) = (
            own(class).min(global.threshold),
            own(class).max(global.threshold),
        );
        let blend = calibration.threshold_for(class);
        assert!(
            low < blend && blend < high,
            "class {class}: {low} {blend} {high}"
        );
        let share = (blend - global.threshold) / (own(class) - global.threshold);
        assert!((share - (counts[class] as f64 - 18.0) / 172.0).abs() < 1e-9);
    }
    // Too few, none, and no such class.
    for class in [4, 5, 99] {
        assert_eq!(calibration.threshold_for(class), global.threshold);
    }
}

#[test]
fn the_weight_of_a_classs_own_threshold_grows_with_its_count() {
    for needed in [1, 3, 19, 99] {
        let weights: Vec<f64> = (0..2000).map(|count| weight(count, needed)).collect();
        assert!(weights.windows(2).all(|pair| pair[0] <= pair[1]));
        assert!(weights[..needed].iter().all(|&weight| weight == 0.0));
        assert!(weights[needed] > 0.0 && weights[10 * needed - 1] < 1.0);
        assert!(weights[10 * needed..].iter().all(|&weight| weight == 1.0));
    }
}

#[test]
fn per_class_thresholds_flag_tail_classes_no_more_often_than_head_classes() {
    let counts = [3000, 1000, 300];
    let (scores, predicted) = long_tail(&counts);
    let global = Calibration::id_positive(&scores, 0.95).unwrap();
    let flagged = |calibration: &Calibration, class: usize| {
        let pairs = scores.iter().zip(&predicted).filter(|&(_, &c)| c == class);
        let flagged = pairs
            .filter(|&(&score, _)| calibration.is_ood(score, class))
            .count();
        flagged as f64 / counts[class] as f64
    };
    assert!(flagged(&global, 0) == 0.0 && flagged(&global, 2) > 0.5);
    let calibration = global.with_per_class(&scores, &predicted, 3).unwrap();
    for class in 0..3 {
        let rate = flagged(&calibration, class);
        assert!((0.04..=0.05).contains(&rate), "class {class}: {rate}");
    }
    let all: f64 = (0..3)
        .map(|class| flagged(&calibration, class) * counts[class] as f64)
        .sum();
    assert!((calibration.expected_flag_rate - all / 4300.0).abs() < 1e-12);
}

#[test]
fn per_class_thresholds_are_refused_for_other_images_classes_and_conventions() {
    let (scores, predicted) = long_tail(&[30, 30]);
    let global = || Calibration::id_positive(&scores, 0.95).unwrap();
    let not_the_same = |result| {
        matches!(
            result,
            Err(CalibrationError::NotTheSameImages { expected: 60, .. })
        )
    };
    assert!(not_the_same(global().with_per_class(
        &scores,
        &predicted[1..],
        2
    )));
    assert!(not_the_same(global().with_per_class(
        &scores[1..],
        &predicted[1..],
        2
    )));
    let mut other = scores.clone();
    other[7] += 1.0;
    assert!(not_the_same(global().with_per_class(&other, &predicted, 2)));
    let error = global().with_per_class(&scores, &predicted, 1).unwrap_err();
    assert_eq!(
        error,
        CalibrationError::NoSuchClass {
            index: 30,
            class: 1,
            classes: 1
        }
    );
    let ood = Calibration::ood_positive(&scores, &[5.0], 0.95).unwrap();
    let error = ood.with_per_class(&scores, &predicted, 2).unwrap_err();
    assert_eq!(error, CalibrationError::PerClassNeedsIdPositive);
}
