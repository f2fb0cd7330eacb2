use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use super::per_class::weight;
use super::rank::{conformal_rank, samples_needed, share_rank};
use super::*;

/// 1, 2, …, n in an order that is not theirs.
fn shuffled(n: u32) -> Vec<f32> {
    // 7919 is a prime, and no n used here is its multiple.
    (0..n)
        .map(|i| (u64::from(i) * 7919 % u64::from(n) + 1) as f32)
        .collect()
}

fn exact_p_value(scores: &[f32], score: f32) -> f64 {
    let at_or_above = scores.iter().filter(|&&other| other >= score).count();
    (at_or_above as f64 + 1.0) / (scores.len() as f64 + 1.0)
}

#[test]
fn the_threshold_is_the_order_statistic_that_conformal_prediction_asks_for() {
    // ⌈(n+1)·0.95⌉: 19 of 19, 95 of 99, 96 of 100, 950 of 999, 951 of 1000.
    for (n, rank) in [
        (19, 19),
        (20, 20),
        (39, 38),
        (99, 95),
        (100, 96),
        (999, 950),
        (1000, 951),
    ] {
        let calibration = Calibration::id_positive(&shuffled(n), 0.95).unwrap();
        assert_eq!(calibration.threshold, f64::from(rank), "n = {n}");
        let flagged = f64::from(n - rank) / f64::from(n);
        assert_eq!(calibration.expected_flag_rate, flagged, "n = {n}");
        assert_eq!(calibration.count, n as usize);
    }
}

#[test]
fn floating_error_does_not_move_the_rank() {
    // Products that come out above the whole number that they mean; the ranks by whole numbers.
    for percent in 1..100_usize {
        let tpr = percent as f64 / 100.0;
        for n in 1..3000 {
            assert_eq!(
                conformal_rank(n, tpr),
                ((n + 1) * percent).div_ceil(100),
                "{n} {tpr}"
            );
            assert_eq!(share_rank(n, tpr), (n * percent).div_ceil(100), "{n} {tpr}");
        }
        assert_eq!(
            samples_needed(tpr),
            percent.div_ceil(100 - percent),
            "{tpr}"
        );
    }
}

#[test]
fn too_few_images_are_refused_with_the_number_needed() {
    for (n, tpr, needed) in [
        (18, 0.95, 19),
        (0, 0.95, 19),
        (1, 0.95, 19),
        (98, 0.99, 99),
        (0, 0.5, 1),
    ] {
        let error = Calibration::id_positive(&shuffled(n), tpr).unwrap_err();
        let expected = CalibrationError::TooFew {
            found: n as usize,
            needed,
            target_tpr: tpr,
        };
        assert_eq!(error, expected);
        assert!(error.to_string().contains(&needed.to_string()), "{error}");
        assert!(Calibration::id_positive(&shuffled(needed as u32), tpr).is_ok());
    }
}

#[test]
fn one_image_is_enough_where_the_target_is_one_half() {
    let calibration = Calibration::id_positive(&[3.0], 0.5).unwrap();
    assert_eq!(calibration.threshold, 3.0);
    assert_eq!(
        [2.0, 3.0, 4.0].map(|score| calibration.p_value(score)),
        [1.0, 1.0, 0.5]
    );
}

#[test]
fn a_target_outside_zero_to_one_is_refused() {
    for tpr in [0.0, 1.0, -0.1, 95.0, f64::NAN, f64::INFINITY] {
        let id = Calibration::id_positive(&shuffled(50), tpr);
        assert!(
            matches!(id, Err(CalibrationError::TargetOutOfRange { .. })),
            "{tpr}"
        );
        let ood = Calibration::ood_positive(&shuffled(50), &shuffled(50), tpr);
        assert!(
            matches!(ood, Err(CalibrationError::TargetOutOfRange { .. })),
            "{tpr}"
        );
    }
}

#[test]
fn scores_that_are_not_finite_are_refused_by_position() {
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut scores = shuffled(50);
        scores[31] = value;
        for result in [
            Calibration::id_positive(&scores, 0.95),
            Calibration::ood_positive(&scores, &shuffled(50), 0.95),
            Calibration::ood_positive(&shuffled(50), &scores, 0.95),
        ] {
            let error = result.unwrap_err();
            assert!(
                matches!(error, CalibrationError::NotFinite { index: 31, .. }),
                "{error}"
            );
        }
    }
}

