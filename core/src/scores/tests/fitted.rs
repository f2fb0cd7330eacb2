use std::collections::HashMap;

use super::*;
use crate::onnx::{LastLayer, LastLayerError};
use crate::scores::vectors::dot;

/// A small model, its training images, test images, and what numpy says of them.
#[derive(Deserialize)]
pub(super) struct Case {
    pub(super) classes: usize,
    pub(super) size: usize,
    weights: Vec<f32>,
    bias: Vec<f32>,
    labels: Vec<usize>,
    train: Vec<f32>,
    test: Vec<f32>,
    scores: HashMap<ScoreKind, Vec<f64>>,
}

pub(super) fn cases() -> Vec<Case> {
    serde_json::from_str(include_str!("../../../tests/fixtures/fitted_scores.json")).unwrap()
}

pub(super) fn kinds() -> impl Iterator<Item = ScoreKind> {
    ScoreKind::ALL.into_iter().filter(|kind| kind.is_fitted())
}

impl Case {
    fn layer(&self) -> LastLayer {
        LastLayer {
            weights: self.weights.clone(),
            bias: self.bias.clone(),
        }
    }

    fn logits(&self, x: &[f32]) -> Vec<f32> {
        let rows = self.weights.chunks_exact(self.size).zip(&self.bias);
        rows.map(|(row, bias)| dot(row, x) + bias).collect()
    }

    pub(super) fn fit(&self, kind: ScoreKind) -> Result<Fitted, FitError> {
        self.fit_with(kind, &self.labels, Ok(self.layer()))
    }

    fn fit_with(
        &self,
        kind: ScoreKind,
        labels: &[usize],
        layer: Result<LastLayer, LastLayerError>,
    ) -> Result<Fitted, FitError> {
        let rows = self.train.chunks_exact(self.size);
        let logits: Vec<f32> = rows.flat_map(|x| self.logits(x)).collect();
        let sizes = (self.classes, self.size);
        let data = FitData::new(sizes, labels, &logits, &self.train, layer)?;
        Fitted::fit(kind, &data, Some("made up".into()))
    }
}

#[test]
fn every_fitted_score_agrees_with_numpy() {
    for case in cases() {
        for kind in kinds() {
            let score = case.fit(kind).unwrap();
            assert_eq!(score.kind(), kind);
            let rows = case.test.chunks_exact(case.size);
            for (x, &expected) in rows.zip(&case.scores[&kind]) {
                let got = f64::from(score.score(&case.logits(x), x));
                let allowed = 2e-4 * expected.abs().max(1.0);
                assert!(
                    (got - expected).abs() <= allowed,
                    "{kind} of {} classes: {got}, expected {expected}",
                    case.classes
                );
            }
        }
    }
}

#[test]
fn of_representations_of_a_few_values_at_least_one_is_kept() {
    for kind in [ScoreKind::Ash, ScoreKind::Scale] {
        let case = Case {
            classes: 2,
            size: 2,
            weights: vec![1.0, 0.0, 0.0, 1.0],
            bias: vec![0.0, 0.0],
            labels: vec![0, 1],
            train: vec![1.0, 0.1, 0.1, 1.0],
            test: Vec::new(),
            scores: HashMap::new(),
        };
        let score = case.fit(kind).unwrap();
        let of = |x: [f32; 2]| score.score(&case.logits(&x), &x);
        assert!(of([4.0, 0.5]).is_finite(), "{kind}");
        assert!(of([4.0, 0.5]) < of([0.4, 0.3]), "{kind}");
    }
}

#[test]
fn nan_in_a_representation_gives_nan_out() {
    let case = &cases()[0];
    for kind in kinds() {
        let score = case.fit(kind).unwrap();
        for place in 0..case.size {
            let mut x = case.test[..case.size].to_vec();
            x[place] = f32::NAN;
            for sign in [1.0, -1.0] {
                x[place] = f32::NAN.copysign(sign);
                let got = score.score(&case.logits(&x), &x);
                assert!(got.is_nan(), "{kind}: {got}");
            }
        }
    }
}

#[test]
fn nan_among_the_logits_gives_nan_out_of_every_score_that_looks_at_them() {
    let case = &cases()[0];
    let x = &case.test[..case.size];
    let blind = ["mahalanobis", "relative_mahalanobis", "knn", "react", "ash"];
    for kind in kinds().filter(|kind| !blind.contains(&kind.name())) {
        let score = case.fit(kind).unwrap();
        for place in 0..case.classes {
            let mut logits = case.logits(x);
            logits[place] = f32::NAN;
            assert!(score.score(&logits, x).is_nan(), "{kind}");
        }
    }
}

