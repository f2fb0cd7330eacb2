use serde_json::{Value, json};

use super::*;
use crate::test_models::manifest;

/// The message that refuses a valid manifest changed by `change`.
fn refusal(change: impl FnOnce(&mut Value)) -> String {
    let mut document = serde_json::to_value(manifest()).unwrap();
    change(&mut document);
    Manifest::from_json(&document.to_string())
        .unwrap_err()
        .to_string()
}

#[test]
fn a_manifest_comes_back_as_it_was_written() {
    let mut written = manifest();
    let calibration = written.calibration.as_mut().unwrap();
    // A number whose shortest decimal form an imprecise parser misses by one bit.
    calibration.threshold = -18.399_999_618_530_273;
    written.preprocessing.resize = Resize::CentreCrop { shorter_side: 5 };
    written.preprocessing.mean = [0.485, 0.456, 0.406];
    let read = Manifest::from_json(&written.to_json().unwrap()).unwrap();
    assert_eq!(read, written);
}

#[test]
fn optional_parts_may_be_absent_and_unknown_ones_present() {
    let mut document = serde_json::to_value(manifest()).unwrap();
    document.as_object_mut().unwrap().remove("calibration");
    document.as_object_mut().unwrap().remove("training");
    document["colour_of_the_box"] = json!("blue");
    let read = Manifest::from_json(&document.to_string()).unwrap();
    assert_eq!((read.calibration, read.training), (None, None));
}

#[test]
fn a_newer_schema_is_named_before_any_field_that_it_may_have_changed() {
    let message = refusal(|document| *document = json!({"schema_version": 2, "labels": 7}));
    assert!(message.starts_with("schema_version: is 2"), "{message}");
    assert!(message.contains("made by a newer Normgate"), "{message}");
    let mut newer = manifest();
    newer.schema_version = 2;
    let message = newer.to_json().unwrap_err().to_string();
    assert!(message.contains("made by a newer Normgate"), "{message}");
}

#[test]
fn an_unknown_schema_is_refused() {
    for version in [json!(0), json!(-1), json!("1"), json!(1.5), json!(null)] {
        let message = refusal(|document| document["schema_version"] = version.clone());
        let expected = format!("schema_version: is {version}, an unknown version");
        assert!(message.starts_with(&expected), "{message}");
    }
    let message = refusal(|document| {
        document.as_object_mut().unwrap().remove("schema_version");
    });
    assert!(
        message.starts_with("schema_version: is missing"),
        "{message}"
    );
}

#[test]
fn a_missing_field_is_named_with_its_path() {
    let paths = [
        "name",
        "version",
        "labels",
        "representation_size",
        "preprocessing",
        "preprocessing.filter",
        "preprocessing.std",
        "score",
        "calibration.threshold",
        "calibration.scores",
        "training.method",
    ];
    for path in paths {
        let message = refusal(|document| {
            let (parents, name) = path.rsplit_once('.').unwrap_or(("", path));
            let mut parent = document;
            for step in parents.split('.').filter(|step| !step.is_empty()) {
                parent = &mut parent[step];
            }
            parent.as_object_mut().unwrap().remove(name).unwrap();
        });
        assert_eq!(message, format!("{path}: is missing"));
    }
}

#[test]
fn a_field_of_the_wrong_type_is_named_with_its_path() {
    let message = refusal(|document| document["preprocessing"]["width"] = json!("32"));
    assert!(message.starts_with("preprocessing.width: "), "{message}");
    let message = refusal(|document| document["labels"][1] = json!(7));
    assert!(message.starts_with("labels[1]: "), "{message}");
    let message = refusal(|document| document["score"] = json!("vibes"));
    assert!(message.starts_with("score: "), "{message}");
    assert!(message.contains("representation_norm"), "{message}");
    // In JSON, a number that is not finite looks like this.
    let message = refusal(|document| document["calibration"]["threshold"] = json!(null));
    assert!(message.starts_with("calibration.threshold: "), "{message}");
}

