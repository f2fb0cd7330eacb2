//! What a fitted score learnt, on its way through the model file.

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
        // What fusion learns of two scores has no length that depends on the model.
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
        // Cutting out four characters anywhere in a list takes three bytes of its numbers.
        for start in (0..text.len() - 40).step_by(7) {
            let word = &text[start..start + 8];
            // Digits alone are a number of their own, which stays one.
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
    use base64::Engine as _;
    let case = &cases()[0];
    let text = case.fit(ScoreKind::Knn).unwrap().write().unwrap();
    let nan = base64::engine::general_purpose::STANDARD
        .encode([f32::NAN, 0.0, 0.0].map(f32::to_le_bytes).concat());
    let bank = text.find("\"bank\":\"").unwrap() + 8;
    let broken = [&text[..bank], &nan, &text[bank + nan.len()..]].concat();
    let message = refusal(ScoreKind::Knn, Some(&broken), (case.classes, case.size));
    assert!(message.contains("NaN"), "{message}");
    for k in ["0", "100000"] {
        let broken = text.replace("\"k\":1", &format!("\"k\":{k}"));
        let message = refusal(ScoreKind::Knn, Some(&broken), (case.classes, case.size));
        assert!(message.contains("damaged"), "{message}");
    }
}
