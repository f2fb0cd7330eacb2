//! Runs are made, continued, and not made again.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::{command, made, read, sets};

const TINY: &str = "t4 --task cifar10-lt --method ce,rna --seeds 1 --width 8 --threads 1";
const RNA: &str = "cifar10-lt-rna-w8-e1-s1";

#[test]
fn a_table_is_made_once_and_again_without_training() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    sets::write(folder);
    let line = format!("{TINY} --epochs 1");
    made(folder, &line);
    let page = read(&folder.join("results/t4.md"));
    for part in [
        "# Table 4",
        "CIFAR-100's training set",
        "| CE | 1 |",
        "| RNA | 1 |",
        "| OE | 0 | – | – | – |",
        "| … in the paper |  | 91.73 | 91.96 | 92.90 | – |",
        "(t4-cifar10-lt-w8-e1.svg)",
        "### CIFAR10-LT",
        "normgate-train reproduce t4 --width 8 --epochs 1 --seeds 1",
        "`cifar10-lt-rna` | RN |",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(read(&folder.join("results/t4-cifar10-lt-w8-e1.svg")).starts_with("<svg"));
    let kept = folder.join("results/runs").join(RNA);
    let report = read(&kept.join("report.json"));
    assert!(report.len() < 40_000, "{}", report.len());
    let record: serde_json::Value = serde_json::from_str(&read(&kept.join("run.json"))).unwrap();
    let train = record["commands"][0].as_str().unwrap();
    assert!(
        train.contains("train --data data/cifar10_train_lt100"),
        "{train}"
    );
    assert!(record["training"]["auxiliary_norm"].is_f64());

    // The norm monitored last is that of the exported model on the same images.
    let history: serde_json::Value =
        serde_json::from_str(&read(&kept.join("history.json"))).unwrap();
    let monitored = history[0]["monitored_norms"]["ood_textures"]
        .as_f64()
        .unwrap();
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    let sets = report["figures"]["ood"].as_array().unwrap();
    let textures = sets.iter().find(|set| set["name"] == "textures").unwrap();
    let measured = textures["mean_norm"].as_f64().unwrap();
    assert!(
        (monitored - measured).abs() < 1e-4 * measured,
        "{monitored} {measured}"
    );
    let ce = folder.join("results/runs/cifar10-lt-ce-w8-e1-s1");
    assert!(!ce.join("history.json").exists());

    // The results that are kept need neither the runs nor the sets.
    std::fs::remove_dir_all(folder.join("runs")).unwrap();
    let said = made(folder, &line);
    assert!(said.contains("0 running, 0 left"), "{said}");
    assert!(!folder.join("runs").join(RNA).exists());
    std::fs::remove_file(folder.join("results/t4.md")).unwrap();
    made(folder, "t4 --tables-only");
    assert_eq!(read(&folder.join("results/t4.md")), page);
}

#[test]
fn what_was_interrupted_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    sets::write(folder);
    let line = format!("{TINY} --epochs 40 --checkpoint-every 1");
    let first = folder.join("runs/cifar10-lt-ce-w8-e40-s1");

    let mut child = command(folder, &line)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    until(&mut child, || first.join("checkpoint.safetensors").exists());
    let interrupt = format!("kill -INT {}", child.id());
    let sent = std::process::Command::new("sh")
        .args(["-c", &interrupt])
        .status();
    assert!(sent.unwrap().success());
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert!(said.contains("the same command continues"), "{said}");
    let begun = std::fs::metadata(first.join("config.json"))
        .unwrap()
        .modified();

    // This time it is killed outright, when it has come further than before.
    let epochs = || {
        read(&first.join("history.json"))
            .matches("\"epoch\"")
            .count()
    };
    let before = epochs();
    let mut child = command(folder, &line)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    until(&mut child, || epochs() > before);
    child.kill().unwrap();
    child.wait().unwrap();

    made(folder, &line);
    assert_eq!(epochs(), 40);
    let ended = std::fs::metadata(first.join("config.json"))
        .unwrap()
        .modified();
    assert_eq!(
        begun.unwrap(),
        ended.unwrap(),
        "the run was begun once only"
    );
    assert!(read(&folder.join("results/t4.md")).contains("| CE | 1 |"));
    let whole = read(&folder.join("results/report.html"));
    assert!(whole.contains("<td>CE</td>") && whole.contains("</svg>"));
}

#[test]
fn a_set_that_is_missing_leaves_out_only_the_runs_that_need_it() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    sets::write(folder);
    std::fs::remove_dir_all(folder.join("data/aux_train_cifar100")).unwrap();
    let said = made(folder, &format!("{TINY} --epochs 1"));
    let reason = format!("left out: {RNA}: it needs data/aux_train_cifar100");
    assert!(said.contains(&reason), "{said}");
    let page = read(&folder.join("results/t4.md"));
    assert!(page.contains("| RNA | 0 | – | – | – |"), "{page}");
}

#[test]
fn what_tunes_another_model_is_made_after_it_and_from_it() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    sets::write(folder);
    let line = "t2 --task cifar10-lt --method energy-oe --seeds 1 --width 8 --epochs 1 --threads 1";
    made(folder, line);
    let page = read(&folder.join("results/t2.md"));
    assert!(page.contains("| CE (MSP) | 1 |"), "{page}");
    assert!(page.contains("| EnergyOE | 1 |"), "{page}");
    let record = read(&folder.join("results/runs/cifar10-lt-energy-oe-after-ce-w8-e1-s1/run.json"));
    let begun_with = "--init runs/cifar10-lt-ce-w8-e1-s1";
    assert!(record.contains(begun_with), "{record}");
}

#[test]
fn imagenet_lt_is_trained_from_the_published_lists_and_evaluated_on_them() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    sets::write_imagenet(folder);
    let line = "t2 --task imagenet-lt --method rna --seeds 1 --width 8 --epochs 1 --threads 1";
    made(folder, &format!("{line} --loaders 1"));
    let page = read(&folder.join("results/t2.md"));
    for part in [
        "### ImageNet-LT",
        "| RNA | 1 |",
        "normgate-train reproduce t2 --task imagenet-lt --width 8 --epochs 1 --seeds 1",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let kept = folder.join("results/runs/imagenet-lt-rna-w8-e1-s1");
    let report: serde_json::Value = serde_json::from_str(&read(&kept.join("report.json"))).unwrap();
    assert_eq!(report["figures"]["id"]["images"], 24);
    assert_eq!(report["figures"]["ood"][0]["images"], 20);
}

/// Waits until a child has done something.
fn until(child: &mut Child, done: impl Fn() -> bool) {
    let started = Instant::now();
    while !done() {
        assert_eq!(child.try_wait().unwrap(), None, "it ended early");
        assert!(
            started.elapsed() < Duration::from_secs(120),
            "it never came"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}
