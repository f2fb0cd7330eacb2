//! What a fitted score learnt, on its way through the model file.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::fitted::{cases, kinds};
use super::*;
use crate::scores::ready;

#[test]
fn what_was_learnt_is_read_as_it_was_written() {
    for case in cases() {
        let sizes = (case.classes, case.size);
        for kind in kinds() {
            let fitted = case.fit(kind).unwrap();
            let text = fitted.write().unwrap();
            let (score, read) = ready(kind, Some(&text), sizes).unwrap();
            assert_eq!(*read.unwrap(), fitted);
            assert_eq!(score.kind(), kind);
        }
    }
}

#[track_caller]
fn refusal(kind: ScoreKind, text: Option<&str>, sizes: (usize, usize)) -> String {
    ready(kind, text, sizes).err().unwrap().to_string()
}

#[test]
fn a_file_without_what_its_score_needs_says_how_to_get_it() {
    for kind in kinds() {
        let message = refusal(kind, None, (4, 24));
        let command = format!("normgate calibrate --score {kind} --fit-data");
        assert!(message.contains(&command), "{message}");
    }
}

#[test]
fn another_score_or_another_model_is_told_from_the_right_one() {
    let case = &cases()[0];
    let sizes = (case.classes, case.size);
    for kind in kinds() {
        let text = case.fit(kind).unwrap().write().unwrap();
        let message = refusal(ScoreKind::Msp, Some(&text), sizes);
        assert!(message.contains(kind.name()), "{message}");
        // What fusion learns from two scores has no length that depends on the model.
        if kind == ScoreKind::Fusion {
            continue;
        }
        let larger = (2 * case.classes + 1, 5 * case.size);
        let message = refusal(kind, Some(&text), larger);
        assert!(message.contains("9 classes"), "{kind}: {message}");
    }
}

#[test]
fn damage_is_refused_whatever_it_is() {
    let case = &cases()[0];
    let sizes = (case.classes, case.size);
    for kind in kinds() {
        let text = case.fit(kind).unwrap().write().unwrap();
        let newer = text.replace("\"version\":1", "\"version\":2");
        assert!(refusal(kind, Some(&newer), sizes).contains("newer Normgate"));
        for broken in ["", "{}", "null", &text[..text.len() / 2]] {
            refusal(kind, Some(broken), sizes);
        }
        // Cutting four characters out of a list anywhere removes three bytes of its numbers.
        for start in (0..text.len() - 40).step_by(7) {
            let word = &text[start..start + 8];
            // Digits alone may be a number outside the lists, which stays a number.
            let letters = word.bytes().any(|byte| byte.is_ascii_alphabetic());
            if !letters || !word.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
                continue;
            }
            let cut = [&text[..start], &text[start + 4..]].concat();
            if let Ok((score, _)) = ready(kind, Some(&cut), sizes) {
                panic!("{} was read of a list cut at {start}", score.kind());
            }
        }
    }
}

#[test]
fn numbers_that_are_none_are_refused() {
    let case = &cases()[0];
    let fitted = case.fit(ScoreKind::Knn).unwrap();
    let text = fitted.write().unwrap();
    let nan = STANDARD.encode([f32::NAN, 0.0, 0.0].map(f32::to_le_bytes).concat());
    let bank = text.find("\"bank\":\"").unwrap() + 8;
    let broken = [&text[..bank], &nan, &text[bank + nan.len()..]].concat();
    let message = refusal(ScoreKind::Knn, Some(&broken), (case.classes, case.size));
    assert!(message.contains("NaN"), "{message}");
    let with = |k: usize| text.replace("\"k\":1", &format!("\"k\":{k}"));
    for k in [0, fitted.images + 1] {
        let message = refusal(ScoreKind::Knn, Some(&with(k)), (case.classes, case.size));
        assert!(message.contains("damaged"), "{message}");
    }
    let farthest = with(fitted.images);
    assert!(ready(ScoreKind::Knn, Some(&farthest), (case.classes, case.size)).is_ok());
}

/// The places in a document where there are lists of numbers.
fn lists(value: &Value, place: &str) -> Vec<String> {
    match value {
        Value::String(_) => vec![place.to_owned()],
        Value::Object(fields) => {
            let of = |(name, field)| lists(field, &format!("{place}/{name}"));
            fields.iter().flat_map(of).collect()
        }
        _ => Vec::new(),
    }
}

#[track_caller]
fn assert_damaged(kind: ScoreKind, document: &Value, place: &str) {
    let case = &cases()[0];
    let read = ready(kind, Some(&document.to_string()), (case.classes, case.size));
    match read {
        Ok(_) => panic!("{kind} was read in spite of {place}"),
        Err(error) => assert!(error.to_string().contains("damaged"), "{error}"),
    }
}

#[test]
fn lists_that_are_a_number_short_or_long_or_empty_are_refused() {
    for kind in kinds() {
        let text = cases()[0].fit(kind).unwrap().write().unwrap();
        let document: Value = serde_json::from_str(&text).unwrap();
        let places = lists(&document["score"], "/score");
        assert_eq!(places.is_empty(), kind == ScoreKind::Fusion);
        for place in places {
            let list = document.pointer(&place).unwrap().as_str().unwrap();
            let bytes = STANDARD.decode(list).unwrap();
            let short = &bytes[..bytes.len() - 4];
            let long = [&bytes[..4], &bytes].concat();
            for other in [short, &long, &[]] {
                let mut broken = document.clone();
                *broken.pointer_mut(&place).unwrap() = STANDARD.encode(other).into();
                assert_damaged(kind, &broken, &place);
            }
        }
    }
}

#[test]
fn a_spread_that_is_none_is_refused() {
    let kind = ScoreKind::Fusion;
    let text = cases()[0].fit(kind).unwrap().write().unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    for place in ["norm", "energy"] {
        // A negative one would reverse a score.
        for deviation in [0.0, -1.0] {
            let mut broken = document.clone();
            broken["score"]["fusion"][place]["deviation"] = deviation.into();
            assert_damaged(kind, &broken, place);
        }
    }
}
