//! Scores that learn from training images: from the command line into the file, and to a server's
//! answers.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use normgate_core::{Model, ScoreKind};

use crate::cuts::cuts;
use crate::models::as_answered;
use crate::openapi::assert_described;
use crate::support::{Server, repository, run, shipped_model, stderr, stdout};

struct Setting {
    folder: tempfile::TempDir,
    model: String,
    train: String,
    data: String,
}

impl Setting {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let model = Model::open(&shipped_model()).unwrap();
        let labels = &model.manifest().labels;
        let train = cuts(folder.path(), "train", labels, 12);
        let data = cuts(folder.path(), "calibration", &[], 40);
        let show = |path: PathBuf| path.to_str().unwrap().to_owned();
        Self {
            model: show(shipped_model()),
            train: show(train),
            data: show(data),
            folder,
        }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    fn calibrate(&self, model: &str, out: &str, more: &[&str]) -> Output {
        let mut arguments = vec!["calibrate", model, "--data", &self.data, "--out", out];
        arguments.extend(more);
        run(&arguments)
    }
}

#[test]
fn every_fitted_score_is_fitted_written_shown_and_used() {
    let setting = Setting::new();
    let cat = repository().join("docs/images/cat.jpg");
    let cat = cat.to_str().unwrap();
    for score in ScoreKind::ALL.into_iter().filter(|score| score.is_fitted()) {
        let name = score.name();
        let out = setting.path(&format!("{name}.onnx"));
        let more = ["--score", name, "--fit-data", &setting.train];
        let calibrated = setting.calibrate(&setting.model, &out, &more);
        assert!(calibrated.status.success(), "{}", stderr(&calibrated));
        let said = stdout(&calibrated);
        assert!(
            said.contains(&format!("{name}, fitted to 120 images")),
            "{said}"
        );

        let shown = stdout(&run(&["inspect", &out]));
        assert!(
            shown.contains("fitted to       120 images (train)"),
            "{shown}"
        );
        assert!(
            shown.lines().all(|line| line.chars().count() <= 100),
            "{shown}"
        );

        let document = run(&["inspect", "--json", &out]).stdout;
        let document: serde_json::Value = serde_json::from_slice(&document).unwrap();
        assert_eq!(document["fitted"]["images"], 120);
        assert_eq!(document["fitted"]["data"], "train");

        let answer = run(&["classify", "--json", "--model", &out, cat]);
        let answer: serde_json::Value = serde_json::from_slice(&answer.stdout).unwrap();
        assert_eq!(answer["ood"]["method"], name);
        assert!(answer["ood"]["score"].is_f64(), "{answer}");

        // Another calibration keeps the score and what it learnt; with a score that learns nothing, the file has none
        // of it.
        let again = setting.path("again.onnx");
        let kept = setting.calibrate(&out, &again, &[]);
        assert!(kept.status.success(), "{}", stderr(&kept));
        assert_eq!(fs::read(&out).unwrap(), fs::read(&again).unwrap(), "{name}");
        let plain = setting.calibrate(&out, &again, &["--score", "gen"]);
        assert!(plain.status.success(), "{}", stderr(&plain));
        assert!(Model::open(again.as_ref()).unwrap().fitted().is_none());
    }
}

#[test]
fn a_server_answers_by_what_the_file_learnt() {
    let setting = Setting::new();
    let cat = fs::read(repository().join("docs/images/cat.jpg")).unwrap();
    let fitted = ScoreKind::ALL.into_iter().filter(|score| score.is_fitted());
    for name in fitted.map(ScoreKind::name) {
        let out = setting.path(&format!("{name}.onnx"));
        let more = ["--score", name, "--fit-data", &setting.train];
        let calibrated = setting.calibrate(&setting.model, &out, &more);
        assert!(calibrated.status.success(), "{}", stderr(&calibrated));

        let model = Model::open(out.as_ref()).unwrap();
        let server = Server::with(&["--model", &out]);
        let document = server.get("/openapi.json").answer();
        assert_described(&document, "GET", "/model", &server.get("/model"));
        let answer = server.classify("image/jpeg", &cat).answer();
        assert_eq!(answer["ood"]["method"], name);
        let path = repository().join("docs/images/cat.jpg");
        let offline = run(&[
            "classify",
            "--json",
            "--model",
            &out,
            path.to_str().unwrap(),
        ]);
        let offline: serde_json::Value = serde_json::from_slice(&offline.stdout).unwrap();
        for field in ["score", "threshold", "p_value"] {
            let (a, b) = (&answer["ood"][field], &offline["ood"][field]);
            let apart = (a.as_f64().unwrap() - b.as_f64().unwrap()).abs();
            assert!(apart < 1e-4, "{name}: {a} and {b}");
        }
        let threshold = model.manifest().calibration.as_ref().unwrap().threshold;
        assert_eq!(
            answer["ood"]["threshold"].as_f64(),
            Some(as_answered(threshold))
        );
    }
}

