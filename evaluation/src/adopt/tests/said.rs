//! What the user says about a model.

use normgate_core::manifest::{Preprocessing, Resize};

use super::*;

#[test]
fn what_is_said_must_fit_the_model() {
    let place = Place::new();
    place.plain_model();
    for (more, says) in [
        (
            &["--labels", "a,b,c"][..],
            "--labels has 3 names, but `out` has 2 values",
        ),
        (&["--size", "8"], "--size says 8x8, but the model takes 4x4"),
        (&["--normalise", "123/58"], "divide by 255"),
        (
            &["--shorter-side", "2"],
            "--shorter-side 2 is too short to cut out 4 pixels",
        ),
        (
            &["--shorter-side", "5", "--resize", "stretch"],
            "--shorter-side is for --resize crop",
        ),
        (
            &["--labels", "crack dent"],
            "there is no file `crack dent`, and it is no list of class names: give names separated by commas",
        ),
        (&["--score", "knn"], "--fit-data"),
    ] {
        let (model, out) = (place.file("foreign.onnx"), place.file("out.onnx"));
        let mut line = vec![
            "adopt",
            model.to_str().unwrap(),
            "--out",
            out.to_str().unwrap(),
        ];
        for default in [["--labels", "a,b"], ["--normalise", "none"]] {
            line.extend(default.iter().filter(|_| more[0] != default[0]));
        }
        line.extend(more);
        let error = adopt(&Cli::try_parse_from(line).unwrap().args).unwrap_err();
        assert!(error.to_string().contains(says), "{more:?}: {error}");
        assert!(!out.exists());
    }
}

#[test]
fn what_hugging_face_writes_beside_a_model_says_labels_and_preprocessing() {
    let place = Place::new();
    place.plain_model();
    let (config, preprocessor) = (place.file("config.json"), place.file("preprocessor.json"));
    let write = |size: u32| {
        let text = format!(
            r#"{{"feature_extractor_type": "ConvNextFeatureExtractor", "size": {size}, "crop_pct": 0.8, "do_resize": true,
                "do_normalize": true, "image_mean": [0.5, 0.4, 0.3], "image_std": 0.25}}"#
        );
        std::fs::write(&preprocessor, text).unwrap();
    };
    std::fs::write(&config, r#"{"id2label": {"1": "dent", "0": "crack"}}"#).unwrap();
    let said = [
        "--labels",
        config.to_str().unwrap(),
        "--preprocessing",
        preprocessor.to_str().unwrap(),
    ];
    write(4);
    let error = place.refused(&said);
    assert!(error.contains("add --filter"), "{error}");
    let options = [&said[..], &["--filter", "catmull_rom"]].concat();
    write(8);
    let error = place.refused(&options);
    assert!(
        error.contains(
            "--preprocessing says 8x8, but the model takes 4x4: is that the file of this model?"
        ),
        "{error}"
    );
    write(4);
    let manifest = place.adopt(&options).unwrap().manifest;
    assert_eq!(manifest.labels, ["crack", "dent"]);
    let expected = Preprocessing {
        width: 4,
        height: 4,
        resize: Resize::CentreCrop { shorter_side: 5 },
        filter: Filter::CatmullRom,
        mean: [0.5, 0.4, 0.3],
        std: [0.25; 3],
    };
    assert_eq!(manifest.preprocessing, expected);
    let text = std::fs::read_to_string(&preprocessor).unwrap();
    std::fs::write(
        &preprocessor,
        text.replace("\"size\"", "\"resample\": 4, \"size\""),
    )
    .unwrap();
    let filter = |options: &[&str]| place.adopt(options).unwrap().manifest.preprocessing.filter;
    assert_eq!(filter(&said), Filter::Box);
    assert_eq!(filter(&options), Filter::CatmullRom);
}

#[test]
fn how_pixels_are_normalised_has_names_and_numbers() {
    let parse = |text: &str| text.parse::<Normalisation>();
    assert_eq!(parse("half").unwrap().mean, [0.5; 3]);
    assert_eq!(parse("imagenet").unwrap().std, [0.229, 0.224, 0.225]);
    let given = parse("0.1,0.2,0.3/0.5").unwrap();
    assert_eq!((given.mean, given.std), ([0.1, 0.2, 0.3], [0.5; 3]));
    for wrong in ["", "0.5", "1,2/1", "a/b", "imagenet/1"] {
        assert!(parse(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn classes_of_one_name_are_told_apart_by_their_numbers() {
    let place = Place::new();
    place.plain_model();
    let names = place.file("names.json");
    std::fs::write(&names, r#"["crane", "crane"]"#).unwrap();
    let report = place.adopt(&["--labels", names.to_str().unwrap()]);
    let report = report.unwrap();
    assert_eq!(report.manifest.labels, ["crane (0)", "crane (1)"]);
    let said = report.to_string();
    assert!(
        said.contains("told apart by number: crane (0), crane (1)"),
        "{said}"
    );
}
