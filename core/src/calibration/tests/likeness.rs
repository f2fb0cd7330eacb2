//! Whether scores are those that a calibration was made from.

use super::*;

/// This many scores, different for each seed.
fn drawn(count: usize, seed: u64) -> Vec<f32> {
    let mut random = Pcg64Mcg::seed_from_u64(seed);
    let mut draw = || -30.0 * random.random::<f32>().powi(2);
    (0..count).map(|_| draw()).collect()
}

#[test]
fn what_it_was_made_from_is_known_again_in_any_order_and_on_another_machine() {
    // With more than 10,000, some are thinned out.
    for count in [19, 3000, 25_000] {
        let mut scores = drawn(count, 1);
        let calibration = Calibration::id_positive(&scores, 0.95).unwrap();
        scores.reverse();
        assert!(calibration.was_made_from(&scores), "{count}");
        let elsewhere: Vec<f32> = scores.iter().map(|score| score * (1.0 + 1e-6)).collect();
        assert!(calibration.was_made_from(&elsewhere), "{count}");
    }
    // On another machine, one image in 3,000 fell on the other side of a rounding step.
    let mut scores = drawn(3000, 1);
    let calibration = Calibration::id_positive(&scores, 0.95).unwrap();
    scores[7] -= 1.0;
    assert!(calibration.was_made_from(&scores));
}

#[test]
fn an_image_far_from_all_others_does_not_hide_that_the_others_are_new() {
    let with_it = |seed| [drawn(2999, seed), vec![-1e4]].concat();
    let calibration = Calibration::id_positive(&with_it(1), 0.95).unwrap();
    assert!(calibration.was_made_from(&with_it(1)));
    assert!(!calibration.was_made_from(&with_it(2)));
}

#[test]
fn other_images_of_the_same_kind_are_told_from_those_that_it_was_made_from() {
    for count in [19, 3000, 25_000] {
        let mut scores = drawn(count, 1);
        let calibration = Calibration::id_positive(&scores, 0.95).unwrap();
        assert!(!calibration.was_made_from(&drawn(count, 2)), "{count}");
        assert!(!calibration.was_made_from(&scores[1..]), "{count}");
        scores[..count / 20 + 1].fill(0.5);
        assert!(!calibration.was_made_from(&scores), "{count}");
    }
    let calibration = Calibration::id_positive(&[2.0; 20], 0.95).unwrap();
    assert!(calibration.was_made_from(&[2.0; 20]) && !calibration.was_made_from(&[2.1; 20]));
    let mut broken = [2.0; 20];
    broken[3] = f32::NAN;
    assert!(!calibration.was_made_from(&broken));
}
