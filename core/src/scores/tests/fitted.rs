use std::collections::HashMap;

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use super::*;
use crate::onnx::{LastLayer, LastLayerError};
use crate::scores::vectors::dot;

/// A small model, its training images, test images, and numpy's scores of these.
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

    /// The same case with other representations, one made from each that numpy had.
    fn of_other_units(
        self,
        train: impl Fn(&[f32]) -> Vec<f32>,
        test: impl Fn(&[f32]) -> Vec<f32>,
    ) -> Self {
        let rows = |values: &[f32], change: &dyn Fn(&[f32]) -> Vec<f32>| -> Vec<f32> {
            values.chunks_exact(self.size).flat_map(change).collect()
        };
        let weights = rows(&self.weights, &train);
        Self {
            size: weights.len() / self.classes,
            train: rows(&self.train, &train),
            test: rows(&self.test, &test),
            weights,
            ..self
        }
    }

    #[track_caller]
    fn assert_agrees_with_numpy(&self, kind: ScoreKind) {
        let score = self.fit(kind).unwrap();
        assert_eq!(score.kind(), kind);
        let rows = self.test.chunks_exact(self.size);
        for (x, &expected) in rows.zip(&self.scores[&kind]) {
            let got = f64::from(score.score(&self.logits(x), x));
            let allowed = 2e-4 * expected.abs().max(1.0);
            assert!(
                (got - expected).abs() <= allowed,
                "{kind} of {} classes: {got}, expected {expected}",
                self.classes
            );
        }
    }
}

#[test]
fn every_fitted_score_agrees_with_numpy() {
    for case in cases() {
        for kind in kinds() {
            case.assert_agrees_with_numpy(kind);
        }
    }
}

#[test]
fn more_than_a_thousand_images_are_learnt_as_the_hundred_whose_copies_they_are() {
    // What is not an average differs: a percentile, and ten neighbours that are copies of one.
    let averages = |kind: &ScoreKind| !["react", "nnguide"].contains(&kind.name());
    for case in cases() {
        let case = Case {
            labels: case.labels.repeat(10),
            train: case.train.repeat(10),
            ..case
        };
        for kind in kinds().filter(averages) {
            case.assert_agrees_with_numpy(kind);
        }
    }
}

const MAHALANOBIS: [ScoreKind; 2] = [ScoreKind::Mahalanobis, ScoreKind::RelativeMahalanobis];

#[test]
fn a_unit_that_hardly_moves_counts_by_its_own_spread() {
    let slower = |x: &[f32]| {
        let mut x = x.to_vec();
        *x.last_mut().unwrap() *= 1e-4;
        x
    };
    for case in cases() {
        let case = case.of_other_units(slower, slower);
        for kind in MAHALANOBIS {
            case.assert_agrees_with_numpy(kind);
        }
    }
}

#[test]
fn units_that_are_alike_in_all_training_images_count_as_one() {
    // How much these units differ in an image, the pseudo-inverse does not see.
    let apart = |x: &[f32], by: f32| -> Vec<f32> {
        let of = |by: f32| x.iter().map(move |value| value + by);
        of(by).chain(of(-by)).collect()
    };
    for case in cases() {
        let case = case.of_other_units(|x| apart(x, 0.0), |x| apart(x, 1.0));
        for kind in MAHALANOBIS {
            case.assert_agrees_with_numpy(kind);
        }
    }
}

#[test]
fn of_three_and_a_half_thousand_images_the_third_nearest_counts() {
    const SIZE: usize = 4;
    let mut random = Pcg64Mcg::seed_from_u64(6);
    let mut draw =
        |images: usize| -> Vec<f32> { (0..images * SIZE).map(|_| random.random()).collect() };
    let (train, test) = (draw(3500), draw(20));
    let labels: Vec<usize> = (0..3500).map(|image| image % 2).collect();
    let layer = Err(LastLayerError::Weights);
    let data = FitData::new((2, SIZE), &labels, &[0.0; 7000], &train, layer).unwrap();
    let score = Fitted::fit(ScoreKind::Knn, &data, None).unwrap();

    let unit = |x: &[f32]| -> Vec<f64> {
        let length = x.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>().sqrt();
        x.iter().map(|v| f64::from(*v) / length).collect()
    };
    let distance = |a: &[f32], b: &[f32]| {
        let pairs = unit(a).into_iter().zip(unit(b));
        pairs.map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
    };
    for x in test.chunks_exact(SIZE) {
        let rows = train.chunks_exact(SIZE);
        let mut distances: Vec<f64> = rows.map(|row| distance(x, row)).collect();
        distances.sort_unstable_by(f64::total_cmp);
        let got = f64::from(score.score(&[0.0; 2], x));
        assert!(
            (got - distances[2]).abs() < 1e-5,
            "{got}, expected {:?}",
            &distances[..4]
        );
    }
}

