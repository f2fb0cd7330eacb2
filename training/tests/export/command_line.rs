//! train, export, calibrate, evaluate: as people use them.

use std::path::Path;
use std::process::Command;

use rand::Rng;
use rand_pcg::Pcg64Mcg;

/// 100 images of noise in CIFAR-10's binary layout, dark or bright, their classes 0, 1, 0, 1, ….
fn write_cifar(folder: &Path, seed: u128, brightest: u32) {
    let mut random = Pcg64Mcg::new(seed);
    std::fs::create_dir_all(folder).unwrap();
    for file in [
        "data_batch_1",
        "data_batch_2",
        "data_batch_3",
        "data_batch_4",
        "data_batch_5",
        "test_batch",
    ] {
        let mut records = Vec::new();
        for index in 0..20 {
            records.push((index % 2) as u8);
            records.extend((0..3072).map(|_| (random.next_u32() % brightest) as u8));
        }
        std::fs::write(folder.join(format!("{file}.bin")), records).unwrap();
    }
}

fn run(folder: &Path, arguments: &str) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_normgate-train"))
        .current_dir(folder)
        .args(arguments.split_whitespace())
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8_lossy(&text).into_owned(),
    )
}

#[test]
fn from_images_to_a_report_on_the_command_line() {
    let place = tempfile::tempdir().unwrap();
    write_cifar(&place.path().join("id"), 1, 256);
    write_cifar(&place.path().join("aux"), 2, 100);
    write_cifar(&place.path().join("dark"), 3, 50);
    let done = |arguments: &str| {
        let (success, text) = run(place.path(), arguments);
        assert!(success, "{arguments}: {text}");
        text
    };
    done(
        "train --data id --aux aux --class-names airplane,automobile --out run --width 2 --threads 1 \
         --batch-size 16 --aux-batch-size 16 --epochs 2",
    );
    let said = done("export run --out tiny.onnx --name tiny");
    assert!(
        said.contains("Wrote tiny.onnx") && said.contains("calibrate tiny.onnx"),
        "{said}"
    );

    let (success, text) = run(place.path(), "evaluate tiny.onnx --id id");
    assert!(!success && text.contains("not calibrated"), "{text}");

    let said = done("calibrate tiny.onnx --data id#split=train#last=20 --balance");
    assert!(said.contains("20 of each of the 2 classes"), "{said}");

    let said =
        done("evaluate tiny.onnx --id id#split=test --ood dark,noise=aux --run run --out report");
    assert!(
        said.contains("mean of 2") && said.contains("noise"),
        "{said}"
    );
    for file in [
        "report.json",
        "report.md",
        "norms.svg",
        "roc.png",
        "training.png",
    ] {
        assert!(place.path().join("report").join(file).is_file(), "{file}");
    }
}

#[test]
fn a_folder_without_a_checkpoint_is_named() {
    let place = tempfile::tempdir().unwrap();
    let (success, text) = run(place.path(), "export . --out x.onnx");
    assert!(
        !success && text.contains("checkpoint.safetensors is not there"),
        "{text}"
    );
}
