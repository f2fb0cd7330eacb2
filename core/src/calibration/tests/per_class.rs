//! Thresholds for each predicted class.

use super::*;

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

/// The threshold of these classes' images alone.
fn of_classes(scores: &[f32], predicted: &[usize], classes: &[usize]) -> f64 {
    let pairs = scores.iter().zip(predicted);
    let theirs = pairs.filter(|(_, class)| classes.contains(class));
    let theirs: Vec<f32> = theirs.map(|(&score, _)| score).collect();
    Calibration::id_positive(&theirs, 0.95).unwrap().threshold
}

fn thresholds(counts: &[usize]) -> (Calibration, Vec<f32>, Vec<usize>) {
    let (scores, predicted) = long_tail(counts);
    let global = Calibration::id_positive(&scores, 0.95).unwrap();
    let calibration = global.with_per_class(&scores, &predicted, counts.len());
    (calibration.unwrap(), scores, predicted)
}

#[test]
fn a_class_of_190_images_has_its_own_threshold_and_smaller_ones_share_theirs() {
    let counts = [2000, 190, 189, 19, 1, 0];
    let (calibration, scores, predicted) = thresholds(&counts);
    let classes = calibration.per_class.as_ref().unwrap();
    let found: Vec<usize> = classes.iter().map(|class| class.count).collect();
    assert_eq!(found, counts);
    let own = |classes: &[usize]| of_classes(&scores, &predicted, classes);
    assert_eq!(calibration.threshold_for(0), own(&[0]));
    assert_eq!(calibration.threshold_for(1), own(&[1]));
    for class in 2..6 {
        assert_eq!(calibration.threshold_for(class), own(&[2, 3, 4]), "{class}");
    }
    assert_eq!(calibration.threshold_for(99), calibration.threshold);
    let own = calibration.have_own_threshold();
    assert_eq!(own, [true, true, false, false, false, false]);
}

#[test]
fn where_those_that_share_are_too_few_the_next_smallest_class_joins_them() {
    let (calibration, scores, predicted) = thresholds(&[2000, 300, 200, 5]);
    let own = |classes: &[usize]| of_classes(&scores, &predicted, classes);
    assert_eq!(calibration.threshold_for(0), own(&[0]));
    assert_eq!(calibration.threshold_for(1), own(&[1]));
    for class in [2, 3] {
        assert_eq!(calibration.threshold_for(class), own(&[2, 3]), "{class}");
    }
    // A class that no image was predicted as needs no other to join it. If all classes share, they have the global
    // threshold.
    let (calibration, scores, predicted) = thresholds(&[2000, 300, 0]);
    assert_eq!(
        calibration.threshold_for(1),
        of_classes(&scores, &predicted, &[1])
    );
    assert_eq!(calibration.have_own_threshold(), [true, true, false]);
    let (calibration, ..) = thresholds(&[100, 50, 30]);
    for class in 0..3 {
        assert_eq!(calibration.threshold_for(class), calibration.threshold);
    }
}

/// On new images of the same classes, for several sets of counts.
#[test]
fn new_images_are_flagged_in_one_case_of_twenty_whatever_the_classes_counts() {
    for counts in [
        vec![2000, 190, 100, 19, 18],
        vec![300, 300, 300, 100, 100, 100, 100, 60, 60, 60],
        vec![3000, 1000, 300],
        vec![40, 30, 20],
    ] {
        let classes = counts.len();
        let total: usize = counts.iter().sum();
        let mut random = Pcg64Mcg::seed_from_u64(5);
        // Classes are drawn at random, as in the world; the rarer a class, the higher its scores.
        let mut draw = |count: usize| -> (Vec<f32>, Vec<usize>) {
            (0..count)
                .map(|_| {
                    let mut place = random.random_range(0..total);
                    let mut class = 0;
                    while place >= counts[class] {
                        place -= counts[class];
                        class += 1;
                    }
                    (random.random::<f32>() + class as f32, class)
                })
                .unzip()
        };
        let mut flagged = 0;
        const CALIBRATIONS: usize = 200;
        const NEW: usize = 2000;
        for _ in 0..CALIBRATIONS {
            let (scores, predicted) = draw(total);
            let calibration = Calibration::id_positive(&scores, 0.95)
                .and_then(|global| global.with_per_class(&scores, &predicted, classes))
                .unwrap();
            let (scores, predicted) = draw(NEW);
            let pairs = scores.iter().zip(&predicted);
            let above = pairs.filter(|&(&score, &class)| calibration.is_ood(score, class));
            flagged += above.count();
        }
        let share = flagged as f64 / (CALIBRATIONS * NEW) as f64;
        assert!((0.03..0.0515).contains(&share), "{counts:?}: {share}");
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

#[test]
fn the_share_of_new_images_that_will_be_flagged_is_that_of_each_threshold_by_its_images() {
    // The threshold is the 286th of 300 images, the 191st of 200, and the 182nd of the 190 that share one: 15/301,
    // 10/201 and 9/191 of new images are above. Of all 690 it would be the 657th, with 34/691 above.
    let (calibration, ..) = thresholds(&[300, 200, 150, 40]);
    let parts = [(300.0, 15.0), (200.0, 10.0), (190.0, 9.0)];
    let of = |(n, above): (f64, f64)| (n / 690.0, above / (n + 1.0), n + 2.0);
    let mean: f64 = parts.map(of).iter().map(|(share, p, _)| share * p).sum();
    let of_part = |(share, p, n): (f64, f64, f64)| share * share * p * (1.0 - p) / n;
    let variance: f64 = parts.map(of).map(of_part).iter().sum();
    let FlagRate {
        mean: found,
        deviation,
    } = calibration.flag_rate().unwrap();
    assert!((found - mean).abs() < 1e-12, "{found} {mean}");
    assert!((deviation - variance.sqrt()).abs() < 1e-12, "{deviation}");
    let global = Calibration {
        per_class: None,
        ..calibration
    }
    .flag_rate()
    .unwrap()
    .mean;
    assert!((global - 34.0 / 691.0).abs() < 1e-12, "{global}");
}