#[test]
fn what_is_no_manifest_at_all_is_refused() {
    for (json, expected) in [
        ("", "not valid JSON"),
        ("{", "not valid JSON"),
        ("[1]", "must be a JSON object"),
        ("null", "must be a JSON object"),
    ] {
        let message = Manifest::from_json(json).unwrap_err().to_string();
        assert!(message.contains(expected), "{json}: {message}");
    }
    let deep = "[".repeat(100_000);
    Manifest::from_json(&deep).unwrap_err();
}

/// A change to a valid manifest, and the field that it makes invalid.
type Spoiler = (&'static str, fn(&mut Manifest));

#[test]
fn every_value_out_of_range_is_named_both_when_reading_and_when_writing() {
    fn calibration(manifest: &mut Manifest) -> &mut Calibration {
        manifest.calibration.as_mut().unwrap()
    }
    let spoilers: [Spoiler; 29] = [
        ("name", |m| m.name = " ".into()),
        ("version", |m| m.version = String::new()),
        ("labels", |m| m.labels.truncate(1)),
        ("labels[2]", |m| m.labels[2] = "".into()),
        ("representation_size", |m| m.representation_size = 0),
        ("representation_size", |m| m.representation_size = 1 << 40),
        ("preprocessing.width", |m| m.preprocessing.width = 0),
        ("preprocessing.height", |m| m.preprocessing.height = 100_000),
        ("preprocessing.std[1]", |m| m.preprocessing.std[1] = 0.0),
        ("preprocessing.std[2]", |m| m.preprocessing.std[2] = -1.0),
        ("preprocessing.std[0]", |m| m.preprocessing.std[0] = 1e-40),
        ("preprocessing.resize.centre_crop.shorter_side", |m| {
            m.preprocessing.resize = Resize::CentreCrop { shorter_side: 3 }
        }),
        ("training.class_counts", |m| {
            m.training.as_mut().unwrap().class_counts.push(4);
        }),
        ("training.class_counts", |m| m.labels.push("blue".into())),
        ("training.method", |m| {
            m.training.as_mut().unwrap().method = String::new();
        }),
        ("calibration.target_tpr", |m| {
            calibration(m).target_tpr = 1.0
        }),
        ("calibration.target_tpr", |m| {
            calibration(m).target_tpr = 0.0
        }),
        ("calibration.expected_flag_rate", |m| {
            calibration(m).expected_flag_rate = 1.01;
        }),
        ("calibration.scores", |m| calibration(m).scores.clear()),
        ("calibration.scores", |m| calibration(m).count = 39),
        ("calibration.scores[1]", |m| {
            calibration(m).scores.swap(0, 1)
        }),
        ("calibration.per_class", |m| {
            calibration(m).per_class = Some(vec![class(0.0), class(0.0)]);
        }),
        ("calibration.per_class", |m| {
            let mut classes = vec![class(0.0), class(0.0), class(0.0)];
            classes[0].count = usize::MAX;
            calibration(m).per_class = Some(classes);
        }),
        ("calibration.count", |m| calibration(m).count = 1 << 40),
        ("training.class_counts", |m| {
            m.training.as_mut().unwrap().class_counts[0] = u64::MAX;
        }),
        ("training.class_counts", |m| {
            m.training.as_mut().unwrap().class_counts[0] = 1 << 40;
        }),
        // JSON cannot express these, so they must not be written as something else.
        ("calibration.threshold", |m| {
            calibration(m).threshold = f64::NAN
        }),
        ("preprocessing.mean[2]", |m| {
            m.preprocessing.mean[2] = f32::INFINITY
        }),
        ("calibration.scores[7]", |m| {
            calibration(m).scores[7] = f32::NAN
        }),
    ];
    for (field, spoil) in spoilers {
        let mut spoilt = manifest();
        spoil(&mut spoilt);
        let message = spoilt.to_json().unwrap_err().to_string();
        assert!(
            message.starts_with(&format!("{field}: ")),
            "{field}: {message}"
        );
        let json = serde_json::to_string(&spoilt).unwrap();
        let message = Manifest::from_json(&json).unwrap_err().to_string();
        assert!(message.starts_with(field), "{field}: {message}");
    }
}

#[test]
fn a_class_threshold_that_is_not_finite_is_named() {
    let mut spoilt = manifest();
    let thresholds = vec![class(0.0), class(f64::NEG_INFINITY), class(0.0)];
    spoilt.calibration.as_mut().unwrap().per_class = Some(thresholds);
    assert_eq!(
        spoilt.to_json().unwrap_err().to_string(),
        "calibration.per_class[1].threshold: is -inf; it must be a finite number"
    );
}

#[test]
fn classes_may_share_a_name() {
    let mut twins = manifest();
    twins.labels = vec!["crane".into(), "crane".into(), "dark".into()];
    twins.to_json().unwrap();
}

fn class(threshold: f64) -> crate::calibration::ClassThreshold {
    crate::calibration::ClassThreshold {
        count: 10,
        threshold,
    }
}

#[test]
fn preprocessing_is_said_in_the_words_of_the_options() {
    for filter in [
        Filter::Box,
        Filter::Bilinear,
        Filter::CatmullRom,
        Filter::Lanczos3,
    ] {
        assert_eq!(json!(filter), json!(filter.to_string()));
    }
    let said = |resize| {
        let preprocessing = Preprocessing {
            width: 224,
            height: 224,
            resize,
            filter: Filter::CatmullRom,
            ..manifest().preprocessing
        };
        preprocessing.to_string()
    };
    let cut = |shorter_side| said(Resize::CentreCrop { shorter_side });
    let expected = [
        "224 × 224 RGB, stretched, catmull_rom filter",
        "224 × 224 RGB, centre square, catmull_rom filter",
        "224 × 224 RGB, shorter side to 256, centre cut out, catmull_rom filter",
    ];
    assert_eq!([said(Resize::Stretch), cut(224), cut(256)], expected);
}

#[test]
fn names_that_would_act_on_a_terminal_or_fill_it_are_refused() {
    for field in ["name", "version"] {
        let message = refusal(|document| document[field] = json!("cats\u{1b}]0;pwned\u{7}"));
        assert!(
            message.starts_with(&format!("{field}: has the control character")),
            "{message}"
        );
        assert!(!message.contains('\u{1b}'), "{message}");
    }
    let message = refusal(|document| document["labels"][1] = json!("cat\n2026 ERROR"));
    assert!(
        message.starts_with("labels[1]: has the control character '\\n'"),
        "{message}"
    );
    let message = refusal(|document| document["labels"][0] = json!("x".repeat(1001)));
    assert!(
        message.starts_with("labels[0]: has 1001 characters"),
        "{message}"
    );
    let message = refusal(|document| document["description"] = json!("two\nlines, \u{9b}2J"));
    assert!(
        message.starts_with("description: has the control character"),
        "{message}"
    );
    let spoilers: [fn(&mut QuantizationRecord, String); 4] = [
        |it, text| it.of = text,
        |it, text| it.range = text,
        |it, text| it.data = Some(text),
        |it, text| it.keep_fp32 = vec!["last".into(), text],
    ];
    for spoil in spoilers {
        let mut record = QuantizationRecord {
            of: "ab".into(),
            range: "mse".into(),
            percentile: None,
            images: 1,
            data: None,
            keep_fp32: Vec::new(),
            reduce_range: false,
        };
        let mut spoilt = manifest();
        spoilt.quantization = Some(record.clone());
        assert!(spoilt.to_json().is_ok());
        spoil(&mut record, "\u{1b}[2J".into());
        spoilt.quantization = Some(record);
        let message = spoilt.to_json().unwrap_err().to_string();
        assert!(message.contains("has the control character"), "{message}");
    }
    let mut two_lines = manifest();
    two_lines.description = Some("two\nlines\tand a tab".into());
    assert!(two_lines.to_json().is_ok());
}
