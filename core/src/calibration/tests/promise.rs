//! P-values: what they promise, and what is left of it when scores are thinned out.

use super::*;

fn exact_p_value(scores: &[f32], score: f32) -> f64 {
    let at_or_above = scores.iter().filter(|&&other| other >= score).count();
    (at_or_above as f64 + 1.0) / (scores.len() as f64 + 1.0)
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
            // One decimal, for plenty of ties.
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
            // A skewed distribution: the promise holds for any.
            let mut draw = || -random.random::<f32>().ln();
            let scores: Vec<f32> = (0..n).map(|_| draw()).collect();
            let calibration = Calibration::id_positive(&scores, 0.95).unwrap();
            let fresh = draw();
            flagged += f64::from(u8::from(calibration.is_ood(fresh, 0)));
            small_p_values += f64::from(u8::from(calibration.p_value(fresh) <= 0.2));
        }
        // Without ties the probability is exactly this, at most 5 %.
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
    // Each is the nearest one: a file does not say how its scores were chosen, and readers rely on this rule.
    for (index, score) in kept.iter().enumerate() {
        let even = 1.0 + index as f64 * 50_000.0 / 9_999.0;
        assert!((f64::from(*score) - even).abs() <= 0.5, "{index}: {score}");
    }
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