#[test]
fn a_representation_of_zeros_has_a_score_and_empty_or_infinite_output_is_survived() {
    for case in cases() {
        let x = vec![0.0; case.size];
        for kind in kinds() {
            let score = case.fit(kind).unwrap();
            let got = score.score(&case.logits(&x), &x);
            assert!(got.is_finite(), "{kind}: {got}");
            // Of no use, and no panic.
            let _ = score.score(&[], &[]);
            let infinite = [case.classes, case.size].map(|length| vec![f32::INFINITY; length]);
            let _ = score.score(&infinite[0], &infinite[1]);
        }
    }
}

#[test]
fn images_like_the_training_ones_score_lower_than_noise() {
    let case = &cases()[0];
    // By the script: three of the test images are training images, slightly changed.
    let (like, noise) = case.test.split_at(3 * case.size);
    // The noise here has the larger norms, as OOD images never have.
    for kind in kinds().filter(|kind| *kind != ScoreKind::Fusion) {
        let score = case.fit(kind).unwrap();
        let mean = |rows: &[f32]| {
            let scores = rows.chunks_exact(case.size);
            let sum: f32 = scores.map(|x| score.score(&case.logits(x), x)).sum();
            sum / (rows.len() / case.size) as f32
        };
        assert!(mean(like) < mean(noise), "{kind}");
    }
}

#[test]
fn without_a_last_layer_the_scores_that_need_one_say_so_and_the_others_do_not_care() {
    let case = &cases()[0];
    let needs_none = [
        "mahalanobis",
        "relative_mahalanobis",
        "knn",
        "nnguide",
        "fusion",
    ];
    for kind in kinds() {
        let fitted = case.fit_with(kind, &case.labels, Err(LastLayerError::Weights));
        match needs_none.contains(&kind.name()) {
            true => assert_eq!(fitted.unwrap().kind(), kind),
            false => {
                let message = fitted.unwrap_err().to_string();
                assert!(message.starts_with(kind.name()), "{message}");
                assert!(message.contains("last layer"), "{message}");
            }
        }
    }
}

#[test]
fn what_nothing_can_be_fitted_to_is_refused() {
    let case = &cases()[0];
    let fit = |kind, labels: &[usize]| case.fit_with(kind, labels, Ok(case.layer()));
    let mahalanobis = ScoreKind::Mahalanobis;
    let zeros = vec![0; case.labels.len()];
    let message = fit(mahalanobis, &zeros).unwrap_err().to_string();
    assert!(message.contains("none of class 1"), "{message}");
    assert!(fit(ScoreKind::Knn, &zeros).is_ok());

    let beyond = vec![case.classes; case.labels.len()];
    assert_eq!(fit(mahalanobis, &beyond), Err(FitError::Image { index: 0 }));
    assert!(matches!(
        fit(mahalanobis, &case.labels[1..]),
        Err(FitError::Lengths { .. })
    ));
    assert_eq!(
        fit(ScoreKind::Msp, &case.labels),
        Err(FitError::NothingToFit {
            score: ScoreKind::Msp
        })
    );

    let same = vec![1.0; 2 * case.size];
    let logits = vec![0.0; 2 * case.classes];
    let sizes = (case.classes, case.size);
    let data = FitData::new(sizes, &[0, 0], &logits, &same, Ok(case.layer())).unwrap();
    let error = |score| Fitted::fit(score, &data, None).unwrap_err();
    let (score, fusion) = (ScoreKind::Vim, ScoreKind::Fusion);
    assert_eq!(error(score), FitError::NoPositiveLogits { score });
    assert_eq!(error(fusion), FitError::ConstantNorm { score: fusion });
}

#[test]
fn norms_that_differ_by_rounding_alone_are_nothing_to_fit_a_fusion_to() {
    let logits = [0.0, 1.0, 2.0, 5.0];
    let fit = |x: &[f32]| {
        let layer = Err(LastLayerError::Weights);
        let data = FitData::new((2, 2), &[0, 1], &logits, x, layer).unwrap();
        Fitted::fit(ScoreKind::Fusion, &data, None)
    };
    let error = fit(&[0.6, 0.8, 0.6, 0.800_000_2]).unwrap_err();
    assert!(error.to_string().contains("the same norm"), "{error}");
    assert!(fit(&[0.6, 0.8, 0.6, 0.801]).is_ok());
}
