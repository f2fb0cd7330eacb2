//! Tables made from known figures.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::{made, read, reproduce};

/// A finished run of CE or RNA on CIFAR10-LT, with an AUROC for its own score.
fn keep(root: &Path, method: &str, seed: u64, auroc: f64) {
    let name = format!("cifar10-lt-{method}-w16-e30-s{seed}");
    let folder = root.join("results/runs").join(&name);
    let score = if method == "ce" {
        "msp"
    } else {
        "representation_norm"
    };
    let set = |name: &str, auroc: f64| {
        json!({"name": name, "images": 10, "mean_norm": 0.5, "activation_ratio": 0.02, "flagged": 0.9,
               "scores": [{"score": score, "auroc": auroc, "aupr": 0.9, "fpr95_ood_positive": 0.3,
                           "fpr95_id_positive": 0.4}]})
    };
    let groups = json!({"overall": 0.78, "many": 0.93, "medium": 0.76, "few": 0.66});
    let report = json!({"figures": {
        "id": {"name": "cifar10_test", "images": 10, "mean_norm": 43.0, "activation_ratio": 0.66,
               "flagged": 0.05, "accuracy": groups, "false_flags": groups, "ece": 0.12},
        "ood": [set("cifar100_unseen", auroc - 0.1), set("scenes", auroc + 0.1)],
        "trust": [
            {"name": "cifar10_test", "score": score, "flagged": 0.05, "accuracy": 0.78,
             "accuracy_unflagged": 0.79},
            {"name": "id_other_source", "score": score, "flagged": 0.91, "accuracy": 0.4,
             "accuracy_unflagged": 0.45},
        ],
        "served_score": score,
    }});
    let command = training_command(root, method, seed, &name);
    let record = json!({"run": name, "setting": {"width": 16, "epochs": 30, "precision": "fp32"},
        "seed": seed, "commands": [command], "machine": "a machine", "date": "2026-01-02",
        "training": {"seconds": 1800.0, "images_per_second": 400.0, "id_norm": 65.0,
                     "auxiliary_norm": 2.5}});
    std::fs::create_dir_all(&folder).unwrap();
    let write = |file: &str, value: &Value| {
        std::fs::write(folder.join(file), value.to_string()).unwrap();
    };
    write("report.json", &report);
    write("run.json", &record);
}

/// How a run is trained.
fn training_command(root: &Path, method: &str, seed: u64, name: &str) -> String {
    let (output, _) = reproduce(
        root,
        &format!(
            "t2 --task cifar10-lt --method {method} --width 16 --epochs 30 --seeds {seed} --dry-run"
        ),
    );
    let said = String::from_utf8(output.stdout).unwrap();
    let mut lines = said.lines().skip_while(|line| *line != name);
    lines.nth(1).unwrap().trim().to_owned()
}

/// Records another command for a run.
fn make_anothers(root: &Path, name: &str) {
    let record = root.join("results/runs").join(name).join("run.json");
    let other = read(&record).replace(" --seed ", " --lr 0.5 --seed ");
    std::fs::write(&record, other).unwrap();
}

#[test]
fn a_run_that_was_made_by_another_command_is_in_no_table() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for (seed, auroc) in [(1, 0.72), (2, 0.70), (3, 0.74)] {
        keep(folder, "ce", seed, auroc);
    }
    make_anothers(folder, "cifar10-lt-ce-w16-e30-s2");
    made(folder, "t2 --tables-only");
    let page = read(&folder.join("results/t2.md"));
    assert!(page.contains("| CE (MSP) | 2 | 72.00, 74.00 |"), "{page}");
}

#[test]
fn a_table_has_what_its_seeds_came_to_beside_the_paper_s() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for (seed, auroc) in [(1, 0.72), (2, 0.70), (3, 0.74)] {
        keep(folder, "ce", seed, auroc);
    }
    keep(folder, "rna", 1, 0.9);
    made(folder, "t2 t3 t16 --tables-only");
    let page = read(&folder.join("results/t2.md"));
    for line in [
        "## Width 16, 30 epochs",
        "|  | Seeds | AUROC | AUPR | FPR95 | Accuracy | Many | Medium | Few |",
        "| CE (MSP) | 3 | 72.00 ± 2.00 | 90.00 ± 0.00 | 30.00 ± 0.00 | 78.00 ± 0.00 |",
        "| … in the paper |  | 72.68 ± 1.04 | 70.48 ± 0.89 | 65.67 ± 1.82 | 72.65 ± 0.19 |",
        "| RNA | 1 | 90.00 | 90.00 | 30.00 | 78.00 | 93.00 | 76.00 | 66.00 |",
        "| OE | 0 | – | – | – | – | – | – | – |",
        "| `cifar10-lt-rna` | RN | 78.00 | 93.00 | 76.00 | 66.00 | 91.00 | 40.00 | 45.00 |",
        "normgate-train reproduce t2 --width 16 --epochs 30 --seeds 3",
        "on a machine (2026-01-02; 4 runs, 2.0 hours of training)",
    ] {
        assert!(page.contains(line), "{line}: {page}");
    }
    // No run on the other ID set is finished.
    assert!(!page.contains("### CIFAR100-LT"), "{page}");
    let norms = read(&folder.join("results/t16.md"));
    let row = "| log(1 + ‖MLP(f)‖) (RNA) | 1 | 65.00 | 2.50 | 43.00 | 0.50 |";
    assert!(norms.contains(row), "{norms}");
    let variants = read(&folder.join("results/t3.md"));
    assert!(
        variants.contains("| 43.00 | 0.50 | 66.00 | 2.00 |"),
        "{variants}"
    );
}