#[test]
fn by_hand_of_105_activations_ash_keeps_11_and_scale_measures_by_16() {
    // The authors' code rounds as NumPy does: 90 % of 105 is 94, and 85 % is 89.
    let x: Vec<f32> = (0..105).map(|n| (n * 2 % 105 + 1) as f32).collect();
    let sum = |from: u32| f64::from((from..=105).sum::<u32>());
    let ash = (sum(1) / sum(95)).exp() * sum(95);
    let scale = (sum(1) / sum(90)).exp() * sum(1);
    let layer = LastLayer {
        weights: vec![1.0; 105],
        bias: vec![0.0],
    };
    let (train, logits) = (x.repeat(2), [sum(1) as f32; 2]);
    let data = FitData::new((1, 105), &[0, 0], &logits, &train, Ok(layer)).unwrap();
    for (kind, energy) in [(ScoreKind::Ash, -ash), (ScoreKind::Scale, -scale)] {
        let score = Fitted::fit(kind, &data, None).unwrap();
        let got = f64::from(score.score(&logits[..1], &x));
        assert!(
            (got / energy - 1.0).abs() < 1e-5,
            "{kind}: {got}, expected {energy}"
        );
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
            // Of no use, but no panic.
            let _ = score.score(&[], &[]);
            let infinite = [case.classes, case.size].map(|length| vec![f32::INFINITY; length]);
            let _ = score.score(&infinite[0], &infinite[1]);
        }
    }
}

#[test]
fn images_like_the_training_ones_score_lower_than_noise() {
    let case = &cases()[0];
    // The script made three of the test images from training images, slightly changed.
    let (like, noise) = case.test.split_at(3 * case.size);
    // Fusion is left out: the noise here has the larger norms, which OOD images never have.
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
    let is_label = |error: &FitError| matches!(error, FitError::Label { index: 0, .. });
    assert!(fit(mahalanobis, &beyond).is_err_and(|error| is_label(&error)));
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

    let labels: Vec<usize> = (0..case.classes).collect();
    let same = vec![1.0; case.classes * case.size];
    let logits = vec![0.0; case.classes * case.classes];
    let sizes = (case.classes, case.size);
    let data = FitData::new(sizes, &labels, &logits, &same, Ok(case.layer())).unwrap();
    let error = |score| Fitted::fit(score, &data, None).unwrap_err();
    let (score, fusion) = (ScoreKind::Vim, ScoreKind::Fusion);
    assert_eq!(error(score), FitError::NoPositiveLogits { score });
    assert_eq!(error(fusion), FitError::ConstantNorm { score: fusion });
    for score in MAHALANOBIS {
        assert_eq!(error(score), FitError::Degenerate { score });
    }
}

#[test]
fn a_last_layer_that_is_none_of_such_a_model_is_refused() {
    let case = &cases()[0];
    let fit = |spoil: fn(&mut LastLayer)| {
        let mut layer = case.layer();
        spoil(&mut layer);
        case.fit_with(ScoreKind::Fdbd, &case.labels, Ok(layer))
    };
    assert!(fit(|_| {}).is_ok());
    let spoilers: [fn(&mut LastLayer); 4] = [
        |it| it.bias.clear(),
        |it| it.weights.truncate(1),
        |it| it.weights.push(0.0),
        |it| it.weights[0] = f32::NAN,
    ];
    for spoil in spoilers {
        assert!(matches!(fit(spoil), Err(FitError::Misfit { .. })));
    }
}

#[test]
fn scores_of_activations_from_0_up_refuse_others() {
    let (logits, x) = ([0.0, 1.0, 2.0, 5.0], [1.0, 2.0, -0.5, 1.0]);
    let layer = LastLayer {
        weights: vec![1.0; 4],
        bias: vec![0.0; 2],
    };
    let data = FitData::new((2, 2), &[0, 1], &logits, &x, Ok(layer)).unwrap();
    for score in [ScoreKind::Ash, ScoreKind::Scale] {
        let error = Fitted::fit(score, &data, None).unwrap_err();
        assert_eq!(error, FitError::NegativeActivation { score, index: 1 });
    }
    assert!(Fitted::fit(ScoreKind::React, &data, None).is_ok());
}

#[test]
fn outputs_that_are_not_finite_are_refused_by_their_image_and_so_is_an_image_alone() {
    let new = |labels: &[usize], logits: &[f32], representation: &[f32]| {
        let layer = Err(LastLayerError::Weights);
        FitData::new((1, 2), labels, logits, representation, layer).unwrap_err()
    };
    let broken = FitError::Output { index: 1 };
    for value in [f32::NAN, f32::INFINITY] {
        assert_eq!(new(&[0, 0], &[1.0, value], &[1.0; 4]), broken);
        assert_eq!(new(&[0, 0], &[1.0; 2], &[1.0, 1.0, 1.0, value]), broken);
    }
    assert_eq!(new(&[0], &[1.0], &[1.0; 2]), FitError::TooFew { images: 1 });
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
