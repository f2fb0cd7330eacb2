//! `normgate-train train` as people use it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use normgate_training::checkpoint::{Checkpoint, FILE_NAME};
use tempfile::TempDir;

use crate::{write_images, write_strip};

/// A folder with two small sets, one of them with classes.
pub(crate) struct Workplace(pub(crate) TempDir);

impl Workplace {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        write_images(&folder.path().join("id/even"), 1, 20);
        write_images(&folder.path().join("id/odd"), 2, 20);
        write_images(&folder.path().join("aux"), 3, 40);
        Self(folder)
    }

    fn run(&self) -> PathBuf {
        self.0.path().join("run")
    }

    pub(crate) fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_normgate-train"));
        command
            .current_dir(&self.0)
            .arg("train")
            .args(arguments.split_whitespace());
        command.stderr(Stdio::piped());
        command
    }

    pub(crate) fn train(&self, arguments: &str) -> Output {
        self.command(arguments).output().unwrap()
    }
}

pub(crate) const SMALL: &str = "--data id --aux aux --out run --width 8 --threads 1 \
                     --batch-size 16 --aux-batch-size 16 --epochs 2";

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub(crate) fn is_there(path: &Path, child: &mut Child) {
    let started = Instant::now();
    while !path.exists() {
        assert_eq!(child.try_wait().unwrap(), None, "the run ended early");
        assert!(
            started.elapsed() < Duration::from_secs(120),
            "{} never came",
            path.display()
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_run_leaves_its_options_its_history_and_a_checkpoint() {
    let place = Workplace::new();
    let output = place.train(SMALL);
    assert!(output.status.success(), "{}", stderr(&output));
    let read = |name: &str| std::fs::read_to_string(place.run().join(name)).unwrap();
    let config: serde_json::Value = serde_json::from_str(&read("config.json")).unwrap();
    assert_eq!(config["recipe"]["epochs"], 2);
    assert_eq!(config["data"]["class_counts"], serde_json::json!([20, 20]));
    assert_eq!(
        config["data"]["class_names"],
        serde_json::json!(["even", "odd"])
    );
    assert_eq!(config["data"]["image_size"], serde_json::json!([32, 32]));
    assert!(
        config["command"]
            .as_str()
            .unwrap()
            .starts_with("normgate-train train --data id")
    );
    let history: serde_json::Value = serde_json::from_str(&read("history.json")).unwrap();
    for (index, epoch) in history.as_array().unwrap().iter().enumerate() {
        assert_eq!(epoch["epoch"], index + 1);
        for figure in [
            "loss",
            "classification_loss",
            "norm_loss",
            "id_norm",
            "auxiliary_norm",
        ] {
            assert!(epoch[figure].is_f64(), "{figure}");
        }
    }
    assert!(place.run().join(FILE_NAME).exists());

    let done = place.train(&format!("--resume run/{FILE_NAME} --threads 1"));
    let said = stderr(&done);
    assert!(said.contains("all 2 epochs are done already"), "{said}");
    let again = place.train(SMALL);
    assert!(!again.status.success());
    assert!(
        stderr(&again).contains("--resume run"),
        "{}",
        stderr(&again)
    );
}

#[test]
fn monitored_sets_are_in_the_options_and_in_each_epoch_of_the_history() {
    let place = Workplace::new();
    let output = place.train(&format!("{SMALL} --monitor even=id#class=even#first=7,aux"));
    assert!(output.status.success(), "{}", stderr(&output));
    let read = |name: &str| -> serde_json::Value {
        serde_json::from_slice(&std::fs::read(place.run().join(name)).unwrap()).unwrap()
    };
    assert_eq!(
        read("config.json")["monitor"],
        serde_json::json!(["even=id#class=even#first=7", "aux"])
    );
    let history = read("history.json");
    for epoch in history.as_array().unwrap() {
        let norms = epoch["monitored_norms"].as_object().unwrap();
        assert_eq!(norms.keys().collect::<Vec<_>>(), ["aux", "even"]);
        assert!(norms.values().all(|norm| norm.as_f64().unwrap() > 0.0));
    }
}

#[test]
fn images_varied_where_the_network_computes_train_it_as_those_varied_by_the_loaders_do() {
    let place = Workplace::new();
    let train = |name: &str, options: &str| {
        let run = SMALL.replace("--out run", &format!("--out {name}"));
        let output = place.train(&format!("{run} --epochs 1 {options}").replace("--epochs 2", ""));
        assert!(output.status.success(), "{}", stderr(&output));
        let run = place.0.path().join(name);
        let history = std::fs::read(run.join("history.json")).unwrap();
        let history: serde_json::Value = serde_json::from_slice(&history).unwrap();
        let loss = history[0]["loss"].as_f64().unwrap();
        (Checkpoint::load(&run).unwrap().tensors, loss)
    };
    let (one_by_one, expected) = train("loaders", "");
    let (together, loss) = train("device", "--augment-on device");
    let (threaded, _) = train("threaded", "--augment-on device --loaders 3");
    assert_eq!(together, threaded);
    // They differ in the last digits, so it really was another way.
    assert_ne!(together, one_by_one);
    // If images were never mirrored, the losses would be 2e-4 apart.
    assert!((loss - expected).abs() < 1e-5, "{loss} {expected}");
}

#[test]
fn ctrl_c_leaves_a_checkpoint_to_go_on_from() {
    let place = Workplace::new();
    let endless = SMALL.replace("--epochs 2", "--epochs 5000 --checkpoint-every 1");
    let mut child = place.command(&endless).spawn().unwrap();
    is_there(&place.run().join(FILE_NAME), &mut child);
    let interrupt = format!("kill -INT {}", child.id());
    assert!(
        Command::new("sh")
            .args(["-c", &interrupt])
            .status()
            .unwrap()
            .success()
    );
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("train --resume run --threads 1 --checkpoint-every 1\n"),
        "{}",
        stderr(&output)
    );

    let stopped = Checkpoint::load(&place.run()).unwrap().progress;
    let mut child = place
        .command("--resume run --threads 1 --checkpoint-every 1")
        .spawn()
        .unwrap();
    let started = Instant::now();
    while Checkpoint::load(&place.run()).unwrap().progress.epochs <= stopped.epochs {
        assert_eq!(child.try_wait().unwrap(), None, "the run ended early");
        assert!(
            started.elapsed() < Duration::from_secs(120),
            "the run does not go on"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_connection_that_ends_does_not_stop_what_nohup_started() {
    let place = Workplace::new();
    let started = place.command(&SMALL.replace("--epochs 2", "--epochs 60 --checkpoint-every 1"));
    let mut child = Command::new("nohup")
        .arg(started.get_program())
        .args(started.get_args())
        .current_dir(place.0.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    is_there(&place.run().join(FILE_NAME), &mut child);
    let hang_up = format!("kill -HUP {}", child.id());
    let told = Command::new("sh").args(["-c", &hang_up]).status().unwrap();
    assert!(told.success());
    assert_eq!(child.try_wait().unwrap(), None, "it was over too soon");
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
}

#[test]
fn a_run_does_not_go_on_with_other_images_than_it_began_with() {
    let place = Workplace::new();
    let output = place.train(SMALL);
    assert!(output.status.success(), "{}", stderr(&output));
    // As many images, and of the same classes.
    write_images(&place.0.path().join("aux"), 4, 40);
    let output = place.train("--resume run");
    assert!(!output.status.success());
    let said = stderr(&output);
    assert!(said.contains("image sets have changed"), "{said}");
}

#[test]
fn a_run_that_was_killed_before_its_first_checkpoint_can_be_started_again() {
    let place = Workplace::new();
    let endless = SMALL.replace("--epochs 2", "--epochs 5000 --checkpoint-every 5000");
    let mut child = place.command(&endless).spawn().unwrap();
    is_there(&place.run().join("config.json"), &mut child);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!place.run().join(FILE_NAME).exists());
    let said = stderr(&place.train("--resume run"));
    assert!(said.contains("before its first checkpoint"), "{said}");
    let output = place.train(SMALL);
    assert!(output.status.success(), "{}", stderr(&output));
}

#[test]
fn mistakes_are_told_with_what_to_do() {
    let place = Workplace::new();
    let folder = place.0.path();
    write_images(&folder.join("few/even"), 4, 5);
    write_images(&folder.join("few/odd"), 5, 5);
    std::fs::create_dir(folder.join("empty")).unwrap();
    write_images(&folder.join("broken/even"), 6, 5);
    std::fs::write(folder.join("broken/even/7.png"), "not a picture").unwrap();
    write_strip(&folder.join("numbers"), &[2; 40]);
    let cases = [
        (
            SMALL.replace("--aux aux", "--method oe"),
            "--method oe learns from auxiliary images",
        ),
        (format!("{SMALL} --method ce"), "leave out --aux"),
        (
            SMALL.replace("--aux aux", "--method ce --tau 1"),
            "--method ce does not adjust logits",
        ),
        (
            SMALL.replace("--aux aux", "--method la --lambda 1"),
            "--method la has no loss that --lambda could weight",
        ),
        (
            format!("{SMALL} --method oe --projection linear"),
            "--method oe has no projection head",
        ),
        (
            SMALL.replace("--aux aux", "--method pascl-ft"),
            "continues from a finished run: name it with --init",
        ),
        (format!("{SMALL} --method oecc"), "--training-accuracy"),
        (format!("{SMALL} --init nowhere"), "nowhere"),
        (format!("{SMALL} --tail 2"), "from 0 to 1"),
        (
            SMALL.replace("--aux aux", "--aux crops,aux"),
            "must stand alone",
        ),
        (SMALL.replace("--aux aux", "--aux aux#first=x"), "#first=N"),
        (
            SMALL.replace("--aux aux", "--aux aux#first=9"),
            "has 9 images for training, and each step takes 16: add images, or give --aux-batch-size 4 or less",
        ),
        (
            SMALL.replace("--out run", "--out id/even/0.png"),
            "is a file",
        ),
        (SMALL.replace("--data id", "--data nowhere"), "nowhere"),
        (SMALL.replace("--data id", "--data empty"), "empty"),
        (
            SMALL.replace("--data id", "--data few"),
            "and each step takes 16: add images, or give --batch-size",
        ),
        (
            SMALL.replace("--aux aux", "--aux few"),
            "or give --aux-batch-size",
        ),
        (
            SMALL
                .replace("--data id", "--data id#first=4")
                .replace("--aux aux", "--aux aux#first=9"),
            "give --batch-size 4 --aux-batch-size 4 or less",
        ),
        (SMALL.replace("--data id", "--data broken"), "7.png"),
        (
            SMALL.replace("--data id", "--data aux"),
            "aux have no classes: put those of each class into a folder of its own",
        ),
        (
            format!("{SMALL} --class-names even,odd,prime"),
            "no image of the class prime is left in id to train on: add some, or leave the class out of --class-names",
        ),
        (
            format!("{SMALL} --class-names even,prime"),
            "\"odd\", of which id has 20 images, is not one of the classes to train on",
        ),
        (
            format!("{SMALL} --class-names even,,odd"),
            "--class-names: the name of class 1 (counted from 0) is empty",
        ),
        (
            format!("{SMALL} --class-names even,odd,even"),
            "two classes are called \"even\"",
        ),
        (
            SMALL.replace("--data id", "--data id,numbers"),
            "the other has only numbers",
        ),
        (
            SMALL.replace("--data id", "--data numbers") + " --class-names even,odd",
            "image 0 has the label 2, but there are 2 classes",
        ),
        (
            format!("{SMALL} --hold-out even=21"),
            "even has 20 images, not 21. Take a share of each class (all=10%)",
        ),
        (
            format!("{SMALL} --hold-out all=4%"),
            "--hold-out takes no image of any class",
        ),
        (format!("{SMALL} --hold-out cat=2"), "cat"),
        (
            format!("{SMALL} --aux-weights 1,2"),
            "2 weights for 1 auxiliary",
        ),
        (
            SMALL.replace("--aux aux", "--aux crops --aux-weights 1,2"),
            "--aux-weights is for several sets",
        ),
        (format!("{SMALL} --monitor id,x=nowhere"), "nowhere"),
        (
            format!("{SMALL} --monitor id#class=cat"),
            "there is no class \"cat\"",
        ),
        (
            format!("{SMALL} --monitor aux,aux#first=3"),
            "give --monitor names to tell them apart",
        ),
        (
            SMALL.replace("--aux aux", "--aux id"),
            "of --aux are also in --data",
        ),
        (
            "--resume run --monitor aux".into(),
            "--monitor cannot be changed",
        ),
        (format!("{SMALL} --device cuda:99"), "--device cuda"),
        (format!("{SMALL} --device gpu"), "cpu, cuda, or cuda:N"),
        (
            format!("{SMALL} --augment-on device --camera 0.5"),
            "do. Leave it out, or them",
        ),
        (
            format!("{SMALL} --cutout 32"),
            "--cutout 32 would hide whole images, which are 32 pixels wide",
        ),
        (
            format!("{SMALL} --camera-operations jpeg"),
            "--camera <STRENGTH>",
        ),
        (
            SMALL.replace("--aux aux ", ""),
            "leave it out, or add --aux",
        ),
        (
            format!("{SMALL} --affine true --shortcut-affine false"),
            "leave --shortcut-affine out",
        ),
        (
            format!("{SMALL} --method energy-oe --energy-in inf"),
            "not a number",
        ),
        (format!("{SMALL} --lr 0"), "greater than 0"),
        (format!("{SMALL} --epochs 0"), "--epochs"),
        (format!("{SMALL} --no-such-option"), "--no-such-option"),
        ("--resume nowhere".into(), "there is no run nowhere"),
        (format!("{SMALL} --resume run"), "--data cannot be changed"),
        ("--resume run --flip 0.1".into(), "--flip cannot be changed"),
        (String::new(), "--data and --out missing"),
        (
            SMALL.replace("--threads 1", "--threads 0"),
            "not a whole number of 1 or more",
        ),
        (format!("{SMALL} --lr -1"), "not a number greater than 0"),
        (format!("{SMALL} --seed -1"), "not a whole number from 0"),
        (
            format!("{SMALL} --aux-weights 1,a"),
            "not a number, such as",
        ),
    ];
    for (arguments, expected) in cases {
        let output = place.train(&arguments);
        assert!(!output.status.success(), "{arguments}");
        let said = stderr(&output);
        assert!(said.contains(expected), "{arguments}: {said}");
        assert!(!said.contains("panicked"), "{arguments}: {said}");
        assert!(!place.run().join(FILE_NAME).exists(), "{arguments}");
    }
    assert!(!folder.join("nowhere").exists());
}

#[test]
fn images_that_cannot_be_read_are_named_and_left_out_where_that_is_asked_for() {
    let place = Workplace::new();
    for name in ["id/odd/broken.png", "id/odd/shot.png"] {
        std::fs::write(place.0.path().join(name), b"no image").unwrap();
    }
    let output = place.train(SMALL);
    assert!(!output.status.success());
    let said = stderr(&output);
    assert!(said.contains("2 of 42 images cannot be read"), "{said}");
    assert!(
        said.contains("id/odd/shot.png") && said.contains("#readable"),
        "{said}"
    );

    let output = place.train(&SMALL.replace("--data id", "--data id#readable"));
    let said = stderr(&output);
    assert!(output.status.success(), "{said}");
    assert!(
        said.contains("2 of 42 images cannot be read and are left out"),
        "{said}"
    );
    let config = std::fs::read(place.run().join("config.json")).unwrap();
    let config: serde_json::Value = serde_json::from_slice(&config).unwrap();
    assert_eq!(config["data"]["data"], serde_json::json!(["id#readable"]));
    assert_eq!(config["data"]["class_counts"], serde_json::json!([20, 20]));
}