#[test]
fn a_table_is_made_from_the_seeds_that_are_asked_for_and_of_two_shows_both() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for (seed, auroc) in [(1, 0.72), (2, 0.70), (3, 0.74)] {
        keep(folder, "ce", seed, auroc);
    }
    for (seeds, row) in [
        (1, "| CE (MSP) | 1 | 72.00 | 90.00 |"),
        (2, "| CE (MSP) | 2 | 72.00, 70.00 | 90.00, 90.00 |"),
        (3, "| CE (MSP) | 3 | 72.00 ± 2.00 | 90.00 ± 0.00 |"),
    ] {
        made(folder, &format!("t2 --tables-only --seeds {seeds}"));
        let page = read(&folder.join("results/t2.md"));
        let command = format!("reproduce t2 --width 16 --epochs 30 --seeds {seeds}\n");
        assert!(page.contains(row) && page.contains(&command), "{page}");
    }
}

#[test]
fn the_dynamics_of_each_monitored_run_are_a_table_and_a_picture() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for seed in [1, 2, 3] {
        keep(folder, "rna", seed, 0.9);
    }
    let epochs = (1..=30).map(|epoch| {
        json!({"epoch": epoch, "classification_loss": 2.0, "norm_loss": -1.0, "accuracy": 0.5,
               "id_norm": epoch, "auxiliary_norm": 1.0,
               "monitored_norms": {"test_head": 2 * epoch, "test_tail": 1.5}})
    });
    let history = Value::from_iter(epochs).to_string();
    for seed in [1, 2] {
        let run = format!("results/runs/cifar10-lt-rna-w16-e30-s{seed}");
        std::fs::write(folder.join(run).join("history.json"), &history).unwrap();
    }
    made(folder, "fig7 --tables-only");
    let page = read(&folder.join("results/fig7.md"));
    for line in [
        "| RNA | 3 | 65.00 ± 0.00 | 2.50 ± 0.00 | 43.00 ± 0.00 | 0.50 ± 0.00 |",
        "| Mean norm of | Epoch 1 | Epoch 15 | Epoch 30 |",
        "| ID training images (train mode) | 1.00 | 15.00 | 30.00 |",
        "| `test_head` | 2.00 | 30.00 | 60.00 |",
        "seed 1](fig7-cifar10-lt-rna-w16-e30-s1.svg)",
    ] {
        assert!(page.contains(line), "{line}: {page}");
    }
    // The third seed was not monitored, and the paper has no figures here.
    assert_eq!(page.matches("| `test_tail` |").count(), 2);
    assert!(!page.contains("The paper's figures"), "{page}");
    let picture = read(&folder.join("results/fig7-cifar10-lt-rna-w16-e30-s2.svg"));
    assert!(picture.contains("test_head") && picture.contains("auxiliary images"));
}

