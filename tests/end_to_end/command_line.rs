//! The command line: the same answers without a server, and errors that say what to do.

use std::fs;

use crate::support::{Server, encoded, normgate, picture, png, run, stderr, stdout};

#[test]
fn classify_gives_the_answers_of_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.png");
    fs::write(&file, png()).unwrap();
    let output = run(&["classify", "--json", file.to_str().unwrap()]);
    assert!(output.status.success(), "{}", stderr(&output));
    let line: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let served = Server::start().classify("image/png", &png()).answer();
    assert_eq!(line["label"], served["label"]);
    let difference =
        line["ood"]["score"].as_f64().unwrap() - served["ood"]["score"].as_f64().unwrap();
    assert!(difference.abs() <= 1e-4);
}

#[test]
fn classify_names_each_file_that_failed_and_answers_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let (good, bad) = (
        folder.path().join("good.png"),
        folder.path().join("bad.png"),
    );
    fs::write(&good, png()).unwrap();
    fs::write(
        &bad,
        &encoded(picture(64, 64), image::ImageFormat::Png)[..500],
    )
    .unwrap();
    let missing = folder.path().join("missing.png");
    let output = run(&[
        "classify",
        good.to_str().unwrap(),
        bad.to_str().unwrap(),
        missing.to_str().unwrap(),
    ]);
    assert_eq!(output.status.code(), Some(1));
    let all = stdout(&output) + &stderr(&output);
    for name in ["good.png", "bad.png", "missing.png"] {
        assert!(all.contains(name), "{name}: {all}");
    }
    assert!(all.lines().all(|line| line.chars().count() <= 200), "{all}");
    assert!(stdout(&output).starts_with("file "), "{all}");

    let none = run(&["classify", bad.to_str().unwrap(), missing.to_str().unwrap()]);
    assert_eq!(none.status.code(), Some(1));
    assert_eq!(stdout(&none), "");
}

#[test]
fn inspect_shows_what_the_model_is() {
    let output = run(&["inspect", "models/cifar10-lt.onnx"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let text = stdout(&output);
    for word in ["cifar10-lt", "airplane", "representation_norm", "32"] {
        assert!(text.contains(word), "{word}: {text}");
    }
    assert!(
        text.lines().all(|line| line.chars().count() <= 100),
        "{text}"
    );
}

#[test]
fn a_missing_or_broken_model_is_named_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let model = fs::read("models/cifar10-lt.onnx").unwrap();
    let broken = [
        ("picture.onnx", png()),
        ("empty.onnx", Vec::new()),
        ("short.onnx", model[..model.len() / 2].to_vec()),
        (
            "noise.onnx",
            (0..5000u32)
                .map(|k| (k.wrapping_mul(2_654_435_761) >> 13) as u8)
                .collect(),
        ),
    ];
    for (name, bytes) in &broken {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    let names = broken.iter().map(|(name, _)| *name).chain(["missing.onnx"]);
    for name in names {
        let path = folder.path().join(name);
        for command in [
            vec!["serve", "--listen", "127.0.0.1:0", "--model"],
            vec!["inspect"],
        ] {
            let output = normgate().args(&command).arg(&path).output().unwrap();
            assert_eq!(output.status.code(), Some(1), "{command:?} {name}");
            let message = stderr(&output);
            assert!(message.contains(name), "{command:?} {name}: {message}");
            assert!(!message.contains("panicked"), "{message}");
        }
    }
}

#[test]
fn an_unknown_flag_and_a_port_in_use_are_explained() {
    let output = run(&["serve", "--modle", "x"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("--model"), "{}", stderr(&output));

    let server = Server::start();
    let output = run(&["serve", "--listen", server.address()]);
    assert_eq!(output.status.code(), Some(1));
    let message = stderr(&output);
    assert!(
        message.contains(server.address()) && message.contains("in use"),
        "{message}"
    );
}

#[test]
fn a_misspelt_variable_is_named_when_the_server_starts() {
    let mut command = normgate();
    command
        .args(["serve", "--listen", "127.0.0.1:0"])
        .env("NORMGATE_MAX_FILE", "3")
        .env("NORMGATE_SERVICE_HOST", "10.0.0.11");
    let log = Server::spawn(command).log();
    assert!(log.contains("did you mean NORMGATE_MAX_FILES?"), "{log}");
    assert!(!log.contains("SERVICE_HOST"), "{log}");
}

#[test]
fn a_wrong_value_in_a_variable_is_said_to_be_there_and_one_that_was_typed_is_not() {
    let refused = |typed: &[&str]| {
        let mut command = normgate();
        command
            .args(["serve", "--listen", "127.0.0.1:0"])
            .args(typed);
        command.env("NORMGATE_WORKERS", "many");
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        stderr(&output)
    };
    let (set, typed) = (refused(&[]), refused(&["--workers=few"]));
    // Another name of `--listen`, whose variable may have been set as well.
    let mut command = normgate();
    command
        .args(["serve", "--port", "x"])
        .env("NORMGATE_LISTEN", "x");
    let alias = stderr(&command.output().unwrap());
    assert!(
        alias.contains("'x'") && !alias.contains("NORMGATE_LISTEN"),
        "{alias}"
    );
    assert!(set.contains("variable NORMGATE_WORKERS"), "{set}");
    assert!(
        typed.contains("few") && !typed.contains("NORMGATE_WORKERS."),
        "{typed}"
    );
}

#[test]
fn an_interval_that_is_taken_for_the_model_file_is_explained() {
    let output = run(&["serve", "--listen", "127.0.0.1:0", "--watch", "2s"]);
    assert_eq!(output.status.code(), Some(2));
    let message = stderr(&output);
    assert!(message.contains("--watch=2s"), "{message}");
    let output = run(&["serve", "models/cifar10-lt.onnx", "--watch", "30"]);
    let message = stderr(&output);
    assert!(message.contains("--watch=30"), "{message}");
}

#[test]
fn a_missing_onnx_runtime_is_an_error_that_says_what_to_run() {
    let output = run(&[
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--onnxruntime",
        "no/such/libonnxruntime.so",
    ]);
    assert_eq!(output.status.code(), Some(1));
    let message = stderr(&output);
    assert!(message.contains("no/such/libonnxruntime.so"), "{message}");
    assert!(message.contains("make runtime"), "{message}");
}

#[test]
fn every_command_has_help_that_fits_the_terminal() {
    for command in [
        "serve",
        "health",
        "classify",
        "inspect",
        "adopt",
        "calibrate",
        "evaluate",
        "quantize",
    ] {
        let output = normgate()
            .args([command, "--help"])
            .env("COLUMNS", "100")
            .output()
            .unwrap();
        assert!(output.status.success());
        let text = stdout(&output);
        assert!(text.lines().count() > 8, "{text}");
        assert!(
            text.lines().all(|line| line.chars().count() <= 100),
            "{command}: {text}"
        );
    }
}