#[test]
fn what_a_score_lacks_is_said_and_nothing_is_written() {
    let setting = Setting::new();
    let out = setting.path("out.onnx");
    let train = setting.train.as_str();
    for (more, part) in [
        (&["--score", "vim"][..], "add --fit-data SET"),
        (&["--fit-data", train], "this one is not"),
        (
            &["--score", "knn", "--fit-data", &setting.data],
            "40 of the 40 different images of --data are also in --fit-data",
        ),
        (
            &[
                "--score",
                "mahalanobis",
                "--fit-data",
                &format!("{train}#class=cat"),
            ],
            "none of class 0",
        ),
        (
            &["--score", "knn", "--fit-data", "no/such/folder"],
            "no/such/folder",
        ),
    ] {
        let refused = setting.calibrate(&setting.model, &out, more);
        assert_eq!(refused.status.code(), Some(1), "{more:?}");
        let said = stderr(&refused);
        assert!(said.contains(part), "{more:?}: {said}");
        assert!(!Path::new(&out).exists());
    }
    let unknown = setting.calibrate(&setting.model, &out, &["--score", "best"]);
    assert_eq!(unknown.status.code(), Some(2));
    let said = stderr(&unknown);
    assert!(
        said.contains("relative-mahalanobis") && said.contains("vim"),
        "{said}"
    );
}

#[test]
fn evaluate_reports_every_score_where_it_can_fit_them() {
    let setting = Setting::new();
    let labels = &Model::open(&shipped_model())
        .unwrap()
        .manifest()
        .labels
        .clone();
    let test = cuts(setting.folder.path(), "test", labels, 4);
    let test = test.to_str().unwrap();
    let ood = cuts(setting.folder.path(), "other", &[], 30);
    let ood = ood.to_str().unwrap();
    let evaluate = |more: &[&str]| {
        let id = ["evaluate", &setting.model, "--id", test, "--ood", ood];
        run(&[&id, more].concat())
    };
    let rows = |output: &Output| -> Vec<&str> {
        let report = stdout(output);
        let table = report.split("Telling OOD images from").nth(1).unwrap();
        let table = table.split("What unflagged answers").next().unwrap();
        let has = |title: &&str| {
            table
                .lines()
                .any(|line| line.contains(&format!(" {title} ")))
        };
        let titles = ScoreKind::ALL.map(ScoreKind::title);
        titles.into_iter().filter(has).collect()
    };
    let plain = evaluate(&[]);
    assert!(plain.status.success(), "{}", stderr(&plain));
    assert_eq!(rows(&plain), ["RN", "MSP", "energy", "max-logit", "GEN"]);

    let all = evaluate(&["--scores", "all", "--fit-data", &setting.train]);
    assert!(all.status.success(), "{}", stderr(&all));
    assert_eq!(rows(&all).len(), ScoreKind::ALL.len(), "{}", stdout(&all));

    let two = evaluate(&["--scores", "vim,gen", "--fit-data", &setting.train]);
    assert_eq!(rows(&two), ["GEN", "ViM"]);

    let same = evaluate(&["--scores", "vim", "--fit-data", test]);
    assert_eq!(same.status.code(), Some(1));
    let said = stderr(&same);
    assert!(said.contains("of --id are also in --fit-data"), "{said}");

    let again = format!("again={test}");
    let same = run(&["evaluate", &setting.model, "--id", test, "--ood", &again]);
    let said = stderr(&same);
    assert!(said.contains("of --ood are also in --id"), "{said}");
    let fit = ["--scores", "vim", "--fit-data", &setting.train];
    let same = evaluate(&[&fit[..], &["--calibration", &setting.train]].concat());
    assert_eq!(same.status.code(), Some(1));
    let said = stderr(&same);
    assert!(
        said.contains("of --calibration are also in --fit-data"),
        "{said}"
    );

    let lacking = evaluate(&["--scores", "all"]);
    assert_eq!(lacking.status.code(), Some(1));
    assert!(
        stderr(&lacking).contains("--fit-data"),
        "{}",
        stderr(&lacking)
    );
}

#[test]
fn an_int8_model_has_its_score_fitted_anew_or_is_not_made() {
    let setting = Setting::new();
    let (fp32, int8) = (setting.path("fp32.onnx"), setting.path("int8.onnx"));
    let more = ["--score", "nci", "--fit-data", &setting.train];
    let calibrated = setting.calibrate(&setting.model, &fp32, &more);
    assert!(calibrated.status.success(), "{}", stderr(&calibrated));

    let quantize = |more: &[&str]| {
        let data = ["quantize", &fp32, "--data", &setting.data, "--images", "15"];
        run(&[&data, &["--out", &int8][..], more].concat())
    };
    let refused = quantize(&[]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        stderr(&refused).contains("add --fit-data SET"),
        "{}",
        stderr(&refused)
    );
    assert!(!Path::new(&int8).exists());

    // The last layer becomes int8, too; its weights are read all the same.
    let made = quantize(&["--fit-data", &setting.train, "--keep-fp32", "none"]);
    assert!(made.status.success(), "{}", stderr(&made));
    let (old, new) = (
        Model::open(fp32.as_ref()).unwrap(),
        Model::open(int8.as_ref()).unwrap(),
    );
    assert_eq!(new.manifest().score, ScoreKind::Nci);
    assert_ne!(old.fitted(), new.fitted());
    let (old, new) = (old.last_layer().unwrap(), new.last_layer().unwrap());
    let largest = old.weights.iter().fold(0.0f32, |most, w| most.max(w.abs()));
    let pairs = old.weights.iter().zip(&new.weights);
    assert!(pairs.clone().any(|(a, b)| a != b));
    for (a, b) in pairs {
        assert!((a - b).abs() <= largest / 127.0, "{a} became {b}");
    }
}