#[test]
fn ties_at_the_threshold_pass() {
    let calibration = Calibration::id_positive(&[5.0; 40], 0.95).unwrap();
    assert_eq!(calibration.threshold, 5.0);
    assert!(!calibration.is_ood(5.0, 0));
    assert!(calibration.is_ood(5.0_f32.next_up(), 0));
    assert_eq!(calibration.expected_flag_rate, 0.0);
    assert_eq!(calibration.p_value(5.0), 1.0);
    assert_eq!(calibration.p_value(5.1), 1.0 / 41.0);
}

#[test]
fn a_score_that_is_nan_is_flagged_with_the_smallest_p_value() {
    let calibration = Calibration::id_positive(&shuffled(99), 0.95).unwrap();
    assert!(calibration.is_ood(f32::NAN, 0));
    assert_eq!(calibration.p_value(f32::NAN), 0.01);
    assert_eq!(calibration.p_value(f32::INFINITY), 0.01);
    assert_eq!(calibration.p_value(f32::NEG_INFINITY), 1.0);
}

#[test]
fn flagged_is_exactly_a_p_value_of_at_most_one_minus_k_over_n_plus_one() {
    let mut random = Pcg64Mcg::seed_from_u64(1);
    for n in [19, 20, 57, 99, 100, 333, 10_000] {
        for tpr in [0.5, 0.9, 0.95] {
            // One decimal: plenty of ties.
            let scores: Vec<f32> = (0..n)
                .map(|_| (random.random::<f32>() * 100.0).round() / 10.0)
                .collect();
            let calibration = Calibration::id_positive(&scores, tpr).unwrap();
            let rank = conformal_rank(n, tpr) as f64;
            // In whole numbers of 1/(n+1), so that no rounding decides.
            let most = (n as f64 + 1.0) - rank;
            for tenth in -5..=110 {
                let score = tenth as f32 / 10.0;
                let p_value = calibration.p_value(score);
                assert_eq!(p_value, exact_p_value(&scores, score));
                let at_most = (p_value * (n as f64 + 1.0)).round() <= most;
                assert_eq!(
                    calibration.is_ood(score, 0),
                    at_most,
                    "n = {n}, score {score}"
                );
            }
        }
    }
}

#[test]
fn exchangeable_images_are_flagged_at_most_as_often_as_promised() {
    const DRAWS: u32 = 20_000;
    let mut random = Pcg64Mcg::seed_from_u64(2);
    for n in [19_u32, 50, 99, 100] {
        let mut flagged = 0.0;
        let mut small_p_values = 0.0;
        for _ in 0..DRAWS {
            // A skewed distribution: the promise is for any.
            let mut draw = || -random.random::<f32>().ln();
            let scores: Vec<f32> = (0..n).map(|_| draw()).collect();
            let calibration = Calibration::id_positive(&scores, 0.95).unwrap();
            let fresh = draw();
            flagged += f64::from(u8::from(calibration.is_ood(fresh, 0)));
            small_p_values += f64::from(u8::from(calibration.p_value(fresh) <= 0.2));
        }
        // Without ties the chance is exactly this, at most 5 %.
        let chance = 1.0 - f64::from(conformal_rank(n as usize, 0.95) as u32) / f64::from(n + 1);
        assert!(chance <= 0.05 + 1e-12);
        let four_deviations = 4.0 * (chance * (1.0 - chance) / f64::from(DRAWS)).sqrt();
        let rate = flagged / f64::from(DRAWS);
        assert!(
            (rate - chance).abs() < four_deviations,
            "n = {n}: {rate}, expected {chance}"
        );
        let allowed = 0.2 + 4.0 * (0.2 * 0.8 / f64::from(DRAWS)).sqrt();
        assert!(small_p_values / f64::from(DRAWS) < allowed, "n = {n}");
    }
}

#[test]
fn ten_thousand_scores_are_kept_as_they_are() {
    let calibration = Calibration::id_positive(&shuffled(10_000), 0.95).unwrap();
    let expected: Vec<f32> = (1..=10_000).map(|i| i as f32).collect();
    assert_eq!(calibration.scores, expected);
}

#[test]
fn of_more_scores_evenly_spaced_ones_are_kept_with_both_ends() {
    let calibration = Calibration::id_positive(&shuffled(50_001), 0.95).unwrap();
    let kept = &calibration.scores;
    assert_eq!((kept.len(), calibration.count), (10_000, 50_001));
    assert_eq!((kept[0], kept[9_999]), (1.0, 50_001.0));
    // 50,000 steps over 9,999 gaps.
    assert!(
        kept.windows(2)
            .all(|pair| [5.0, 6.0].contains(&(pair[1] - pair[0])))
    );
    // The threshold comes from all of them.
    assert_eq!(calibration.threshold, 47_502.0);
}

