mod likeness;
mod per_class;
mod promise;

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use super::rank::{conformal_rank, samples_needed, share_rank};
use super::*;

/// 1, 2, …, n, shuffled.
fn shuffled(n: u32) -> Vec<f32> {
    // 7919 is a prime, and no n used here is a multiple of it.
    (0..n)
        .map(|i| (u64::from(i) * 7919 % u64::from(n) + 1) as f32)
        .collect()
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
    // Floating-point products can come out above the whole number that they mean; the expected ranks use integers.
    for percent in 1..100_usize {
        let tpr = percent as f64 / 100.0;
        // With many images, a true distance from a whole number is a tiny share of it without being a rounding error.
        for n in (1..3000).chain([1_000_018, 12_345_678]) {
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
        // The next higher threshold would miss one.
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
    // 126, the sixth of 121…220, is the last one caught; ID images 126…200 are flagged with it.
    assert_eq!(fpr, 75.0 / 200.0);
    assert_eq!(calibration.p_value(200.0), 2.0 / 201.0);
}

#[test]
fn ood_positive_needs_both_sides() {
    for (id, ood) in [(0, 5), (5, 0), (0, 0)] {
        let result = Calibration::ood_positive(&shuffled(id), &shuffled(ood), 0.95);
        let side = if id == 0 {
            "in-distribution"
        } else {
            "out-of-distribution"
        };
        assert_eq!(result, Err(CalibrationError::Empty { side }));
    }
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

#[test]
fn the_share_of_new_images_that_will_be_flagged_is_a_beta_variable_s() {
    let scores = |count: usize| -> Vec<f32> { (0..count).map(|n| n as f32).collect() };
    for (count, tpr, a, b) in [
        (19, 0.95, 1.0, 19.0),
        (199, 0.95, 10.0, 190.0),
        (9, 0.5, 5.0, 5.0),
    ] {
        let calibration = Calibration::id_positive(&scores(count), tpr).unwrap();
        let FlagRate { mean, deviation } = calibration.flag_rate().unwrap();
        let all: f64 = a + b;
        assert!((mean - a / all).abs() < 1e-12, "{count}: {mean}");
        let variance = a * b / (all * all * (all + 1.0));
        assert!(
            (deviation - variance.sqrt()).abs() < 1e-12,
            "{count}: {deviation}"
        );
    }
}
