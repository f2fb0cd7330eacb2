mod file;
mod fitted;

use serde::Deserialize;

use super::*;
use std::collections::HashMap;
use std::sync::Arc;

#[derive(Deserialize)]
struct Case {
    logits: Vec<f32>,
    representation: Vec<f32>,
    softmax: Vec<f64>,
    #[serde(flatten)]
    scores: HashMap<ScoreKind, f64>,
}

fn cases() -> Vec<Case> {
    serde_json::from_str(include_str!("../../../tests/fixtures/scores.json")).unwrap()
}

/// The scores that need nothing but the output.
fn unfitted() -> impl Iterator<Item = Arc<dyn Score>> {
    ScoreKind::ALL.into_iter().filter_map(ScoreKind::unfitted)
}

#[track_caller]
fn assert_close(got: f32, expected: f64, what: &str) {
    let allowed = 2.0 * f64::from(f32::EPSILON) * expected.abs().max(1e-30);
    assert!(
        (f64::from(got) - expected).abs() <= allowed,
        "{what}: {got}, expected {expected}"
    );
}

#[test]
fn every_score_agrees_with_scipy() {
    for case in cases() {
        for score in unfitted() {
            let got = score.score(&case.logits, &case.representation);
            let kind = score.kind();
            assert_close(got, case.scores[&kind], kind.name());
        }
    }
}

#[test]
fn softmax_agrees_with_scipy_and_sums_to_one() {
    for case in cases() {
        let probabilities = softmax(&case.logits);
        for (&got, &expected) in probabilities.iter().zip(&case.softmax) {
            assert_close(got, expected, "probability");
        }
        let sum: f32 = probabilities.iter().sum();
        assert!((sum - 1.0).abs() < 1e-5);
    }
}

#[test]
fn by_hand_a_three_four_representation_has_norm_five_and_two_equal_logits_share_it() {
    let of = |score: &dyn Score| score.score(&[2.0, 2.0], &[3.0, 0.0, 4.0]);
    assert_eq!(of(&RepresentationNorm), -5.0);
    assert_eq!(of(&Msp), -0.5);
    assert_eq!(of(&MaxLogit), -2.0);
    assert_close(of(&Energy), -(2.0 + std::f64::consts::LN_2), "energy");
    // 2 · (0.5 · 0.5)^0.1
    assert_close(of(&Gen), 2.0 * 0.25f64.powf(0.1), "gen");
}

#[test]
fn enormous_outputs_do_not_overflow() {
    let logits = [3.0e38_f32, -3.0e38, 0.0];
    let representation = [1.0e38_f32; 4];
    assert_eq!(softmax(&logits), [1.0, 0.0, 0.0]);
    assert_eq!(Msp.score(&logits, &[]), -1.0);
    assert_eq!(Energy.score(&logits, &[]), -3.0e38);
    assert_eq!(RepresentationNorm.score(&[], &representation), -2.0e38);
    assert_eq!(softmax(&[-3.0e38, -3.0e38]), [0.5, 0.5]);
}

#[test]
fn tiny_entries_of_a_representation_count() {
    let mut representation = vec![1.0e-4_f32; 10_000];
    representation.push(1.0);
    assert_close(
        RepresentationNorm.score(&[], &representation),
        -(1.0 + 1e4 * f64::from(1.0e-4_f32).powi(2)).sqrt(),
        "norm",
    );
}

#[test]
fn nan_in_gives_nan_out_and_never_a_plausible_score() {
    for logits in [
        [f32::NAN, 1.0, 2.0],
        [1.0, f32::NAN, 2.0],
        [1.0, 2.0, f32::NAN],
    ] {
        for score in unfitted().skip(1) {
            assert!(score.score(&logits, &[]).is_nan(), "{}", score.kind());
        }
        assert!(softmax(&logits).iter().all(|p| p.is_nan()));
        assert!(RepresentationNorm.score(&[], &logits).is_nan());
    }
}

#[test]
fn no_logits_give_no_finite_score() {
    for score in unfitted().skip(1) {
        assert!(!score.score(&[], &[1.0]).is_finite(), "{}", score.kind());
    }
    assert!(softmax(&[]).is_empty());
}

#[test]
fn a_more_certain_model_scores_lower_under_every_score() {
    for score in unfitted() {
        let sure = score.score(&[9.0, 0.0, 0.0], &[8.0, 6.0]);
        let unsure = score.score(&[1.0, 0.5, 0.0], &[0.1, 0.1]);
        assert!(sure < unsure, "{}", score.kind());
    }
}

#[test]
fn names_survive_the_way_through_text_and_json() {
    for (index, kind) in ScoreKind::ALL.into_iter().enumerate() {
        assert_eq!(kind as usize, index);
        let json = format!("\"{kind}\"");
        assert_eq!(serde_json::to_string(&kind).unwrap(), json);
        assert_eq!(serde_json::from_str::<ScoreKind>(&json).unwrap(), kind);
    }
    for score in unfitted() {
        assert_eq!(score.kind().unfitted().unwrap().kind(), score.kind());
    }
}

#[test]
fn both_tables_of_the_documentation_have_a_line_for_each_score() {
    let documented = include_str!("../../../../docs/scores.md");
    for kind in ScoreKind::ALL {
        let begins = format!("| `{}`", kind.name());
        let lines = documented.lines().filter(|line| line.starts_with(&begins));
        assert_eq!(lines.count(), 2, "{kind}");
    }
}