#[test]
fn p_values_of_thinned_scores_stay_just_above_the_exact_ones() {
    let mut random = Pcg64Mcg::seed_from_u64(3);
    for n in [10_001, 10_007, 19_998, 25_000, 130_000] {
        let scores: Vec<f32> = (0..n).map(|_| random.random::<f32>().powi(3)).collect();
        let calibration = Calibration::id_positive(&scores, 0.95).unwrap();
        let mut sorted = scores.clone();
        sorted.sort_unstable_by(f32::total_cmp);
        let mut last = f64::INFINITY;
        for probe in (0..=2_000).map(|i| i as f32 / 2_000.0 * 1.1 - 0.05) {
            let at_or_above = n - sorted.partition_point(|&score| score < probe);
            let exact = (at_or_above as f64 + 1.0) / (n as f64 + 1.0);
            let p_value = calibration.p_value(probe);
            let excess = p_value - exact;
            assert!(
                (0.0..=1.0 / 9_999.0).contains(&excess),
                "n = {n}, {probe}: {excess}"
            );
            assert!(p_value > 0.0 && p_value <= 1.0 && p_value <= last);
            last = p_value;
        }
        let smallest = 1.0 / (n as f64 + 1.0);
        assert_eq!(calibration.p_value(sorted[n - 1].next_up()), smallest);
        assert_eq!(calibration.p_value(sorted[0]), 1.0);
    }
}

#[test]
fn ood_positive_catches_the_share_asked_for_and_not_one_more() {
    let id = shuffled(60);
    for (n, caught) in [(1, 1), (19, 19), (20, 19), (100, 95), (101, 96), (40, 38)] {
        let ood = shuffled(n);
        let calibration = Calibration::ood_positive(&id, &ood, 0.95).unwrap();
        let past = ood
            .iter()
            .filter(|&&score| calibration.is_ood(score, 0))
            .count();
        assert_eq!(past, caught, "n = {n}");
        // The next higher threshold would lose one.
        assert_eq!(
            calibration.threshold.next_up(),
            f64::from(n as usize as u32) - caught as f64 + 1.0
        );
        assert_eq!(calibration.convention, Convention::OodPositive);
    }
}

#[test]
fn ood_positive_flags_the_id_images_that_fpr95_counts() {
    let id: Vec<f32> = shuffled(200);
    let ood: Vec<f32> = shuffled(100).iter().map(|score| score + 120.0).collect();
    let calibration = Calibration::ood_positive(&id, &ood, 0.95).unwrap();
    let fpr = crate::detection::fpr_at_tpr_ood_positive(&id, &ood, 0.95).unwrap();
    assert_eq!(calibration.expected_flag_rate, fpr);
    // 126, the sixth of 121…220, is the last one caught; 126…200 of ID are flagged with it.
    assert_eq!(fpr, 75.0 / 200.0);
    assert_eq!(calibration.p_value(200.0), 2.0 / 201.0);
}

#[test]
fn ood_positive_needs_both_sides() {
    for (id, ood) in [(0, 5), (5, 0), (0, 0)] {
        let result = Calibration::ood_positive(&shuffled(id), &shuffled(ood), 0.95);
        assert!(matches!(
            result,
            Err(CalibrationError::TooFew { needed: 1, .. })
        ));
    }
}

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

#[test]
fn a_calibration_comes_back_from_json_bit_for_bit() {
    let mut random = Pcg64Mcg::seed_from_u64(5);
    let scores: Vec<f32> = (0..500).map(|_| -random.random::<f32>() * 40.0).collect();
    let predicted: Vec<usize> = (0..500).map(|i| i % 3).collect();
    let calibration = Calibration::id_positive(&scores, 0.95).unwrap();
    let calibration = calibration.with_per_class(&scores, &predicted, 3).unwrap();
    let json = serde_json::to_string(&calibration).unwrap();
    assert_eq!(
        serde_json::from_str::<Calibration>(&json).unwrap(),
        calibration
    );
    let ood = Calibration::ood_positive(&scores, &scores, 0.9).unwrap();
    let json = serde_json::to_string(&ood).unwrap();
    assert!(json.contains("\"convention\":\"ood_positive\""));
    assert_eq!(serde_json::from_str::<Calibration>(&json).unwrap(), ood);
}