#[test]
fn tables_and_runs_are_listed_without_making_any() {
    let folder = tempfile::tempdir().unwrap();
    let said = made(folder.path(), "--list --seeds 3");
    assert!(said.contains("t2         99  Table 2"), "{said}");
    let said = made(
        folder.path(),
        "t13 --dry-run --seeds 2 --width 16 --epochs 30",
    );
    let train = "normgate-train train --data data/cifar10_train_lt100 --class-names cifar10 \
                 --hold-out 'airplane=300' --aux data/aux_train,data/aux_train_cifar100 --method rna \
                 --aux-batch-size 32 --width 16 --epochs 30 --seed 1 \
                 --out runs/cifar10-lt-rna-aux-batch-size-32-w16-e30-s1";
    assert!(said.contains("--aux-batch-size 32 --width 16"), "{said}");
    assert!(
        said.replace('\'', "").contains(&train.replace('\'', "")),
        "{said}"
    );
    assert_eq!(said.matches("normgate-train train ").count(), 10, "{said}");
    assert!(
        said.contains("Runs: 10; 0 done, 0 running, 0 left, 10 left out"),
        "{said}"
    );
    assert!(said.contains("it needs data/aux_train, "), "{said}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// Long trainings are recognised by their names and commands, and would start anew under others.
#[test]
fn the_runs_on_cifar_have_the_names_and_commands_that_they_always_had() {
    let folder = tempfile::tempdir().unwrap();
    let tables = "t2 t3 t4 t5 t6 t7 t8 t9 t10 t11 t12 t13 t14 t15 t16 t17 fig5";
    let line = format!("{tables} --dry-run --seeds 1 --width 16 --epochs 30");
    let said = made(folder.path(), &line);
    let known = include_str!("../fixtures/cifar-runs.txt");
    assert!(known.lines().count() > 170);
    let pairs: Vec<&str> = known.lines().collect();
    for pair in pairs.chunks(2) {
        let run = format!("{}\n  {}\n", pair[0], pair[1]);
        assert!(said.contains(&run), "{run}");
    }
}

#[test]
fn a_choice_that_no_run_is_of_is_an_error_that_says_what_there_is() {
    let folder = tempfile::tempdir().unwrap();
    for (line, expected) in [
        (
            "t3 --method rna,oe --task cifar100-lt",
            "nothing on that --task",
        ),
        // Even if there are models of another of the methods.
        (
            "t3 --method rna,oe",
            "trained with --method oe; there are attenuation, rna, rna-attenuation",
        ),
    ] {
        let (output, said) = reproduce(folder.path(), &format!("{line} --dry-run"));
        assert_eq!(output.status.code(), Some(1), "{said}");
        let all = said + &String::from_utf8_lossy(&output.stderr);
        assert!(all.contains(expected), "{all}");
    }
}

#[test]
fn a_size_chosen_for_cifar_is_not_imagenets_unless_it_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let runs = |arguments: &str| {
        let line =
            format!("t6 --method rna --dry-run --seeds 1 --width 16 --epochs 30 {arguments}");
        reproduce(folder.path(), &line).1
    };
    let all = runs("");
    assert!(all.contains("cifar100-lt-rna-w16-e30-s1\n"), "{all}");
    assert!(all.contains("imagenet-lt-rna-w64-e100-s1\n"), "{all}");
    let named = runs("--task imagenet-lt");
    assert!(named.contains("imagenet-lt-rna-w16-e30-s1\n"), "{named}");
    assert!(named.contains("--recipe imagenet-lt"), "{named}");
    assert!(!named.contains("cifar"), "{named}");
}

#[test]
fn a_table_that_is_none_is_refused_with_those_that_are() {
    let folder = tempfile::tempdir().unwrap();
    let (output, said) = reproduce(folder.path(), "t99");
    assert!(!output.status.success());
    assert!(
        said.contains("there is no table \"t99\"; there are t1, t2, t3"),
        "{said}"
    );
}

#[test]
fn a_run_kept_under_other_options_is_not_taken_for_this_one() {
    let folder = tempfile::tempdir().unwrap();
    keep(folder.path(), "ce", 1, 0.7);
    make_anothers(folder.path(), "cifar10-lt-ce-w16-e30-s1");
    let line = "t7 --seeds 1 --width 16 --epochs 30";
    let (output, said) = reproduce(folder.path(), line);
    assert!(!output.status.success());
    assert!(said.contains("was made by another command"), "{said}");
}

/// Committed pages are what the commands below them make from the reports beside them.
#[test]
fn the_pages_of_this_repository_say_what_was_measured() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    for kept in ["docs/results", "docs/results/10-epochs"] {
        let kept = repository.join(kept);
        let folder = tempfile::tempdir().unwrap();
        copy(&kept.join("runs"), &folder.path().join("results/runs"));
        let mut tables: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let files: Vec<PathBuf> = files(&kept);
        for page in files.iter().map(|file| read(file)) {
            let command = page
                .lines()
                .find_map(|line| line.strip_prefix("    normgate-train reproduce "));
            let Some((table, setting)) = command.and_then(|command| command.split_once(' ')) else {
                continue;
            };
            tables.entry(setting.into()).or_default().push(table.into());
        }
        for (setting, tables) in &tables {
            let line = format!("{} {setting} --tables-only", tables.join(" "));
            made(folder.path(), &line);
        }
        assert!(!tables.is_empty());
        for file in files {
            let name = file.file_name().unwrap().to_str().unwrap();
            if name != "README.md" {
                let made = read(&folder.path().join("results").join(name));
                assert!(
                    made == read(&file),
                    "{}: make it anew by the command below it",
                    file.display()
                );
            }
        }
    }
}

/// The files of a folder, except `report.html`, which is not in the repository.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .filter(|path| path.is_file() && path.extension().is_none_or(|it| it != "html"))
        .collect()
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        match path.is_dir() {
            true => copy(&path, &target),
            false => drop(std::fs::copy(&path, &target).unwrap()),
        }
    }
}
